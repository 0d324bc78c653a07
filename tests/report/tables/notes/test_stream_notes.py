"""Claims about the notes on streams: their lengths, their images and what is left out."""

from __future__ import annotations

from dataclasses import replace

from samples.report.results import FIRST

from oodcache.report.tables.notes.stream_notes import stream_notes
from oodcache.score.measures.result import AVERAGE, Result, StreamMeasures


def streamed(order: str, *, images: int = 90, score: str = "oodd", note: str = "") -> Result:
    stream = StreamMeasures(order, images, {order: {}}, note=note)
    return replace(FIRST, score=score, parameters={}, stream=stream)


def noted(*results: Result) -> str:
    (line,) = stream_notes(results)
    return line


def test_a_stream_is_said_with_its_length_and_what_its_intervals_leave_out() -> None:
    one = streamed("drift", images=1200)
    assert noted(one) == (
        "oodd learns from a stream of 1,200 images. DeLong intervals of oodd treat the memory of "
        "the stream as fixed: they do not include that other images would have filled it "
        "differently."
    )
    measures = {"auroc": 0.9}
    two = StreamMeasures("shuffle:2", 90, {"shuffle 0": measures, "shuffle 1": measures}, measures)
    assert noted(FIRST, one, replace(one, ood="SUN", stream=two)).startswith(
        "oodd learns from a stream of 90 to 1,200 images: an image's score depends on the test "
        "images before it; the other scores look at each image alone. ±: the standard deviation "
        "over 2 shuffles. "
    )
    several = noted(one, streamed("drift", score="adaneg"))
    assert several.startswith("oodd, adaneg learn from a stream of 90 to 1,200 images. DeLong ")
    assert "DeLong intervals of oodd and adaneg treat" in several
    assert not [*stream_notes([FIRST])]


def test_ratios_tell_once_what_they_keep_of_sets_of_their_true_sizes() -> None:
    ratio = replace(streamed("ratio:10"), n_ood=72)
    few = replace(ratio, n_id=20, n_ood=300, ood="SUN")
    average = replace(ratio, ood=AVERAGE, n_id=20, n_ood=372)
    other = replace(ratio, stream=StreamMeasures("ratio:1", 90, {"ratio:1": {}}))
    # Fewer ID images in this row than in the first, and more OOD images than any ratio has.
    whole = replace(few, n_id=30, n_ood=300, stream=streamed("shuffle").stream)
    line = noted(ratio, few, average, other, FIRST, whole)
    assert (
        "Rows of a ratio have only some of the images: ratio:10 50,000 ID and 72 of iNaturalist, "
        "20 ID and 300 of SUN; ratio:1 50,000 ID and 72 of iNaturalist; the other rows have 50,000 "
        "ID and 10,000 of iNaturalist, 300 of SUN. "
    ) in line
    assert line.count("some of the images") == 1


def test_a_ratio_that_stands_alone_tells_what_it_keeps_and_one_of_all_images_nothing() -> None:
    alone = noted(replace(streamed("ratio:10"), n_ood=72))
    assert " images: ratio:10 50,000 ID and 72 of iNaturalist. DeLong" in alone
    assert "Rows of a ratio" not in noted(FIRST, streamed("ratio:10"))


def test_what_methods_tell_follows_once_for_each_two_of_them_in_the_line() -> None:
    named = [streamed("drift", score=name, note=f"is {name}") for name in ("oodd", "x", "y")]
    again = streamed("id-first", note="is again")
    first, second = stream_notes([*named, again])
    assert ". For example, oodd (drift) on iNaturalist is oodd. x (drift) on i" in first
    assert " on iNaturalist is x. DeLong" in first
    assert second == "y (drift) on iNaturalist is y."
    # The same of two rows of one score, once; of two scores, twice.
    same = [streamed("drift", note="is one"), streamed("id-first", note="is one")]
    wider = replace(same[1], parameters={"k": 7.0})
    assert noted(*same, wider).count("is one") == 1
    assert noted(same[0], replace(wider, score="x")).count("is one") == 2


def test_a_note_names_its_model_and_is_an_example_if_other_rows_have_others() -> None:
    one, same = streamed("drift", note="is one"), streamed("id-first", note="is one")
    assert ". oodd (drift) on iNaturalist is one. " in noted(one, same)
    other = streamed("id-first", note="is other")
    assert ". For example, oodd (drift) on iNaturalist is one. " in noted(one, other)
    models = (one, replace(other, model="ViT-L-14"))
    assert "oodd (drift) on iNaturalist (ViT-B-16/laion400m_e31) is one. " in noted(*models)

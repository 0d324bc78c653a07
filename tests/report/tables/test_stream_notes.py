"""Claims about the notes on streams: their lengths, their images and what is left out."""

from __future__ import annotations

from dataclasses import replace

from samples.report.results import FIRST

from oodcache.report.tables.stream_notes import stream_notes
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
        "oodd learns from a stream of 1,200 images. Its DeLong intervals take the scores as "
        "independent given this stream's memory, and leave out that other images would fill it "
        "differently."
    )
    measures = {"auroc": 0.9}
    two = StreamMeasures("shuffle:2", 90, {"shuffle 0": measures, "shuffle 1": measures}, measures)
    assert noted(FIRST, one, replace(one, ood="SUN", stream=two)).startswith(
        "oodd learns from a stream of 90 to 1,200 images: each score depends on the test images "
        "before it; other scores see one alone. ±: the standard deviation over 2 shuffles. "
    )
    several = noted(one, streamed("drift", score="adaneg"))
    assert several.startswith("oodd, adaneg learn from a stream of 90 to 1,200 images. Their DeLo")
    assert not [*stream_notes([FIRST])]


def test_a_ratio_tells_the_images_that_it_keeps() -> None:
    ratio = replace(streamed("ratio:10"), n_ood=72)
    told = "ratio:10 keeps 50,000 ID and 72 of 10,000 images of iNaturalist: its row is of other im"
    assert told in noted(FIRST, ratio)
    few = replace(ratio, n_id=20, ood="SUN")
    whole = replace(few, n_id=30, stream=streamed("shuffle").stream)
    average = replace(ratio, ood=AVERAGE, n_id=20, n_ood=144)
    line = noted(FIRST, ratio, few, whole, average)
    assert "72 of 10,000 images of iNaturalist, 20 of 30 ID and 72 images of SUN: " in line


def test_a_ratio_without_other_rows_or_with_all_images_tells_nothing() -> None:
    assert "keeps" not in noted(replace(streamed("ratio:10"), n_ood=72))
    assert "keeps" not in noted(FIRST, streamed("ratio:10"))


def test_what_methods_tell_follows_once_for_each_two_of_them_in_the_line() -> None:
    named = [streamed("drift", score=name, note=f"is {name}") for name in ("oodd", "x", "y")]
    again = streamed("id-first", note="is again")
    first, second = stream_notes([*named, again])
    assert ". oodd (drift) on iNaturalist is oodd. x (drift) on iNaturalist is x. Their" in first
    assert second == "y (drift) on iNaturalist is y."
    # The same of two rows of one score, once; of two scores, twice.
    same = [streamed("drift", note="is one"), streamed("id-first", note="is one")]
    wider = replace(same[1], parameters={"k": 7.0})
    assert noted(*same, wider).count("is one") == 1
    assert noted(same[0], replace(wider, score="x")).count("is one") == 2

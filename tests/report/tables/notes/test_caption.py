from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from samples.report.results import BARE, FIRST, rates, results
from samples.report.spectra import shifted

from oodcache.report.tables.notes.caption import caption, short_caption
from oodcache.score.measures.result import Pick, Result, StreamMeasures

ENERGY = replace(FIRST, score="energy", parameters={"temperature": "learned"}, ood="SUN")
MCM = replace(FIRST, ood="SUN")


def line(results: list[Result], start: str) -> str:
    """Return the only line that begins so, "" for none."""
    found = [one for one in caption(results) if one.startswith(start)]
    assert len(found) <= 1
    return found[0] if found else ""


def test_a_caption_says_images_classes_prompt_convention_and_intervals() -> None:
    assert caption([FIRST]) == [
        "ID imagenet-val (50,000 images), classes imagenet, prompt 'a photo of a {}'.",
        "AUROC and FPR95 in %, ID positive. FPR convention: strict "
        "(the highest threshold that keeps at least 95 % of ID).",
        "Below each AUROC: 95 % DeLong intervals on the logit scale.",
    ]


def test_a_caption_says_that_templates_are_averaged() -> None:
    averaged = replace(FIRST, templates=("a {}", "the {}"))
    assert "prompt the average of 2 templates." in caption([averaged])[0]


def test_a_caption_says_that_the_classes_and_the_accuracy_are_a_banks() -> None:
    means = replace(FIRST, classes="train", template="bank-means", templates=(), bank="train:16")
    assert caption([means])[0] == (
        "ID imagenet-val (50,000 images), classes train, accuracy by the nearest class mean of the "
        "bank, bank train:16."
    )
    bare = replace(means, id_accuracy=None, bank="train")
    assert caption([bare])[0] == "ID imagenet-val (50,000 images), bank train."


def test_prompts_that_stand_in_the_headings_are_not_listed_again() -> None:
    two = [FIRST, replace(FIRST, template="the {}", templates=("the {}",))]
    assert caption(two)[0] == "ID imagenet-val (50,000 images), classes imagenet."


def test_models_that_could_decode_other_images_each_have_their_count() -> None:
    assert "(50,000 or 49,998 images)" in caption([FIRST, replace(FIRST, n_id=49_998)])[0]


def test_of_another_programs_scores_neither_classes_nor_prompt_are_said() -> None:
    bare = replace(FIRST, **BARE, score="sigmoid-mcm")
    assert caption([bare])[0] == "ID imagenet-val (50,000 images)."
    assert len(caption([bare])) == 3


@pytest.mark.parametrize(
    ("convention", "words"),
    [
        ("strict", "the highest threshold that keeps at least 95 % of ID"),
        ("nearest", "the share of ID nearest to 95 %, ties to the lowest"),
        ("openood", "OOD is positive: the share of ID lost at the first threshold"),
        ("interpolated", "linear on the ROC curve, at the right end of a flat run at 95 % of ID"),
    ],
)
def test_each_convention_is_said_in_words(convention: str, words: str) -> None:
    said = caption([replace(FIRST, fpr_convention=convention)])[1]
    assert f"FPR convention: {convention} (" in said
    assert words in said


def test_several_tprs_are_named_and_the_words_fit_each() -> None:
    said = caption([replace(FIRST, fpr_at_tpr={"0.95": 0.3, "0.9": 0.2, "0.8": 0.1})])[1]
    assert said.startswith("AUROC, FPR95, FPR90 and FPR80 in %")
    assert "95 %" not in said


def test_intervals_that_cannot_be_estimated_are_explained() -> None:
    none = replace(FIRST, auroc_ci=None)
    assert "not estimable if the variance is 0" in caption([FIRST, none])[2]
    assert caption([none])[2] == (
        "95 % DeLong intervals on the logit scale are not estimable: no AUROC here has a variance "
        "above 0."
    )


def test_an_average_over_other_id_images_says_why_it_has_no_interval() -> None:
    average = replace(FIRST, ood="average", auroc_ci=None, n_id=60_000)
    said = caption([FIRST, replace(FIRST, ood="SUN", n_id=40_000), average])
    assert "(50,000 or 40,000 images)" in said[0]
    assert said[2].endswith(
        "scale; not estimable for an average over sets with different ID images."
    )
    still = replace(FIRST, score="energy", auroc_ci=None)
    assert "if the variance is 0 or for an average over" in caption([FIRST, average, still])[2]
    assert caption([FIRST, still, replace(still, ood="average")])[2].endswith(
        "; not estimable if the variance is 0."
    )


def test_the_best_of_several_rows_is_called_optimistic_once() -> None:
    said = (
        "To pick the best of these rows by these test images would be optimistic; "
        "use --select-on DATASET."
    )
    others: list[dict[str, Any]] = [
        {"parameters": {"temperature": 2.0}},
        {"template": "the {}", "templates": ("the {}",)},
        {"score": "energy"},
        {"model": "Other"},
    ]
    for other in others:
        assert caption([FIRST, replace(FIRST, **other)])[3:] == [said]
    assert caption([FIRST, replace(FIRST, ood="SUN")])[3:] == []


def test_what_has_no_such_option_does_not_suggest_it() -> None:
    bare = [replace(FIRST, **BARE), replace(FIRST, **BARE | {"score": "knn"})]
    assert line(bare, "To pick") == (
        "To pick the best of these rows by these test images would be optimistic."
    )


def picked(auroc: float, tried: int, shared: dict[str, int] | None = None, **of: Any) -> Result:
    return replace(FIRST, **of, picked=Pick("Textures", tried, auroc, shared or {}))


def test_what_was_picked_is_said_with_its_set_and_what_is_best_there() -> None:
    rows = [
        picked(0.9712, 4, parameters={"temperature": 0.1}),
        picked(0.5, 1, score="max-logit", parameters={}),
        picked(0.6, 4, model="Other"),
        picked(0.7, 1, score="max-logit", parameters={}, model="Other"),
    ]
    both = [*rows, *(replace(one, ood="average") for one in rows)]
    assert caption(both)[3:] == [
        "Parameters were picked by AUROC on Textures (no column here; same ID images): "
        "mcm:temperature=0.1 at 97.12 out of 4 settings (ViT-B-16/laion400m_e31), "
        "mcm at 60.00 out of 4 settings (Other/laion400m_e31).",
        "Best row on Textures: mcm:temperature=0.1 at 97.12 (ViT-B-16/laion400m_e31), "
        "max-logit at 70.00 (Other/laion400m_e31).",
    ]


def test_the_first_line_names_the_set_that_picked_parameters() -> None:
    assert short_caption([picked(0.9, 2)])[0].endswith(", parameters picked on Textures.")


def test_a_single_row_that_was_picked_needs_no_best() -> None:
    assert caption([picked(0.9, 2)])[3:] == [
        "Parameters were picked by AUROC on Textures (no column here; same ID images): "
        "mcm at 90.00 out of 2 settings."
    ]
    assert caption([picked(0.9, 1)])[3].endswith(": no score has several settings.")


def test_many_picks_are_cut_short() -> None:
    rows = [picked(0.9, 2, model=f"model {place}") for place in range(8)]
    assert line(rows, "Parameters").endswith("(model 4/laion400m_e31) and 3 more.")


def test_images_that_pick_and_measure_are_said() -> None:
    rows = [picked(0.9, 2, {"SUN": 1200, "Places": 1}), picked(0.8, 2, model="Other")]
    assert line(rows, "Test images") == (
        "Test images that also picked parameters on Textures (equal embeddings): "
        "1,200 of SUN, 1 of Places."
    )


@pytest.mark.slow
def test_a_thousand_variants_are_compared_in_no_time() -> None:
    many = [
        rates(
            replace(MCM, parameters={"temperature": 1.0 + place}, fpr95=place / 1000, ties=1000),
            openood=1 - place / 1000,
        )
        for place in range(1000)
    ]
    said = line(many, "The order")
    assert "of 499,500 pairs of scores, openood swaps 499,500" in said
    assert line(many, "More than").endswith("and 995 more); a tie counts half in AUROC.")


def test_ties_are_said_above_a_thousandth_and_not_at_it() -> None:
    assert line([replace(FIRST, ties=60)], "More than") == ""
    assert line([replace(FIRST, ties=61)], "More than") == (
        "More than 0.1 % of the images have tied scores (mcm on iNaturalist: 61 of 60,000); "
        "a tie counts half in AUROC."
    )


def test_ties_of_an_average_are_those_of_its_sets() -> None:
    for name in ("average", "average-near", "average-far"):
        assert line([replace(FIRST, ood=name, ties=60_000)], "More than") == ""


def test_images_that_are_in_the_bank_come_first_below_a_table() -> None:
    in_bank = {"imagenet-val": 717, "SUN": 3}
    shown = [
        replace(one, score="knn", parameters={}, bank="train", bank_shared_images=in_bank)
        for one in results("SUN", shared_images=3)
    ]
    said = "Images also in the bank train (equal embeddings), which are no test of its scores: "
    assert short_caption(shown)[2].startswith(f"{said}717 of imagenet-val, 3 of SUN. Use --expl")
    assert f"{said}717 of imagenet-val, 3 of SUN." in caption(shown)


def test_shared_images_are_said_once_a_set() -> None:
    shown = [*results("SUN", shared_images=3), *results("average", shared_images=3)]
    assert line(shown, "Images also").endswith("counted as both ID and OOD: 3 of SUN.")
    assert line(results("SUN"), "Images also") == ""


def test_a_caption_says_why_sigmoid_and_cosine_have_equal_rows() -> None:
    lines = caption([FIRST, replace(FIRST, score="sigmoid-mcm", parameters={})])
    assert lines[-1].startswith(
        "sigmoid-mcm increases with the largest cosine, so it ranks images as max-"
    )
    assert len(caption([FIRST, replace(FIRST, score="max-logit", parameters={})])) == 4


def test_a_short_caption_has_three_lines_and_counts_what_it_hides() -> None:
    rows = [
        rates(replace(MCM, score="sigmoid-mcm", parameters={}, shared_images=3)),
        rates(replace(ENERGY, fpr95=0.5)),
    ]
    whole = caption(rows)
    compared, how, note = short_caption(rows)
    assert (compared, how) == (whole[0], " ".join(whole[1:3]))
    shared = "Images also in imagenet-val (equal embeddings), counted as both ID and OOD: "
    assert note == f"{shared}3 of SUN. Use --explain for 2 more notes."
    assert len(whole) == 3 + 3


def test_a_short_caption_without_a_note_has_two_lines_and_with_one_hides_none() -> None:
    assert len(short_caption([FIRST])) == 2
    lines = short_caption([MCM, ENERGY])
    assert len(lines) == 3 and lines[2].startswith("To pick the best of these rows")
    assert "--explain" not in lines[2]


def test_a_stream_is_in_the_short_caption() -> None:
    drift = StreamMeasures("drift", 1200, {"drift": {}}, note="adds base and cosine")
    one = replace(FIRST, score="oodd", parameters={}, stream=drift)
    assert short_caption([FIRST, one])[2].startswith("oodd learns from a stream")
    assert "oodd (drift) on iNaturalist adds base and cosine." in short_caption([FIRST, one])[2]


def test_the_first_line_has_the_id_images_of_rows_that_are_of_no_ratio() -> None:
    stream = StreamMeasures("ratio:1", 90, {"ratio:1": {}})
    ratio, other = (replace(FIRST, n_id=n, stream=stream) for n in (160, 90))
    assert "(50,000 images)" in caption([FIRST, ratio])[0]
    assert "(90 to 160 images)" in caption([ratio, other])[0]


def test_a_csid_set_with_every_number_of_the_id_set_is_told_first() -> None:
    inside, other, *rest = shifted(replace(FIRST, auroc=0.9))
    copy = replace(other, n_id=inside.n_id)
    said = (
        "Every number of csid:imagenet-r is that of imagenet-val: are these the same images? The "
        "full spectrum would count them twice."
    )
    assert said in caption([inside, copy, *rest])
    assert short_caption([inside, copy, *rest])[2].startswith(said)
    for rows in (
        [inside, other, *rest],
        [inside, replace(copy, auroc=0.901), *rest],
        [replace(inside, auroc=1.0), replace(copy, auroc=1.0), *rest],
    ):
        assert said not in caption(rows)

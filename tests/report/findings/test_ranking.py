"""Claims about the ranking behind the findings: which rows are in it, and in what order."""

from __future__ import annotations

from dataclasses import replace

from samples.report.results import FIRST, results
from samples.report.spectra import shifted

from oodcache.report.findings.ranking import named, ranking, sets_of, whose_named
from oodcache.score.measures.result import LeakCount, StreamMeasures

LEFT_OUT = LeakCount(1200, 0, None, None, "spelling", left_out=4)


def test_rows_are_ranked_on_the_average_the_highest_first() -> None:
    found = ranking(results("SUN", "Places", "average"))
    assert {one.ood for one in found.rows} == {"average"}
    assert [one.score for one in found.rows] == ["max-logit", "sigmoid-mcm", "mcm", "mcm"]
    assert [one.score for one in found.best] == ["max-logit"]
    assert [one.score for one in found.runners_up] == ["sigmoid-mcm"]


def test_without_an_average_the_set_with_the_most_rows_counts() -> None:
    rows = [*results("SUN")[:1], *results("Places")]
    assert {one.ood for one in ranking(rows).rows} == {"Places"}


def test_rows_that_tie_are_all_best_and_the_next_is_behind_them() -> None:
    tied = [replace(FIRST, score=name, auroc=0.9) for name in ("energy", "max-logit")]
    found = ranking([replace(FIRST, auroc=0.8), *tied])
    assert list(found.best) == tied
    assert [one.auroc for one in found.runners_up] == [0.8]
    assert ranking(tied).runners_up == ()


def test_rows_that_tie_for_the_next_place_are_all_runners_up() -> None:
    tied = [replace(FIRST, score=name, auroc=0.8) for name in ("energy", "max-logit")]
    rows = [replace(FIRST, auroc=0.7), *tied, replace(FIRST, auroc=0.9)]
    assert list(ranking(rows).runners_up) == tied


def test_diagnostics_csid_images_and_ratios_are_not_ranked_with_the_others() -> None:
    ratio = StreamMeasures("ratio:9", 100, {"ratio:9": {"auroc": 0.99}})
    others = [
        replace(FIRST, score="neglabel", auroc=0.98, leaks=LEFT_OUT),
        replace(FIRST, score="oodd", auroc=0.99, stream=ratio),
        *shifted(replace(FIRST, score="energy", auroc=0.97))[1:],
    ]
    assert ranking([FIRST, *others]).rows == (FIRST,)
    for one in others:
        assert ranking([one]).rows == (one,)


def test_a_row_is_named_by_its_model_and_by_its_prompt_if_there_are_several() -> None:
    assert named(FIRST, [FIRST]) == "mcm with ViT-B-16/laion400m_e31"
    other = replace(FIRST, template="{}", templates=("{}",))
    assert named(other, [FIRST, other]) == "mcm with ViT-B-16/laion400m_e31 and prompt '{}'"
    bare = replace(FIRST, model=None, pretrained=None, classes=None)
    assert named(bare, [bare]) == "mcm"


def test_an_average_is_over_the_sets_that_it_names_or_else_those_of_its_row() -> None:
    rows = results("SUN", "Places", "average")
    average = rows[2]
    assert sets_of(rows[0], rows) == ("SUN",)
    assert sets_of(average, rows) == ("SUN", "Places")
    assert sets_of(replace(average, average_of=("SUN",)), rows) == ("SUN",)


def test_a_row_is_named_with_the_new_names_of_its_parts() -> None:
    new = {"mcm": "MCM", "ViT-B-16/laion400m_e31": "CLIP", "other": "Second"}
    assert named(FIRST, [FIRST], new) == "MCM with CLIP"
    other = replace(FIRST, template="other", templates=("{}",))
    assert named(other, [FIRST, other], new) == "MCM with CLIP and prompt Second"
    assert whose_named(other, [FIRST, other], new) == " (prompt Second)"
    assert whose_named(FIRST, [FIRST], new) == ""
    third = replace(FIRST, model="ViT-L-14")
    assert whose_named(FIRST, [FIRST, third], new) == " (CLIP)"

"""Claims about the best rows of a column, against tests made up by hand and real paired ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from samples.report.results import FIRST, LABELS, difference, results
from samples.report.spectra import shifted

from oodcache.report.tables.best import BEST, TESTED, UNTESTED, meaning, with_best
from oodcache.report.tables.measured import measured
from oodcache.report.tables.sections import sections
from oodcache.score.measures.differences import differences
from oodcache.score.measures.metrics import auroc
from oodcache.score.measures.orders.paired_orders import PairedRow
from oodcache.score.measures.result import Difference, Result, StreamMeasures


def best(shown: Sequence[Result], tests: Sequence[Difference] = ()) -> dict[str, list[str]]:
    """Return the OOD sets for which each row is among the best."""
    grid = with_best(measured(shown), shown, tests)
    sets = {}
    for row in grid.rows:
        of_sets = zip(grid.ood_sets, row.places, strict=True)
        sets[row.score] = sorted(ood for ood, places in of_sets if places[0] == 1)
    return {score: of for score, of in sets.items() if of}


def note(shown: Sequence[Result], tests: Sequence[Difference] = ()) -> str:
    return with_best(measured(shown), shown, tests).bold


def test_without_tests_the_highest_auroc_is_best_and_equal_ones_with_it() -> None:
    shown = results("SUN", "Places")
    assert best(shown) == {"max-logit": ["Places", "SUN"]}
    equal = [replace(one, auroc=0.89) if one.score == "sigmoid-mcm" else one for one in shown]
    assert best(equal) == {"sigmoid-mcm": ["SUN"], "max-logit": ["Places", "SUN"]}
    assert note(shown) == UNTESTED


def test_a_row_alone_is_not_called_best() -> None:
    assert best([FIRST]) == {}
    assert note([FIRST]) == ""


def test_with_tests_a_row_that_is_not_different_at_5_percent_is_best_too() -> None:
    shown = [one for one in results("SUN") if one.score in ("mcm", "max-logit")][::2]
    assert [one.score for one in shown] == ["mcm", "max-logit"]
    assert best(shown, [difference("mcm", "max-logit", p_holm=0.0499)]) == {"max-logit": ["SUN"]}
    tied = [difference("mcm", "max-logit", p_holm=0.05)]
    assert best(shown, tied) == {"mcm": ["SUN"], "max-logit": ["SUN"]}
    assert note(shown, tied) == f"{TESTED}."


def test_several_bests_by_tests_have_no_second_and_a_single_one_has() -> None:
    shown = [replace(one, fpr_at_tpr={"0.95": 0.5 - one.auroc / 9}) for one in results("SUN")]
    mcm, learned, sigmoid, logit = LABELS
    tests = [
        difference(mcm, logit, difference=-0.09, p_holm=0.001),
        difference(learned, logit, difference=-0.06, p_holm=0.01),
        difference(sigmoid, logit, difference=-0.03, p_holm=0.3),
    ]
    grid = measured(shown, differences=tests)
    assert [row.places[0] for row in grid.rows] == [(0, 0), (0, 0), (1, 2), (1, 1)]
    clear = measured(shown, differences=[*tests[:2], replace(tests[2], p_holm=0.04)])
    assert [row.places[0][0] for row in clear.rows] == [0, 0, 2, 1]
    assert meaning(grid) == f"{TESTED}. Underlined: the second best."
    few = measured(shown[2:], differences=tests[2:])
    assert [row.places[0] for row in few.rows] == [(1, 0), (1, 1)]
    assert meaning(few) == f"{TESTED}."


def test_a_table_without_tests_to_ask_for_names_none() -> None:
    assert measured(results("SUN")).bold == BEST
    assert measured(results("SUN"), differences=[]).bold == UNTESTED


def test_of_an_average_without_tests_the_best_alone_is_bold() -> None:
    shown = [one for one in results("SUN", "average") if one.score in ("mcm", "max-logit")]
    shown = [one for one in shown if one.parameters != {"temperature": "learned"}]
    tied = [difference("mcm", "max-logit", p_holm=0.9)]
    assert best(shown, tied) == {"mcm": ["SUN"], "max-logit": ["SUN", "average"]}
    assert note(shown, tied) == f"{TESTED}; of averages the best alone."


def test_each_kind_of_positives_has_its_own_best() -> None:
    high, low = replace(FIRST, score="energy", parameters={}, auroc=0.97), FIRST
    shown = [*shifted(high), *shifted(low)]
    shown.sort(key=lambda one: one.id)
    found = with_best(measured(shown), shown, []).rows
    assert [row.score for row in found if row.places[0][0] == 1] == ["energy"] * 4
    assert len(found) == 8


def test_a_row_of_a_ratio_is_not_compared_with_rows_of_all_images() -> None:
    ratio = StreamMeasures("ratio:9", 20, {})
    plain = results("SUN")[:2]
    kept = [replace(one, score="oodd", stream=ratio, auroc=0.99) for one in plain[:1]]
    assert best([*plain, *kept]) == {"mcm:temperature=learned": ["SUN"]}


def test_real_paired_tests_tie_a_copy_with_noise_and_not_a_random_score() -> None:
    draw = np.random.default_rng(0)
    inside, outside = draw.normal(1.5, 1, 300), draw.normal(0, 1, 300)
    numbers = {
        "mcm": (inside, outside),
        "energy": (inside + draw.normal(0, 0.01, 300), outside + draw.normal(0, 0.01, 300)),
        "gen": (draw.normal(size=300), draw.normal(size=300)),
    }
    model, template = "ViT-B-16/laion400m_e31", "a photo of a {}"
    rows = [
        PairedRow((model, template, name), {"imagenet-val": a, "SUN": b}, images)
        for name, (a, b) in numbers.items()
        if (images := {"imagenet-val": "i", "SUN": "s"})
    ]
    shown = [
        replace(FIRST, ood="SUN", score=name, parameters={}, auroc=auroc(a, b))
        for name, (a, b) in numbers.items()
    ]
    tests = differences(rows, "imagenet-val")
    assert best(shown, tests) == {"mcm": ["SUN"], "energy": ["SUN"]}
    behind = sections(shown, tests)[-1]
    starred = [row.score for row in behind.rows if "*" in row.cells[0][0][0]]
    assert starred == ["gen"], "what is not bold has a star in the table of differences"

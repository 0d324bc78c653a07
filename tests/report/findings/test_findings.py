"""Claims about the sentences that a report begins with, against cases worked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from samples.report.results import BARE, FIRST, MODEL, difference, results

from oodcache.report.findings.findings import Findings, findings
from oodcache.report.saved.results import Saved
from oodcache.score.measures.result import Difference, Result
from oodcache.score.measures.shots import Shots

BEST, NEXT = "max-logit", "sigmoid-mcm"


def found(rows: Sequence[Result], *differences: Difference, **provenance: Any) -> Findings:
    return findings(Saved(Path("r.json"), tuple(rows), differences, provenance))


def test_the_best_row_is_named_with_its_number_and_interval() -> None:
    assert found(results("SUN")).best == (
        f"The best score is max-logit with {MODEL}, with an AUROC of 89.00 % on SUN "
        "(95 % interval 88.00–92.00)."
    )
    average = found(results("SUN", "Places", "average")).best
    assert "AUROC of 89.80 % on average over 2 OOD sets (" in average


def test_of_one_row_nothing_is_called_best() -> None:
    only = found([replace(FIRST, auroc_ci=None)])
    assert only.best == (
        f"The only score, mcm with {MODEL}, has an AUROC of 94.12 % on iNaturalist "
        "(an interval cannot be estimated)."
    )
    assert only.runner_up == "There is no other score to compare it with."
    assert "picked by the same images" not in only.distrust


def test_rows_that_tie_are_named_together() -> None:
    rows = [replace(FIRST, **BARE, score=name) for name in ("a", "b", "c")]
    tied = found(rows)
    assert tied.best == (
        "The best scores are a, b and c, which tie with an AUROC of 94.12 % on iNaturalist "
        "(95 % interval 93.00–95.00)."
    )
    assert tied.runner_up == "No score is behind: all of them tie."
    rows[1] = replace(rows[1], auroc_ci=(0.92, 0.96))
    assert "are a (95 % interval 93.00–95.00), b (95 % interval 92.00–96.00) and" in (
        found(rows).best
    )


def test_draws_of_a_bank_have_a_range_for_an_interval() -> None:
    shots = Shots.of(4, {"0": {"auroc": 0.75}, "1": {"auroc": 0.5}})
    assert "(range over 2 draws 50.00–75.00)." in found([replace(FIRST, shots=shots)]).best


def test_the_runner_up_that_was_not_tested_says_what_to_type() -> None:
    assert found(results("SUN")).runner_up == (
        f"The runner-up, sigmoid-mcm with {MODEL}, is 3.00 percentage points behind; whether the "
        "two differ was not tested (use --compare)."
    )
    close = [replace(FIRST, score=name, auroc=0.9 + by) for name, by in (("a", 0), ("b", 1e-6))]
    assert "is less than 0.01 percentage points behind" in found(close).runner_up


def of_tied(*tests: Difference, ood: str = "SUN") -> str:
    """Return the sentence on two rows that tie behind max-logit."""
    names = ("SUN", "average") if ood == "average" else (ood,)
    rows = [
        replace(one, auroc=0.86) if one.score != BEST else one
        for one in results(*names)
        if "temperature" not in one.parameters or one.parameters["temperature"] == 1
    ]
    return found(rows, *tests).runner_up


def test_all_rows_that_tie_for_the_runner_up_are_named() -> None:
    what = f"The runners-up, mcm with {MODEL} and sigmoid-mcm with {MODEL}, tie, 3.00 percentage "
    assert of_tied() == (
        f"{what}points behind; whether they differ from the best was not tested (use --compare)."
    )
    other = difference("mcm", NEXT, difference=0.0)
    assert of_tied(other) == f"{what}points behind; no paired test with the best was made."


def test_tests_of_tied_runners_up_are_told_once_or_of_each() -> None:
    clear = difference(BEST, NEXT, difference=0.03, p_holm=0.0004)
    shown = "a difference from the best was shown (paired DeLong test, Holm-adjusted p < .001)"
    same = difference(BEST, "mcm", difference=0.03, p_holm=0.0004)
    assert of_tied(clear, same).endswith(f"tie, 3.00 percentage points behind: for each, {shown}.")
    unclear = replace(same, p_holm=0.2)
    assert of_tied(clear, unclear).endswith(
        f"points behind: for mcm with {MODEL}, no difference was shown (paired DeLong test, "
        f"Holm-adjusted p = .200); for sigmoid-mcm with {MODEL}, {shown}."
    )
    assert f"for mcm with {MODEL}, no paired test was made; for sigmoid-mcm" in of_tied(clear)
    assert of_tied(clear, same, ood="average").endswith(
        ": for each, the best is better on SUN (paired DeLong tests, Holm-adjusted)."
    )


def test_where_compare_is_refused_it_is_not_advised() -> None:
    rows = results("SUN")
    rows[0] = replace(rows[0], shots=Shots.of(4, {"0": {"auroc": rows[0].auroc}}))
    assert found(rows).runner_up.endswith(
        "; whether the two differ was not tested: --compare takes one bank."
    )


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0004, "the two differ (paired DeLong test, Holm-adjusted p < .001)"),
        (0.049, "the two differ (paired DeLong test, Holm-adjusted p = .049)"),
        (0.05, "no difference was shown (paired DeLong test, Holm-adjusted p = .050)"),
    ],
)
@pytest.mark.parametrize("names", [(BEST, NEXT), (NEXT, BEST)])
def test_a_paired_test_tells_whether_the_runner_up_differs(
    names: tuple[str, str], p: float, words: str
) -> None:
    tested = difference(*names, difference=0.03 if names[0] == BEST else -0.03, p_holm=p)
    assert found(results("SUN"), tested).runner_up.endswith(f"points behind: {words}.")


def test_of_an_average_each_set_has_its_test() -> None:
    tested = [
        difference(BEST, NEXT, ood="SUN", difference=0.05, p_holm=0.001),
        difference(NEXT, BEST, ood="Places", difference=0.02, p_holm=0.01),
        difference(BEST, NEXT, ood="Textures", difference=0.02, p_holm=0.2),
        difference(BEST, "mcm", ood="iNaturalist", difference=0.5, p_holm=0.001),
    ]
    rows = results("SUN", "Places", "Textures", "iNaturalist", "average")
    assert found(rows, *tested).runner_up.endswith(
        ": the best is better on SUN, worse on Places, not shown to differ on Textures "
        "(paired DeLong tests, Holm-adjusted)."
    )


def test_pairs_without_a_test_are_not_called_untested_by_mistake() -> None:
    other = difference(BEST, "mcm")
    assert found(results("SUN"), other).runner_up.endswith(
        "is 3.00 percentage points behind; no paired test of the two was made."
    )


def test_the_sentences_are_three_and_end_with_periods() -> None:
    sentences = found(results("SUN", "average")).sentences
    assert len(sentences) == 3 and all(one.endswith(".") for one in sentences)
    calm = [replace(FIRST, ties=0)]
    assert found(calm).distrust == "The results give no reason for particular caution."


def test_every_sentence_has_the_new_names_and_the_same_numbers() -> None:
    rows = results("SUN", "Places", "average")
    new = {BEST: "Largest", NEXT: "Sigmoid", MODEL: "CLIP", "SUN": "Suns", "Places": "P365"}
    saved = Saved(
        Path("r.json"),
        tuple(rows),
        tuple(
            replace(difference(BEST, NEXT), ood=ood, difference=lead, p_holm=0.01)
            for ood, lead in (("SUN", 0.02), ("Places", -0.01))
        ),
        {},
    )
    old, found = (findings(saved, names).sentences for names in (None, new))
    assert "better on Suns, worse on P365" in found[1]
    for before, after in zip(old, found, strict=True):
        for name, other in new.items():
            before = before.replace(name, other)
        assert after == before
    assert not any(name in "".join(found) for name in new)

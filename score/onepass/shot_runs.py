"""Runs over the axis of shots: a question for each bank, and their results in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from oodcache.score.formulas.definition import ANY, BANK
from oodcache.score.inputs.question import Question
from oodcache.score.measures.orders.over_orders import mean_of, measures_of_row
from oodcache.score.measures.result import Result
from oodcache.score.measures.shots import Shots
from oodcache.score.onepass.shot_axis import DrawnBank
from oodcache.score.onepass.variants import Variant


@dataclass(frozen=True)
class ShotRun:
    """A question with a single bank, `bank`, or with none, for the scores that take none."""

    question: Question
    bank: DrawnBank | None


def shot_runs(question: Question, *, has_texts: bool) -> list[ShotRun]:
    """Return a run for each bank of the question's axis, after one for scores without a bank.

    Every score of a model without texts takes a bank, which has its classes. A user's score may
    take one.
    """
    axis = question.axis
    assert axis is not None
    of_bank = [one for one in question.variants if not has_texts or one.needs in (BANK, ANY)]
    others = [one for one in question.variants if one not in of_bank]
    found = []
    if others:
        found.append(ShotRun(replace(question, variants=others, bank=None, bank_draws=1), None))
    if not of_bank:
        return found
    single = replace(question, variants=of_bank, bank_draws=1)
    return found + [
        ShotRun(replace(single, bank=one.typed, bank_seed=one.seed), one)
        for one in axis.banks(question.bank_seed)
    ]


def joined(
    variants: Sequence[Variant], found: Sequence[tuple[ShotRun, Sequence[Result]]]
) -> tuple[Result, ...]:
    """Return the results of all runs: the means over the draws of each number of images.

    Rows stand by template and ID set, then by score in the order of `variants`, then by number of
    images. A user's score that has not read the bank has the same results in every run.
    """
    rows: dict[tuple[Any, ...], list[tuple[DrawnBank | None, Result]]] = {}
    for run, results in found:
        for one in results:
            bank = run.bank if one.bank is not None else None
            per_class = None if bank is None else bank.per_class
            label = Variant(one.score, one.parameters).label
            key = one.template, one.id, label, per_class, one.ood
            rows.setdefault(key, []).append((bank, one))
    places = {one: place for place, one in enumerate(dict.fromkeys(key[:2] for key in rows))}
    order = {one.label: place for place, one in enumerate(variants)}
    every = sorted(rows, key=lambda key: (places[key[:2]], order[key[2]]))
    return tuple(_over_draws(rows[key]) for key in every)


def _over_draws(rows: Sequence[tuple[DrawnBank | None, Result]]) -> Result:
    """Return the mean of a row over its draws, which has no DeLong interval if they are several."""
    (bank, first), results = rows[0], [one for _, one in rows]
    if bank is None:
        return first
    draws = {str(one.seed): measures_of_row(row) for one, row in rows if one is not None}
    shots = Shots.of(bank.per_class, draws)
    if len(results) == 1:
        return replace(first, shots=shots)
    accuracies = [one.id_accuracy for one in results if one.id_accuracy is not None]
    counts: Mapping[str, Any] = {
        name: round(np.mean([getattr(one, name) for one in results]))
        for name in ("ties", "distinct")
    }
    return replace(
        mean_of(results),
        **counts,
        auroc_ci=None,
        id_accuracy=float(np.mean(accuracies)) if accuracies else None,
        bank_shared_images=_most(results),
        shots=shots,
    )


def _most(results: Sequence[Result]) -> dict[str, int]:
    """Return how many images of each set are also in the bank, in the draw that has most."""
    found: dict[str, int] = {}
    for one in results:
        for name, count in (one.bank_shared_images or {}).items():
            found[name] = max(count, found.get(name, 0))
    return found

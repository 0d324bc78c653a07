"""Comparison of one score's ID images with each OOD set, and the averages over sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from oodcache.score.formulas.cosines import Scores
from oodcache.score.measures import bootstrap, delong
from oodcache.score.measures.groups import Averaged, averages
from oodcache.score.measures.metrics import Counts, Integers, merge, rising
from oodcache.score.measures.result import FPR_CONVENTIONS, MEASURES, Conventions, Result
from oodcache.score.measures.selective.answers import Answers, Outcomes

if TYPE_CHECKING:
    from oodcache.score.measures.selective.selective import Selective

SUMS = ("n_ood", "ties", "distinct", "shared_images")


@dataclass(frozen=True)
class ComparedRow:
    """A result with its resamples, by measure; its counts unless it is an average over sets."""

    result: Result
    samples: dict[str, bootstrap.Samples]
    counts: Counts | None = None


@dataclass(frozen=True)
class Comparison:
    """How a score's ID images are compared with OOD sets, whatever the score.

    `groups` has "near", "far" or None for each OOD set; the conventions may have groups of the
    user's own. `probability` turns a score into the probability of being ID, None
    if it is not one. `advance` is called after every bootstrap resample of a set.
    """

    conventions: Conventions
    groups: Mapping[str, str | None]
    probability: Callable[[Scores], Scores] | None = None
    advance: Callable[[int], None] = lambda done: None

    def rows(
        self,
        common: Mapping[str, Any],
        id_scores: Scores,
        ood_scores: Mapping[str, Scores],
        shared_images: Mapping[str, int],
        id_drawn: Callable[[], Iterator[Integers]] | None = None,
        outcomes: Outcomes | None = None,
    ) -> list[ComparedRow]:
        """Return a result for each OOD set, then the averages if there are several.

        `common` has the fields of Result that do not depend on the OOD set. `id_drawn` returns
        the draws of ID images for one OOD set, as `bootstrap.resampled` takes them. `outcomes`
        tell which ID images are classified correctly, in the order of `id_scores`.
        """
        tprs = self.conventions.tprs
        answers = None
        if self.conventions.selective and outcomes is not None:
            answers = Answers.of(id_scores, outcomes)
        probability = self.probability if self.conventions.calibration else None
        id_rising = rising("ID", id_scores)
        id_probability = probability(id_scores) if probability else None
        sets = []
        for name, scores in ood_scores.items():
            counts = merge(id_rising, rising("OOD", scores))
            samples = bootstrap.resampled(
                *(counts, name),
                conventions=self.conventions,
                advance=self.advance,
                id_drawn=None if id_drawn is None else id_drawn(),
                further=partial(answers.resampled, counts, tprs) if answers else None,
            )
            calibrated: Any = None
            if self.conventions.calibration:
                from oodcache.score.measures.probability import (
                    NOT_A_PROBABILITY,
                    probability_measures,
                )

                calibrated = NOT_A_PROBABILITY
                if probability and id_probability is not None:
                    calibrated = probability_measures(id_probability, probability(scores))
            result = Result(
                **common,
                ood=name,
                group=self.groups[name],
                n_ood=len(scores),
                **_measures(counts, self.conventions),
                shared_images=shared_images[name],
                bootstrap=_intervals(samples),
                calibration=calibrated,
                selective=answers.selective(counts, tprs) if answers else None,
            )
            sets.append(ComparedRow(result, samples, counts))
        by_name = {one.result.ood: one for one in sets}
        of_each = {name: self.groups[name] for name in by_name}
        every = averages(of_each, self.conventions.groups)
        return [*sets, *(_average(one, by_name, common) for one in every)]


def compare(
    common: Mapping[str, Any],
    id_scores: Scores,
    ood_scores: Mapping[str, Scores],
    *,
    conventions: Conventions,
    groups: Mapping[str, str | None],
    shared_images: Mapping[str, int],
    probability: Callable[[Scores], Scores] | None,
    advance: Callable[[int], None] = lambda done: None,
) -> list[Result]:
    """Return the results of `Comparison.rows`."""
    how = Comparison(conventions, groups, probability, advance)
    return [one.result for one in how.rows(common, id_scores, ood_scores, shared_images)]


def _measures(counts: Counts, conventions: Conventions) -> dict[str, Any]:
    convention = conventions.fpr_convention
    measures = counts.measures(convention)
    return {
        **measures,
        "auroc_ci": delong.interval(measures["auroc"], delong.variance(counts)),
        "fpr_at_tpr": {repr(tpr): counts.fpr_at_tpr(tpr, convention) for tpr in conventions.tprs},
        "fpr95_by_convention": {one: counts.fpr95(one) for one in FPR_CONVENTIONS},
        "ties": counts.ties(),
        "distinct": len(counts.scores),
    }


def _average(
    average: Averaged, by_name: Mapping[str, ComparedRow], common: Mapping[str, Any]
) -> ComparedRow:
    sets = [by_name[name] for name in average.members]
    rows = [one.result for one in sets]
    means: dict[str, Any] = _means(
        [{one.name: getattr(row, one.name) for one in MEASURES} for row in rows]
    )
    sums: dict[str, Any] = {key: sum(getattr(row, key) for row in rows) for key in SUMS}
    # From the highest ID score down, so ID images have the same order in all sets.
    every = [one.counts for one in sets if one.counts is not None]
    variance = delong.average_variance([*map(delong.ranked_placements, every)])
    samples = bootstrap.averaged([one.samples for one in sets])
    calibrated = rows[0].calibration
    if isinstance(calibrated, Mapping):
        calibrated = _means([row.calibration for row in rows])
    result = Result(
        **common,
        ood=average.name,
        group=average.group,
        average_of=average.members,
        auroc_ci=delong.interval(means["auroc"], variance),
        fpr_at_tpr=_means([row.fpr_at_tpr for row in rows]),
        fpr95_by_convention=_means([row.fpr95_by_convention for row in rows]),
        bootstrap=_intervals(samples),
        calibration=calibrated,
        selective=_mean_selective([row.selective for row in rows]),
        **means,
        **sums,
    )
    return ComparedRow(result, samples)


def _mean_selective(every: Sequence[Selective | None]) -> Selective | None:
    """Return the means over OOD sets, None if they were not requested."""
    if not any(every):
        return None
    from oodcache.score.measures.selective.selective import mean_selective

    return mean_selective(every)


def _means(sets: Sequence[Any]) -> dict[str, float]:
    return {name: float(np.mean([one[name] for one in sets])) for name in sets[0]}


def _intervals(samples: Mapping[str, bootstrap.Samples]) -> dict[str, tuple[float, float]] | None:
    return bootstrap.intervals(samples) if samples else None

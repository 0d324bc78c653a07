"""Kinds of positives: the ID set alone, each csid set alone, and all of them, the full spectrum.

Every kind has a row for each OOD set and each average. The OOD images, and in the full spectrum the
ID images, are resampled by the same draws for all kinds, so that a drop between two is paired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from oodcache.cache.computed_once import computed_once
from oodcache.score.formulas.cosines import Scores
from oodcache.score.measures import bootstrap, delong
from oodcache.score.measures.comparison import ComparedRow, Comparison
from oodcache.score.measures.metrics import Integers
from oodcache.score.measures.result import HEADLINES, Result
from oodcache.score.measures.selective.answers import Outcomes
from oodcache.score.measures.spectrum.positives import Positives
from oodcache.score.measures.spectrum.spectrum import CSID, Drop, Spectrum
from oodcache.score.measures.spectrum.variances import around, drop_variance, pool_variance


@dataclass(frozen=True)
class PositiveKind:
    """One kind of positives: the `id` of its rows, its accuracy, and what else rows tell of it.

    `shared_images` counts, by OOD set, the images that are also among the positives. `spectrum` is
    None for the ID set alone. `outcomes` tell which positives are classified correctly, None if
    that is unknown of all.
    """

    id: str
    accuracy: float | None
    shared_images: Mapping[str, int]
    spectrum: Spectrum | None = None
    outcomes: Outcomes | None = None


def name_of(data_set: str) -> str:
    """Return what rows on a csid set alone have as `id`.

    >>> name_of("imagenet-v2")
    'csid:imagenet-v2'
    """
    return CSID + data_set


def pooled_accuracy(parts: Sequence[tuple[float | None, int]]) -> float | None:
    """Return the accuracy over all labelled images, from each set's and its labelled images.

    >>> pooled_accuracy([(0.5, 2), (None, 0), (1.0, 6)])
    0.875
    """
    known = [(accuracy, images) for accuracy, images in parts if accuracy is not None]
    if not known:
        return None
    return float(np.average([one for one, _ in known], weights=[images for _, images in known]))


def compare_kinds(
    common: Mapping[str, Any],
    kinds: Sequence[PositiveKind],
    positives: Positives,
    scores: Mapping[str, Scores],
    how: Comparison,
) -> list[Result]:
    """Return the results of each kind in turn, for each OOD set, then the averages.

    `kinds` are the ID set alone and, if there are csid sets, each of them alone in the order of
    `positives`, and the full spectrum. `scores` has every set's images, by set; those that are no
    positives are OOD. `common` has the fields of Result that are the same for all.
    """
    ood_scores = {name: one for name, one in scores.items() if name not in positives.sizes}
    spectrum = _OfOneScore(positives, scores, ood_scores, how)
    inside = [*positives.sizes]
    found = []
    alone: list[ComparedRow] = []
    each = [[one] for one in inside]
    for kind, sets in zip(kinds, [*each, inside] if len(inside) > 1 else each, strict=True):
        rows = spectrum.rows(common, kind, sets)
        alone = alone or rows
        if len(sets) > 1:
            rows = list(spectrum.with_drops(rows, alone))
        found += [one.result for one in rows]
    return found


class _OfOneScore:
    """The scores of all sets, compared kind by kind."""

    def __init__(
        self,
        positives: Positives,
        scores: Mapping[str, Scores],
        ood_scores: Mapping[str, Scores],
        how: Comparison,
    ) -> None:
        self._positives, self._ood, self._how = positives, ood_scores, how
        self._scores = {name: scores[name] for name in positives.sizes}

    @computed_once
    def _pool(self) -> Scores:
        """The scores of all positives."""
        return np.concatenate([*self._scores.values()])

    def rows(
        self, common: Mapping[str, Any], kind: PositiveKind, sets: Sequence[str]
    ) -> list[ComparedRow]:
        """Return the rows of one kind, whose positives are these sets."""
        is_first = kind.spectrum is None
        scores = self._pool if len(sets) > 1 else self._scores[sets[0]]
        fields = {"id": kind.id, "n_id": len(scores), "id_accuracy": kind.accuracy}
        drawn = None if is_first else self._drawn(sets)
        given = {**common, **fields, "spectrum": kind.spectrum}
        told = (kind.shared_images, drawn, kind.outcomes)
        rows = self._how.rows(given, scores, self._ood, *told)
        if is_first:
            return rows
        positives = self._positives if len(sets) > 1 else self._positives.alone(sets[0])
        if len(sets) == 1 and positives.are_independent:
            return rows
        return [replace(one, result=self._estimated(one.result, scores, positives)) for one in rows]

    def _drawn(self, sets: Sequence[str]) -> Callable[[], Iterator[Integers]]:
        """Return the draws of these sets, by falling score."""
        seed = self._how.conventions.seed
        if len(sets) == 1:
            order = _falling(self._scores[sets[0]])
            alone = self._positives.alone(sets[0])
            return lambda: (times[order] for times in alone.drawn_alone(seed))
        order = _falling(self._pool)
        rank = _falling(next(iter(self._scores.values())))
        return lambda: (times[order] for times in self._positives.draws(rank, seed))

    def _estimated(self, one: Result, scores: Scores, positives: Positives) -> Result:
        """Return a result with the interval of an AUROC whose positives are not all alike."""
        placed = [delong.placements(scores, self._ood[name]) for name in self._over(one)]
        interval = delong.interval(one.auroc, pool_variance(placed, positives))
        return replace(one, auroc_ci=interval)

    def with_drops(
        self, rows: Sequence[ComparedRow], alone: Sequence[ComparedRow]
    ) -> Iterator[ComparedRow]:
        """Yield the full spectrum's rows with their drops from the ID set `alone`."""
        inside = next(iter(self._scores.values()))
        for row, first in zip(rows, alone, strict=True):
            sets = [self._ood[name] for name in self._over(row.result)]
            variance = drop_variance(
                [delong.placements(self._pool, one) for one in sets],
                [delong.placements(inside, one) for one in sets],
                self._positives,
            )
            drops = _drops(row, first, variance)
            assert row.result.spectrum is not None
            told = replace(row.result.spectrum, drop=drops)
            yield replace(row, result=replace(row.result, spectrum=told))

    def _over(self, one: Result) -> list[str]:
        """Return the OOD sets of a row: one, or those of its average."""
        return [*(one.average_of or (one.ood,))]


def _drops(row: ComparedRow, first: ComparedRow, variance: float | None) -> dict[str, Drop]:
    """Return the drop of each headline measure."""
    apart = {name: first.samples[name] - one for name, one in row.samples.items()}
    resampled = bootstrap.intervals(apart)
    found = {}
    for name in HEADLINES:
        value = getattr(first.result, name) - getattr(row.result, name)
        interval = around(value, variance) if name == "auroc" else None
        found[name] = Drop(value, interval, resampled.get(name))
    return found


def _falling(scores: Scores) -> Integers:
    """Return the places of the images by falling score, as a bootstrap of ranks draws them."""
    return np.argsort(scores, kind="stable")[::-1].astype(np.int64)

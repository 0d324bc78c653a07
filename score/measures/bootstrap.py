"""Bootstrap intervals of every measure of one score against one OOD set.

Stratified: each resample draws n of the n ID images with replacement, and separately m of the m
OOD images (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13), and
finds its own thresholds. Nothing is sorted again: an image drawn twice counts twice at its rank.

The draws depend only on the seed and the set: ID draws are the same for every OOD set, so that an
average over sets shares them as it shares the images; an OOD set's draws depend on its name. So an
interval does not change with the other sets and scores requested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from numpy.typing import NDArray

from oodcache.cache.watch import Progress
from oodcache.score.measures.metrics import Counts, Integers
from oodcache.score.measures.result import Conventions

Samples = NDArray[np.float64]
ID_STREAM, OOD_STREAM = 0, 1
# More measures of a resample, from how often each ID and each OOD image is drawn, by falling score.
Further = Callable[[Integers, Integers], Mapping[str, float]]


def resampled(
    counts: Counts,
    ood_set: str,
    *,
    conventions: Conventions,
    advance: Callable[[int], None] = lambda done: None,
    id_drawn: Iterator[Integers] | None = None,
    further: Further | None = None,
) -> dict[str, Samples]:
    """Return each measure on each of `conventions.bootstrap` resamples.

    The keys are the names of all measures, and "fpr_at_tpr_T" for each requested TPR T other than
    0.95. `advance` is called after every resample. `id_drawn` yields, for each resample, how often
    each ID image is drawn, by falling score; by default as many as there are, each alone.
    `further` returns more measures of a resample; one that is NaN in any of them is left out.
    """
    if not conventions.bootstrap:
        return {}  # Before generators are seeded, which takes as long as a measure.
    drawn: list[dict[str, float]] = []
    for id_times, ood_times in draws(counts, ood_set, conventions, id_drawn):
        id_kept, ood_kept = kept(counts, id_times, ood_times)
        found = measures_of(_distinct(counts, id_kept, ood_kept), conventions)
        drawn.append({**found, **(further(id_times, ood_times) if further else {})})
        advance(1)
    names = set(drawn[0]).intersection(*drawn)
    every = {name: np.array([one[name] for one in drawn]) for name in drawn[0]}
    return {name: one for name, one in every.items() if name in names and not np.isnan(one).any()}


def draws(
    counts: Counts,
    ood_set: str,
    conventions: Conventions,
    id_drawn: Iterator[Integers] | None = None,
) -> Iterator[tuple[Integers, Integers]]:
    """Yield how often each ID and each OOD image is drawn, by falling score, in each resample."""
    ids, oods = int(counts.id_kept[-1]), int(counts.ood_kept[-1])
    id_drawn = id_drawn or _each_alone(ids, np.random.default_rng([ID_STREAM, conventions.seed]))
    named = [OOD_STREAM, conventions.seed, *ood_set.encode(errors="surrogatepass")]
    ood_drawn = _each_alone(oods, np.random.default_rng(named))
    for _ in range(conventions.bootstrap):
        yield next(id_drawn), next(ood_drawn)


def kept(counts: Counts, id_times: Integers, ood_times: Integers) -> tuple[Integers, Integers]:
    """Return how many of the drawn ID and OOD images each threshold of `counts` keeps."""
    return _kept(id_times)[counts.id_kept], _kept(ood_times)[counts.ood_kept]


def watched(
    progress: Progress, score: str, resamples: int
) -> AbstractContextManager[Callable[[int], None]]:
    """Return a context with the `advance` of a score's resamples, if there are any."""
    if not resamples:
        return nullcontext(lambda done: None)
    return progress(f"bootstrap {score}", resamples, "resamples")


def averaged(sets: list[dict[str, Samples]]) -> dict[str, Samples]:
    """Return the mean over OOD sets on each resample of each measure that all of them have."""
    shared = [name for name in sets[0] if all(name in one for one in sets)]
    return {name: np.mean([one[name] for one in sets], axis=0) for name in shared}


def intervals(
    samples: Mapping[str, Samples], *, confidence: float = 0.95
) -> dict[str, tuple[float, float]]:
    """Return the percentile interval of each measure, with equal tails."""
    tail = (1 - confidence) / 2
    bounds = {name: np.quantile(one, [tail, 1 - tail]) for name, one in samples.items()}
    return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}


def half_intervals(
    samples: Mapping[str, Samples], whole: Mapping[str, float], *, confidence: float = 0.95
) -> dict[str, tuple[float, float]]:
    """Return each measure's interval around its value on the `whole`, from random halves.

    The mean of half of n images, drawn without replacement, varies around that of all n as the
    mean of n images does around the truth: sqrt(b / (n - b)) is 1 for b = n / 2 (Politis and
    Romano, Annals of Statistics 1994), and about 1 / n² more on average over the two halves of an
    odd n. Halves are centred, since a shorter stream scores otherwise.
    """
    tail = (1 - confidence) / 2
    found = {}
    for name, one in samples.items():
        low, high = whole[name] + np.quantile(one - one.mean(), [tail, 1 - tail])
        found[name] = max(0.0, float(low)), min(1.0, float(high))
    return found


def _each_alone(images: int, generator: np.random.Generator) -> Iterator[Integers]:
    """Yield how often each image is drawn, as many as there are, resample after resample."""
    while True:
        yield np.bincount(generator.integers(images, size=images), minlength=images)


def _kept(times: Integers) -> Integers:
    """Return how often the k highest images are drawn, for each k from 0 to all."""
    return np.concatenate([[0], np.cumsum(times)])


def _distinct(counts: Counts, id_kept: Integers, ood_kept: Integers) -> Counts:
    """Return the counts without the scores whose images were not drawn."""
    total = id_kept + ood_kept
    present = np.flatnonzero(total[1:] != total[:-1])
    points = np.concatenate([[0], present + 1])
    return Counts(counts.scores[present], id_kept[points], ood_kept[points])


def measures_of(counts: Counts, conventions: Conventions) -> dict[str, float]:
    """Return each measure of a resample, by its name as in `resampled`."""
    convention = conventions.fpr_convention
    others = [tpr for tpr in conventions.tprs if tpr != 0.95]
    return {
        **counts.measures(convention),
        **{f"fpr_at_tpr_{tpr!r}": counts.fpr_at_tpr(tpr, convention) for tpr in others},
    }

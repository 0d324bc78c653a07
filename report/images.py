"""Single images in figures: curves, histograms, reliability, and images that fooled the score.

It computes no score: scores come from the cache or from a file, and must reproduce the results.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.files.scores import ScoredImages
from oodcache.report.content import (
    FailingClass,
    FooledImage,
    Histogram,
    ImageRow,
    Reliability,
    ShownBand,
    ShownCurve,
)
from oodcache.report.pools import pooled
from oodcache.report.saved.results import SCORE_AGAIN, Saved
from oodcache.report.tables.grid import Key, as_typed, by_row, is_probability
from oodcache.score.files.reading import SHOWN
from oodcache.score.formulas.cosines import Scores
from oodcache.score.measures.curves import band, curve
from oodcache.score.measures.metrics import Counts, Floats, count
from oodcache.score.measures.probability import reliability
from oodcache.score.measures.result import Conventions, Result
from oodcache.score.provenance import resampling

BINS = 64
# This share of all images may lie beyond each outermost edge, so an outlier does not flatten it.
BEYOND = 0.0005
FOOLED, FAILING = 12, 20
Names = Mapping[bytes, str]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True)
class SetImages:
    """The images of one set under one model and template, and class names by label."""

    scored: ScoredImages
    names: Names

    @cached_property
    def labels(self) -> tuple[npt.NDArray[np.bytes_], Codes]:
        """Return the distinct labels, and the index of each image's."""
        return _coded(self.scored.labels())

    @cached_property
    def nearest(self) -> tuple[npt.NDArray[np.bytes_], Codes]:
        """Return the distinct nearest classes, and the index of each image's."""
        return _coded(self.scored.nearest())

    @cached_property
    def paths(self) -> Sequence[bytes]:
        """Return each image's path."""
        return self.scored.paths()

    def label(self, code: int) -> str:
        """Return a label's class name if known, otherwise its folder."""
        label = bytes(self.labels[0][code])
        return self.names.get(label) or text(label)


def rows(
    saved: Saved,
    parts: Sequence[ScoredImages],
    source: str,
    names: Callable[[Result], Names],
    advance: Callable[[int], None] = lambda done: None,
) -> Iterator[ImageRow]:
    """Yield a row for each model, template and score of the results, in their order.

    `parts` are the images' scores, `source` names them in errors, `names` returns class names by
    label. Another program's scores have "" for model and template. Raises InputError if scores are
    missing, or do not reproduce the results.
    """
    how = _resampling(saved)
    by_set = {(one.model or None, one.template or None, one.data_set): one for one in parts}
    opened: dict[tuple[str | None, str | None, str], SetImages] = {}
    for key, results in by_row(saved.results).items():
        own = {ood: one for ood, one in results.items() if not one.is_average}
        if not own:
            raise InputError(f"{saved.path}: only averages of {_named(key)}; score again")
        first = next(iter(own.values()))
        inside = [first.id] if first.spectrum is None else [*first.spectrum.images]
        for name in (*inside, *own):
            place = (*key[:2], name)
            if place not in by_set or as_typed(first) not in by_set[place].scores:
                raise InputError(
                    f"{source}: no scores {_named(key)} of the images of {name}: it is from "
                    "another run; score again with --save-scores"
                )
        if (place := (*key[:2], first.id)) not in by_set:
            by_set[place] = pooled(first.id, [by_set[*key[:2], name] for name in inside])
        sets = {}
        for name in (first.id, *own):
            place = (*key[:2], name)
            if place not in opened:
                opened[place] = SetImages(by_set[place], names(first))
            sets[name] = opened[place]
        row = _row(key, sets, own, source)
        yield row if how is None else replace(row, bands=_bands(sets, own, how))
        advance(1)


def _resampling(saved: Saved) -> Conventions | None:
    try:
        return resampling(saved.provenance)
    except ValueError as error:
        raise InputError(f"{saved.path}: {error}; {SCORE_AGAIN}") from None


def _bands(
    sets: Mapping[str, SetImages], results: Mapping[str, Result], how: Conventions
) -> dict[str, ShownBand]:
    """Return the band of each OOD set with bootstrap intervals.

    Not of csid images, which are resampled together with their sources.
    """
    found = {}
    for name, result in results.items():
        if result.bootstrap is None or result.spectrum is not None:
            continue
        label = as_typed(result)
        inside, outside = (sets[one].scored.scores[label] for one in (result.id, name))
        one = band(count(inside, outside), name, conventions=how)
        found[name] = ShownBand(*(tuple(part.tolist()) for part in (one.fpr, one.low, one.high)))
    return found


def _named(key: Key) -> str:
    return f"{key[2]!r}" + (f" by {key[0]}, {key[1]!r}," if key[0] else "")


def _row(
    key: Key, sets: Mapping[str, SetImages], results: Mapping[str, Result], source: str
) -> ImageRow:
    inside, *outside = sets
    told = results[outside[0]]
    label = as_typed(told)
    ranked = {name: one.scored.scores[label] for name, one in sets.items()}
    shown = {name: one.scored.scores.get(label + SHOWN, ranked[name]) for name, one in sets.items()}
    same = {}
    for name, result in results.items():
        counts = count(ranked[inside], ranked[name])
        same[name] = _sum_of(counts)
        found = counts.auroc()
        if found != result.auroc or len(ranked[inside]) != result.n_id:
            raise InputError(
                f"{source}: scores {_named(key)} give AUROC {found:.6f} on {name}, but the "
                f"results have {result.auroc:.6f}: they are from another run; score again"
            )
    points = curve(ranked[inside], [ranked[name] for name in outside])
    threshold = points.thresholds[points.place]
    return ImageRow(
        key=key,
        id=inside,
        n_id=len(ranked[inside]),
        n_ood={name: len(ranked[name]) for name in outside},
        curve=ShownCurve(
            _finite(points.thresholds),
            _finite(_shown_at(points.thresholds, ranked, shown)),
            tuple(points.kept[0].tolist()),
            {name: tuple(one.tolist()) for name, one in zip(outside, points.kept[1:], strict=True)},
        ),
        threshold=points.place,
        ranked=histogram(ranked),
        shown=histogram(shown),
        reliability={name: _reliability(shown[inside], shown[name]) for name in outside}
        if is_probability(told)
        else None,
        fooled_id=_fooled(sets[inside], ranked[inside], shown[inside], worst=ranked[inside]),
        fooled_ood={
            name: _fooled(sets[name], ranked[name], shown[name], worst=-ranked[name])
            for name in outside
        },
        failing_id=_failing(sets[inside], ranked[inside] < threshold),
        failing_ood={name: _failing(sets[name], ranked[name] >= threshold) for name in outside},
        pooled=() if told.spectrum is None else tuple(told.spectrum.images),
        same=same,
    )


def _sum_of(counts: Counts) -> str:
    """Return the beginning of a SHA-256 of the ROC curve in counts."""
    both = np.stack([counts.id_kept, counts.ood_kept]).astype("<i8")
    return hashlib.sha256(both.tobytes()).hexdigest()[:16]


def histogram(scores: Mapping[str, Scores]) -> Histogram:
    """Return how many images of each set lie in bins of equal width; the first is ID."""
    every = np.concatenate(list(scores.values()))
    finite = every[np.isfinite(every)]
    low, high = np.quantile(finite, (BEYOND, 1 - BEYOND)) if len(finite) else (0.0, 0.0)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)
    counts = {
        name: tuple(np.histogram(np.clip(one, low, high), edges)[0].tolist())
        for name, one in scores.items()
    }
    inside, *outside = scores
    return Histogram(
        tuple(edges.tolist()), counts[inside], {name: counts[name] for name in outside}
    )


def _reliability(inside: Scores, outside: Scores) -> Reliability:
    bins = reliability(inside, outside)
    return Reliability(*(tuple(one.tolist()) for one in (bins.mean, bins.share, bins.count)))


def _shown_at(
    thresholds: Floats, ranked: Mapping[str, Scores], shown: Mapping[str, Scores]
) -> Scores:
    """Return the published form of thresholds that are image scores, otherwise +inf."""
    every = np.concatenate(list(ranked.values()))
    order = every.argsort(kind="stable")
    places = order[every.searchsorted(thresholds, sorter=order).clip(max=len(every) - 1)]
    found = np.concatenate(list(shown.values()))[places]
    return np.where(every[places] == thresholds, found, np.inf)


def _fooled(
    images: SetImages, ranked: Scores, shown: Scores, *, worst: Scores
) -> tuple[FooledImage, ...]:
    """Return the images whose `worst` is smallest, smallest first; ties keep their order."""
    if not len(images.paths):
        return ()
    chosen = worst.argsort(kind="stable")[:FOOLED].tolist()
    names, nearest = images.nearest
    return tuple(
        FooledImage(
            path=text(images.paths[place]),
            label=images.label(int(images.labels[1][place])),
            nearest=text(bytes(names[nearest[place]])),
            score=_or_none(shown[place]),
            ranked=_or_none(ranked[place]),
        )
        for place in chosen
    )


def _failing(images: SetImages, failed: npt.NDArray[np.bool_]) -> tuple[FailingClass, ...]:
    """Return the classes with the largest shares of failed images, if above 0."""
    if not len(images.paths):
        return ()
    names, nearest = images.nearest
    labels, codes = images.labels
    total = np.bincount(codes, minlength=len(labels))
    count = np.bincount(codes[failed], minlength=len(labels))
    order = np.lexsort((-count, -count / total))[:FAILING]
    found = []
    for code in order[count[order] > 0].tolist():
        taken = np.bincount(nearest[failed & (codes == code)], minlength=len(names))
        most = text(bytes(names[int(taken.argmax())]))
        found.append(FailingClass(images.label(code), int(count[code]), int(total[code]), most))
    return tuple(found)


def _coded(values: Sequence[bytes]) -> tuple[npt.NDArray[np.bytes_], Codes]:
    names, codes = np.unique(np.array(values, np.bytes_), return_inverse=True)
    return names, codes


def _finite(values: Floats) -> tuple[float | None, ...]:
    return tuple(_or_none(one) for one in values.tolist())


def _or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def text(name: bytes) -> str:
    """Return a name as text; a byte that is not UTF-8 becomes \\xff."""
    return name.decode(errors="backslashreplace")

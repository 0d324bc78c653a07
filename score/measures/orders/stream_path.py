"""The path of a stream: measures of a running window along it, and what the memory held."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from oodcache.score.formulas.cosines import Places
from oodcache.score.measures.metrics import count
from oodcache.score.measures.result import HEADLINES, StreamPath
from oodcache.score.streams.runs import Chosen, StreamRecord, StreamRun

# A window is a tenth of the stream, but has enough images for an AUROC.
TENTH, FEWEST = 10, 200
# Of fewer images on a side, a window's measures would be noise: an AUROC of one image is 0 to 1.
FEWEST_OF_A_SIDE = 10
WINDOWS = 100
DIGITS = 5


def stream_path(run: StreamRun, convention: str) -> StreamPath | None:
    """Return the path of a run, None if it was not recorded.

    Its numbers are rounded to five decimals: each adds to a file of results.
    """
    record = run.record
    if record is None:
        return None
    window = window_of(len(record.scores))
    ends = window_ends(len(record.scores), window)
    every = [window_measures(record, end - window, end, convention) for end in ends]
    inside = _side(record, lambda one: one.inside, record.is_inside)
    outside = _side(record, lambda one: one.outside, ~record.is_inside)
    thresholds = [one.threshold for one in record.held]
    return StreamPath(
        run.order,
        window,
        ends,
        {name: tuple(None if one is None else one[name] for one in every) for name in HEADLINES},
        tuple(record.moments.tolist()),
        *inside,
        *outside,
        tuple(map(_rounded, thresholds)) if any(one is not None for one in thresholds) else None,
    )


def window_of(images: int) -> int:
    """Return how many of a stream's images a window has.

    >>> window_of(60_000), window_of(1_500), window_of(90)
    (6000, 200, 90)
    """
    return min(images, max(FEWEST, images // TENTH))


def window_ends(images: int, window: int) -> tuple[int, ...]:
    """Return how many images had come at the end of each window, evenly apart, and at the end.

    >>> window_ends(12, 10)
    (10, 11, 12)
    """
    number = min(WINDOWS, images - window + 1)
    ends: Sequence[int] = np.linspace(window, images, number).round().astype(int).tolist()
    return tuple(ends)


def window_measures(
    record: StreamRecord, first: int, end: int, convention: str
) -> dict[str, float | None] | None:
    """Return the headline measures of images `first` to `end`, None with too few ID or OOD."""
    some = slice(first, end)
    scores = record.scores[some]
    inside, outside = scores[record.is_inside[some]], scores[record.is_outside[some]]
    if min(len(inside), len(outside)) < FEWEST_OF_A_SIDE:
        return None
    counts = count(inside, outside)
    return {
        name: _rounded(getattr(counts, name)(*([convention] if one.by_convention else [])))
        for name, one in HEADLINES.items()
    }


def _side(
    record: StreamRecord, of: Callable[..., Places], is_right: Chosen
) -> tuple[tuple[int, ...] | None, tuple[float | None, ...] | None]:
    """Return how many images one side's memory held at each moment, and the share it is right in.

    Both are None if it never held any: the method has no such memory.
    """
    held = [of(one) for one in record.held]
    if not any(map(len, held)):
        return None, None
    shares = [float(is_right[one].mean()) if len(one) else None for one in held]
    return tuple(map(len, held)), tuple(map(_rounded, shares))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)

"""Runs: the replays of a stream score in every order that is asked for, split by OOD set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.tile import Vectors
from oodcache.score.streams.method import Held, Noting, StreamMethod
from oodcache.score.streams.order import ImageStream
from oodcache.score.streams.replay import Replayed, replay

# Moments of a stream at which what its memory holds is recorded. More would cut steps too short
# for several threads.
MOMENTS = 20
Chosen = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class StreamRecord:
    """A stream in its order: what it was of, and what the memory held at some moments.

    `scores` float64 (N,); `is_inside` (N,) has which images are of the ID set, `is_outside` (N,)
    which of the run's OOD set: in a stream of several sets others are neither. `held` is what the
    memory held after `moments` images.
    """

    scores: Scores
    is_inside: Chosen
    is_outside: Chosen
    moments: Places
    held: Sequence[Held]


@dataclass(frozen=True, eq=False)
class StreamRun:
    """The scores of one stream, `order`, on the ID set and one OOD set.

    `id_rows` and `ood_rows` are the images of either set that were in it, rising, and their scores
    are in that order. `length` counts all images of the stream. `note` is what the method tells of
    the stream. `record` is its course, if that was recorded.
    """

    order: str
    length: int
    id_rows: Places
    ood_rows: Places
    id_scores: Scores
    ood_scores: Scores
    note: str = ""
    record: StreamRecord | None = None


@dataclass(frozen=True, eq=False)
class StreamImages:
    """All images of a run: unit `vectors` float32 (N, D) of the ID set and then each OOD set.

    `sizes` are the sets' names and numbers of images.
    """

    vectors: Vectors
    sizes: Sequence[tuple[str, int]]

    def span(self, name: str) -> slice:
        """Return the places of a set among all images."""
        first = 0
        for one, count in self.sizes:
            if one == name:
                return slice(first, first + count)
            first += count
        raise KeyError(name)

    def of(self, name: str) -> Vectors:
        """Return the vectors of a set, a view (n, D)."""
        return self.vectors[self.span(name)]


def run_streams(
    method: StreamMethod,
    images: StreamImages,
    ahead: Scores,
    streams: Sequence[ImageStream],
    advance: Callable[[int], None] = lambda done: None,
    *,
    record: bool = False,
) -> dict[str, list[StreamRun]]:
    """Return the runs of each OOD set, in the order of the streams; `ahead` is (Q, N).

    With `record`, the first run of each set has its record.
    """
    found: dict[str, list[StreamRun]] = {}
    for stream in streams:
        keep = MOMENTS if record and stream.against[0] not in found else 0
        replayed = replay(method, images.vectors, ahead, stream.places, advance=advance, keep=keep)
        note = ""
        if isinstance(method, Noting):
            note = method.note(ahead[:, stream.places], replayed.scores)
        for name in stream.against:
            run = split(images, stream, replayed.scores, name)
            course = _record(images, stream, replayed, name) if keep else None
            found.setdefault(name, []).append(replace(run, note=note, record=course))
    return found


def _record(
    images: StreamImages, stream: ImageStream, replayed: Replayed, ood_set: str
) -> StreamRecord:
    """Return the record of a stream for one of its OOD sets."""
    spans = [images.span(name) for name in (images.sizes[0][0], ood_set)]
    inside, outside = ((stream.places >= one.start) & (stream.places < one.stop) for one in spans)
    return StreamRecord(replayed.scores, inside, outside, replayed.moments, replayed.held)


def split(images: StreamImages, stream: ImageStream, scores: Scores, ood_set: str) -> StreamRun:
    """Return a stream's scores, in its order, as a run on one of its OOD sets."""
    by_place = np.full(len(images.vectors), np.nan)
    by_place[stream.places] = scores
    there = np.zeros(len(by_place), bool)
    there[stream.places] = True
    spans = [images.span(name) for name in (images.sizes[0][0], ood_set)]
    rows = [np.flatnonzero(there[span]) for span in spans]
    of_set = [by_place[span][chosen] for span, chosen in zip(spans, rows, strict=True)]
    return StreamRun(stream.order, len(stream.places), rows[0], rows[1], of_set[0], of_set[1])


def same_images(runs: Mapping[str, StreamRun]) -> bool:
    """Return whether the runs of several OOD sets have the same ID images."""
    first, *others = runs.values()
    return all(np.array_equal(first.id_rows, one.id_rows) for one in others)

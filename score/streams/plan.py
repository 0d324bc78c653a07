"""The plan of a run's streams: which streams each order makes of its sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from oodcache.score.formulas.cosines import Scores
from oodcache.score.streams.method import StreamMethod
from oodcache.score.streams.order import SHUFFLE, ImageStream, StreamOrder, read_all
from oodcache.score.streams.order_file import read_stream
from oodcache.score.streams.runs import StreamImages, StreamRun, run_streams


@dataclass(frozen=True)
class OrderedRuns:
    """The runs of one row of a table, by OOD set: a stream score in one order, as typed.

    `inside` names the ID set. It `is_whole` if its streams have all images of every set.
    """

    order: str
    inside: str
    is_whole: bool
    runs: Mapping[str, Sequence[StreamRun]]

    @property
    def scores(self) -> dict[str, Scores]:
        """Return the scores of each set if all are of one stream; empty if an image has several.

        The ID set is first, under its own name.
        """
        first = [runs[0] for runs in self.runs.values()]
        images = len(first[0].id_rows) + sum(len(run.ood_rows) for run in first)
        is_one = all(len(runs) == 1 for runs in self.runs.values())
        if not self.is_whole or not is_one or first[0].length != images:
            return {}
        outside = {name: runs[0].ood_scores for name, runs in self.runs.items()}
        return {self.inside: first[0].id_scores, **outside}


@dataclass(frozen=True)
class StreamPlan:
    """The orders, and their streams over the sets with these `sizes`, the tuning set's last."""

    sizes: tuple[tuple[str, int], ...]
    streams: tuple[tuple[StreamOrder, tuple[ImageStream, ...]], ...]
    tuning: ImageStream | None

    @classmethod
    def of(
        cls,
        typed: Sequence[str],
        seed: int,
        paths: Mapping[str, Callable[[], list[bytes]]],
        sizes: Sequence[tuple[str, int]],
        tuning: str | None,
    ) -> StreamPlan:
        """Return the streams of the orders as typed, seeded from `seed`.

        `paths` has, by set, a function that returns its images' paths. A score's parameters are
        picked on a shuffle of the ID set and the set called `tuning`.
        """
        measured = [one for one in sizes if one[0] != tuning]
        streams = [(one, tuple(_streams(one, seed, paths, measured))) for one in read_all(typed)]
        last = None
        if tuning is not None:
            (last,) = StreamOrder(SHUFFLE, SHUFFLE).streams([*sizes[:1], sizes[-1]], seed)
            skipped = sum(count for _, count in sizes[1:-1])
            is_outside = last.places >= sizes[0][1]
            last = ImageStream(last.order, last.places + skipped * is_outside, (tuning,))
        return cls(tuple(sizes), tuple(streams), last)

    def lengths(self) -> list[int]:
        """Return the number of images that each order replays."""
        return [sum(len(one.places) for one in streams) for _, streams in self.streams]

    def runs(
        self,
        method: StreamMethod,
        images: StreamImages,
        ahead: Scores,
        advance: Callable[[int], None],
    ) -> list[OrderedRuns]:
        """Return the runs of a score in every order, one row each, the first with its record."""
        return [
            self._row(order, run_streams(method, images, ahead, streams, advance, record=True))
            for order, streams in self.streams
        ]

    def _row(self, order: StreamOrder, runs: Mapping[str, Sequence[StreamRun]]) -> OrderedRuns:
        (inside, count), *others = self.sizes
        sets = [one for one in others if self.tuning is None or one[0] not in self.tuning.against]
        is_whole = list(runs) == [name for name, _ in sets] and all(
            len(run.ood_rows) == of_set and len(run.id_rows) == count
            for name, of_set in sets
            for run in runs[name]
        )
        return OrderedRuns(order.label, inside, is_whole, runs)


def _streams(
    order: StreamOrder,
    seed: int,
    paths: Mapping[str, Callable[[], list[bytes]]],
    sizes: Sequence[tuple[str, int]],
) -> list[ImageStream]:
    if order.file is not None:
        return [read_stream(order.file, order.label, {name: paths[name]() for name, _ in sizes})]
    return order.streams(sizes, seed)

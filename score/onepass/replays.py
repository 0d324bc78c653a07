"""Replays of the stream scores of one pass: each variant in every order that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from oodcache.cache.watch import Note, Watch
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Vectors
from oodcache.score.inputs.question import Question
from oodcache.score.inputs.selection import Selection
from oodcache.score.measures.bootstrap import Samples, measures_of
from oodcache.score.measures.metrics import count as counts_of
from oodcache.score.measures.orders.over_orders import results_over_orders
from oodcache.score.measures.result import Conventions, Result
from oodcache.score.onepass.onepass import Classes, Scored
from oodcache.score.onepass.variants import Variant
from oodcache.score.streams.halves import half
from oodcache.score.streams.method import Checking
from oodcache.score.streams.order import ImageStream
from oodcache.score.streams.plan import OrderedRuns, StreamPlan
from oodcache.score.streams.replay import replay
from oodcache.score.streams.runs import StreamImages, run_streams, split

HalfSamples = Mapping[str, Mapping[str, Samples]]


def planned(question: Question, selection: Selection, note: Note) -> StreamPlan | None:
    """Return the streams of a question on one model, None if no score learns from them.

    Notes an order file that has several OOD sets in one stream, or lacks one. Raises InputError for
    one that does not fit its sets.
    """
    if not any(one.definition.stream for one in question.variants):
        return None
    views = selection.every_view
    found = StreamPlan.of(
        question.streams,
        question.stream_seed,
        {view.name: view.paths for view in views},
        [(view.name, len(view.rows)) for view in views],
        None if selection.tuning is None else selection.tuning.name,
    )
    asked = [view.name for view in selection.views[1:]]
    for order, streams in found.streams:
        if order.file is not None:
            for what in _of_file(streams[0].against, asked):
                note(f"--stream {order.label[:120]}: {what}")
    return found


def _of_file(sets: Sequence[str], asked: Sequence[str]) -> Iterator[str]:
    """Yield what is to be known of a file with images of these sets."""
    if len(sets) > 1:
        yield f"one stream of {len(sets)} OOD sets: the memory is kept from one to the next"
    if missing := [name for name in asked if name not in sets]:
        yield f"no row for {', '.join(missing)[:200]}, of which the file has no image"


class Replays:
    """The stream scores of one pass, replayed when they are read."""

    def __init__(self, plan: StreamPlan, classes: Classes, watch: Watch) -> None:
        self._plan, self._watch = plan, watch
        count = sum(count for _, count in plan.sizes)
        vectors = np.empty((count, classes.vectors.shape[1]), np.float32)
        self._images = StreamImages(vectors, plan.sizes)
        self._rows: dict[int, list[OrderedRuns]] = {}
        self._halves: dict[int, list[HalfSamples]] = {}

    def room(self, name: str) -> Vectors:
        """Return where the vectors of a set are kept, (n, D)."""
        return self._images.of(name)

    def scored(
        self, variants: Sequence[Variant], methods: Sequence[Any], scored: Sequence[Scored]
    ) -> None:
        """Take what was computed of every set; score the tuning set, if there is one.

        Raises InputError for a user's class whose scores are random.
        """
        self._variants, self._methods, self._scored = variants, methods, scored
        for place in scored[0].ahead:
            if isinstance(methods[place], Checking):
                methods[place].check(self._images.vectors)
        if self._plan.tuning is not None:
            for place in scored[0].ahead:
                self._tune(place)

    def _tune(self, place: int) -> None:
        """Write the scores of the ID set and the tuning set, on which parameters are picked."""
        stream = self._plan.tuning
        assert stream is not None
        label = self._variants[place].label
        with self._watch.progress(f"replay {label}", len(stream.places), "images") as advance:
            found = replay(
                *(self._methods[place], self._images.vectors, self._ahead(place), stream.places),
                advance=advance,
            )
        run = split(self._images, stream, found.scores, stream.against[0])
        self._scored[0].scores[place] = run.id_scores
        self._scored[-1].scores[place] = run.ood_scores

    def _ahead(self, place: int) -> Scores:
        return np.concatenate([one.ahead[place] for one in self._scored], axis=1)

    def prepare(self, place: int, conventions: Conventions) -> None:
        """Replay the variant at `place`, with halves for the bootstrap, for `results`."""
        rows, batch = self.rows(place), self._methods[place].batch
        short = min(run.length for row in rows for runs in row.runs.values() for run in runs)
        if short < batch:
            label = self._variants[place].label
            self._watch.note(f"{label}: a stream of {short:,} images is one batch, of {batch:,}")
        self._halves[place] = self._on_halves(place, conventions)

    def results(
        self, place: int, fields: Mapping[str, Any], how: Mapping[str, Any]
    ) -> list[Result]:
        """Return the results of the variant at `place`, prepared, for all orders.

        `fields` and `how` are as in `results_over_orders`.
        """
        return [
            result
            for row, halves in zip(self.rows(place), self._halves[place], strict=True)
            for result in results_over_orders(fields, row.order, row.runs, **how, halves=halves)
        ]

    def _on_halves(self, place: int, conventions: Conventions) -> list[HalfSamples]:
        """Return, for each order, every measure on halves of its streams, by OOD set.

        Of several shuffles, each half has the next.
        """
        count = conventions.bootstrap
        every = [_by_set(streams) for _, streams in self._plan.streams]
        total = count * sum(map(len, every))
        if not total:
            return [{} for _ in every]
        ahead, label = self._ahead(place), self._variants[place].label
        with self._watch.progress(f"bootstrap {label}", total, "resamples") as advance:

            def measured(stream: ImageStream, number: int) -> dict[str, dict[str, float]]:
                some = half(self._images, stream, conventions.seed, number)
                found = run_streams(self._methods[place], self._images, ahead, [some])
                advance(1)
                return {
                    name: measures_of(counts_of(run.id_scores, run.ood_scores), conventions)
                    for name, (run,) in found.items()
                }

            return [
                _samples(
                    measured(streams[number % len(streams)], number)
                    for number in range(count)
                    for streams in of_order
                )
                for of_order in every
            ]

    def rows(self, place: int) -> list[OrderedRuns]:
        """Return the rows of the variant at `place`, one for each order."""
        if place not in self._rows:
            label, total = self._variants[place].label, sum(self._plan.lengths())
            with self._watch.progress(f"replay {label}", total, "images") as advance:
                ahead = self._ahead(place)
                self._rows[place] = self._plan.runs(
                    self._methods[place], self._images, ahead, advance
                )
        return self._rows[place]


def _by_set(streams: Sequence[ImageStream]) -> list[list[ImageStream]]:
    """Return the streams of each OOD set, or of all in one."""
    found: dict[tuple[str, ...], list[ImageStream]] = {}
    for one in streams:
        found.setdefault(one.against, []).append(one)
    return list(found.values())


def _samples(measured: Iterable[Mapping[str, Mapping[str, float]]]) -> HalfSamples:
    """Return the values of each measure, by OOD set."""
    found: dict[str, dict[str, list[float]]] = {}
    for one in measured:
        for ood, measures in one.items():
            for name, value in measures.items():
                found.setdefault(ood, {}).setdefault(name, []).append(value)
    return {
        ood: {name: np.array(values) for name, values in measures.items()}
        for ood, measures in found.items()
    }

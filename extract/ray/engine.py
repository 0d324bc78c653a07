"""An engine on a Ray cluster: actors that load the model once and write whole shards.

Ray only starts processes and reports their death. As without Ray, one shard is one task that
writes one file, and finished work is read from the files. Ray's own restarts and retries are off,
because they never give up: a shard whose actor died is sent again, up to ATTEMPTS times.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oodcache.cache.errors import InputError
from oodcache.cache.format import sibling
from oodcache.cache.format.place import shard_folder
from oodcache.cache.watch import Hint, Watch
from oodcache.extract.ray.cluster import Granted, Wishes, connected, granted, in_short, library
from oodcache.extract.ray.worker import Failed, Loaded, Made, Order, Surroundings, Worker, unlike
from oodcache.extract.run.plan import Plan
from oodcache.extract.run.targets import stamp
from oodcache.extract.run.timing import summary

if TYPE_CHECKING:
    from oodcache.extract.model.encoder import Signature
    from oodcache.extract.run.completion import Work

ATTEMPTS = 3  # Attempts per shard whose actor dies.
LOADINGS = 3  # Actors in a row that die while loading the model, before the run fails.
DEATHS = 12  # Actors in a row that die at work, on any shards, before the run fails.
POLL_SECONDS = 0.5
NOTE_SECONDS = 30.0
SEEN_SECONDS = 60.0  # How late a network file system may show a new file to other machines.


@dataclass(frozen=True)
class Died:
    """An actor died or became unreachable before it answered."""

    reason: str

    def __str__(self) -> str:
        return f"its process died, perhaps because memory ran out ({self.reason})"


Answer = Loaded | Made | Failed | Died


@dataclass(frozen=True)
class Attempt:
    """An order in progress or to be retried; `number` counts how often it was sent."""

    order: Order
    actor: Any = None
    number: int = 0


@dataclass(frozen=True)
class Ended:
    """A finished order and its answer."""

    attempt: Attempt
    answer: Answer


@contextmanager
def started(planned: Plan, watch: Watch, wishes: Wishes) -> Iterator[Pool]:
    """Yield the engine, once the first actor has loaded the model; actors end with the context."""
    ray, touched = library(), set[Path]()
    try:
        with connected(ray):
            pool = Pool(ray, planned, watch, granted(ray.nodes(), wishes, planned), touched)
            try:
                pool.begin()
                yield pool
            finally:
                pool.close()
    finally:  # Killed actors may leave partial files.
        for path in touched:
            sibling.remove_stale_in(shard_folder(path))


class Pool:
    """The actors: loading the model, idle, or busy with a shard."""

    def __init__(
        self, ray: Any, planned: Plan, watch: Watch, granted: Granted, touched: set[Path]
    ) -> None:
        self._ray, self._planned, self._watch, self._granted = ray, planned, watch, granted
        self._stored = ray.put(planned)
        # Otherwise all actors without a GPU of their own would use the machine's first.
        hides_gpus = not granted.gpus and planned.resolved.request.device is None
        self._surroundings = Surroundings.here(hides_gpus=hides_gpus)
        self._class = ray.remote(Worker).options(
            # Decoding processes are not counted: with GPUs, GPUs limit the number of actors.
            num_cpus=1,
            num_gpus=granted.gpus,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy="SPREAD",
        )
        self._loading: dict[Any, Any] = {}
        self._idle: list[Any] = []
        self._busy: dict[Any, Attempt] = {}
        self._first: Loaded | None = None
        self._deaths, self._noted, self._touched = 0, time.monotonic(), touched

    @property
    def signature(self) -> Signature:
        """Return the first actor's signature, which all others share."""
        assert self._first is not None
        return self._first.signature

    def begin(self) -> None:
        """Wait until one actor has loaded the model; raise InputError if it cannot."""
        requested = self._planned.resolved.request.requested
        self._watch.note(Hint(f"Ray: {self._granted}; the first loads {requested} …"))
        with self._watch.progress("loading the model", 1, "actors") as advance:
            self._grow(1)
            import_module("oodcache.extract.model.encoder")  # Unpickling the answer needs torch.
            while self._first is None:
                advance(0)  # Raises if the run must stop: Ray may have swallowed the signal.
                self._grow(1)
                self._next()
            advance(1)

    def make(self, work: Work) -> list[str]:
        """Write the tasks' shards; return one line per failed shard, with the reason."""
        self._kill_busy()
        self._touched.add(work.target.path)
        path, place = work.target.path, self._planned.place(work.target.listing)
        orders = (Order.of(task, path, place, work.target.templates) for task in work.tasks)
        waiting = deque(map(Attempt, orders))
        failed: list[str] = []
        made: list[tuple[Path, Made]] = []
        while waiting or self._busy:
            work.advance(0)
            self._grow(len(waiting))
            while waiting and self._idle:
                self._send(waiting.popleft())
            ended = self._next()
            if ended is None:
                continue
            if isinstance(ended.answer, Made):
                work.advance(ended.attempt.order.place.rows)
                made.append((ended.attempt.order.shard, ended.answer))
                if work.tolerance is not None:
                    work.tolerance.count(ended.attempt.order.place.rows, ended.answer.failed)
            elif isinstance(ended.answer, Died) and ended.attempt.number < ATTEMPTS:
                self._watch.note(f"{_name(work, ended)}: {ended.answer}: retrying")
                waiting.append(ended.attempt)
            else:
                failed.append(f"{_name(work, ended)}: {ended.answer}")
        self._wait_until_seen(work, [path for path, _ in made])
        self._note_timing(work, [answer for _, answer in made])
        return failed

    def _note_timing(self, work: Work, made: Sequence[Made]) -> None:
        listing, seconds = work.target.listing, dict[str, float]()
        if rotation := self._planned.rotation(listing, sum(one.rotated for one in made)):
            self._watch.note(rotation)
        for one in made:
            for stage, took in one.seconds.items():
                seconds[stage] = seconds.get(stage, 0.0) + took
        count, faster = sum(one.encoded for one in made), self._planned.faster(listing)
        text = summary(listing.name, count, listing.unit, seconds, faster, " of actors' time")
        if text is not None:
            self._watch.note(text)

    def close(self) -> None:
        """Kill all actors."""
        self._kill_busy()
        for actor in [*self._idle, *self._loading.values()]:
            self._ray.kill(actor)

    def _kill_busy(self) -> None:
        for attempt in self._busy.values():
            self._ray.kill(attempt.actor)
        self._busy.clear()

    def _grow(self, waiting: int) -> None:
        """Start actors until every waiting order has one, or the limit is reached."""
        busy = len(self._busy)
        there = len(self._idle) + len(self._loading) + busy
        for _ in range(there, min(self._granted.actors, waiting + busy)):
            actor = self._class.remote(self._stored, self._surroundings)
            self._loading[actor.load.remote()] = actor

    def _send(self, attempt: Attempt) -> None:
        actor = self._idle.pop()
        self._busy[actor.make.remote(attempt.order)] = replace(
            attempt, actor=actor, number=attempt.number + 1
        )

    def _next(self) -> Ended | None:
        """Return the next finished order, None if there is none soon; admit loaded actors."""
        under_way = [*self._busy, *self._loading]
        ready, _ = self._ray.wait(under_way, num_returns=1, timeout=POLL_SECONDS)
        if not ready:
            self._note_waiting()
            return None
        try:
            answer: Answer = self._ray.get(ready[0])
        except self._ray.exceptions.RayError as error:
            answer = Died(in_short(error))
        if ready[0] in self._loading:
            self._admit(self._loading.pop(ready[0]), answer)
            return None
        attempt = self._busy.pop(ready[0])
        if isinstance(answer, Died):
            self._bury(attempt.actor, answer, "at work", DEATHS)
        else:
            self._deaths = 0
            self._idle.append(attempt.actor)
        return Ended(attempt, answer)

    def _admit(self, actor: Any, answer: Answer) -> None:
        """Make an actor that has loaded the model idle; raise InputError if it failed."""
        if isinstance(answer, Died):
            self._bury(actor, answer, "while loading the model", LOADINGS)
            return
        if isinstance(answer, Failed):
            raise InputError(answer.reason)
        assert isinstance(answer, Loaded)
        if self._first is None:
            self._first = answer
            for note in answer.notes:
                self._watch.note(note)
        elif found := unlike(self._planned, self._first.signature, answer.signature):
            raise InputError(
                f"{answer.machine} would make other vectors than {self._first.machine}: {found}: "
                "all machines of a cluster must load the same model"
            )
        self._deaths = 0
        self._idle.append(actor)

    def _bury(self, actor: Any, died: Died, when: str, most: int) -> None:
        """Count a death; raise InputError after `most` in a row."""
        self._ray.kill(actor)  # It may only be unreachable.
        self._deaths += 1
        if self._deaths >= most:
            raise InputError(
                f"{self._deaths} actors in a row died {when}, the last because: {died.reason}; "
                "finished shards are kept"
            )

    def _note_waiting(self) -> None:
        if self._busy or self._idle or time.monotonic() < self._noted + NOTE_SECONDS:
            return
        self._noted = time.monotonic()
        free, all_ = self._ray.available_resources(), self._ray.cluster_resources()
        shown = [f"{free.get(one, 0):g} of {all_.get(one, 0):g} {one}s" for one in ("CPU", "GPU")]
        self._watch.note(
            f"Ray: no actor has loaded the model yet; free in the cluster: {', '.join(shown)}"
        )

    def _wait_until_seen(self, work: Work, made: Sequence[Path]) -> None:
        """Wait until this machine sees the files too; raise InputError if it never does."""
        until = time.monotonic() + SEEN_SECONDS
        while unseen := [path for path in made if not path.exists()]:
            if stamp(work.target.path) != work.target.stamp:
                return  # Merged by another run.
            if time.monotonic() > until:
                raise InputError(
                    f"{unseen[0]}: an actor wrote it, but this machine does not see it: the "
                    "machines of a cluster must share the file system"
                )
            work.advance(0)
            time.sleep(POLL_SECONDS)


def _name(work: Work, ended: Ended) -> str:
    place = ended.attempt.order.place
    return f"{work.target.listing.name}, shard {place.number} of {place.count}"

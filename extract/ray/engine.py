"""An engine on a Ray cluster: actors that load the model once and make whole shards as ordered.

Ray starts processes and says when one died; all else is as it is without: one shard is one task
that writes one file, and what is done is read from the files. Ray restarts and retries nothing by
itself, for it would do so for ever: a shard whose actor died is ordered again, three times in all.
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
from oodcache.cache.watch import Watch
from oodcache.extract.ray.cluster import Granted, Wishes, connected, granted, in_short, library
from oodcache.extract.ray.worker import Failed, Loaded, Made, Order, Surroundings, Worker, unlike
from oodcache.extract.run.plan import Plan
from oodcache.extract.run.targets import stamp
from oodcache.extract.run.timing import summary

if TYPE_CHECKING:
    from oodcache.extract.model.encoder import Signature
    from oodcache.extract.run.completion import Work

ATTEMPTS = 3  # Of a shard whose actor dies.
LOADINGS = 3  # In a row that may end in the death of the actor.
DEATHS = 12  # In a row, of whatever shards, until the fault is taken to be none of theirs.
POLL_SECONDS = 0.5
SAID_SECONDS = 30.0
SEEN_SECONDS = 60.0  # A network's file system shows a new file to other machines so much later.


@dataclass(frozen=True)
class Died:
    """An actor died, or is out of reach, before it answered."""

    reason: str

    def __str__(self) -> str:
        return f"its process died, perhaps because memory ran out ({self.reason})"


Answer = Loaded | Made | Failed | Died


@dataclass(frozen=True)
class Attempt:
    """An order under way, or to be sent again, and how many times it was begun."""

    order: Order
    actor: Any = None
    number: int = 0


@dataclass(frozen=True)
class Ended:
    """An order that is no longer under way, and what came of it."""

    attempt: Attempt
    answer: Answer


@contextmanager
def started(planned: Plan, watch: Watch, wishes: Wishes) -> Iterator[Pool]:
    """Give the engine, once the first actor has loaded the model; no actor outlives it."""
    ray, touched = library(), set[Path]()
    try:
        with connected(ray):
            pool = Pool(ray, planned, watch, granted(ray.nodes(), wishes, planned), touched)
            try:
                pool.begin()
                yield pool
            finally:
                pool.close()
    finally:  # What killed actors left half written, once they are gone.
        for path in touched:
            sibling.remove_stale_in(shard_folder(path))


class Pool:
    """The actors: those that load, those that wait for an order, those that are making a shard."""

    def __init__(
        self, ray: Any, planned: Plan, watch: Watch, granted: Granted, touched: set[Path]
    ) -> None:
        self._ray, self._planned, self._watch, self._granted = ray, planned, watch, granted
        self._stored = ray.put(planned)
        self._class = ray.remote(Worker).options(
            # Whatever its decoding processes use: where there are GPUs they set the number.
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
        self._deaths, self._said, self._touched = 0, time.monotonic(), touched

    @property
    def signature(self) -> Signature:
        """Return what the model of the first actor leaves in every file, and so of all."""
        assert self._first is not None
        return self._first.signature

    def begin(self) -> None:
        """Wait until one actor has loaded the model; raise InputError if it cannot."""
        self._watch.note(
            f"Ray: {self._granted}; each loads {self._planned.resolved.request.requested}, the "
            "first one now …"
        )
        with self._watch.progress("loading the model", 1, "actors") as advance:
            self._grow(1)
            import_module(
                "oodcache.extract.model.encoder"
            )  # Meanwhile: the answer needs torch here, too.
            while self._first is None:
                advance(0)  # Which raises if the run is to stop: Ray may have swallowed that.
                self._grow(1)
                self._next()
            advance(1)

    def make(self, work: Work) -> list[str]:
        """Make the tasks' shards; return what could not be made and why, a line for each."""
        self._drop_what_is_under_way()
        self._touched.add(work.target.path)
        waiting = deque(Attempt(order) for order in self._orders(work))
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
                self._watch.note(f"{_name(work, ended)}: {ended.answer}: again")
                waiting.append(ended.attempt)
            else:
                failed.append(f"{_name(work, ended)}: {ended.answer}")
        self._wait_until_seen(work, [path for path, _ in made])
        self._say_how_long(work, [answer for _, answer in made])
        return failed

    def _say_how_long(self, work: Work, made: Sequence[Made]) -> None:
        """Say what the actors' time went into."""
        listing, seconds = work.target.listing, dict[str, float]()
        for one in made:
            for stage, took in one.seconds.items():
                seconds[stage] = seconds.get(stage, 0.0) + took
        count, faster = sum(one.encoded for one in made), self._planned.faster(listing)
        told = summary(listing.name, count, listing.unit, seconds, faster, " of actors' time")
        if told is not None:
            self._watch.note(told)

    def close(self) -> None:
        """Kill all actors."""
        self._drop_what_is_under_way()
        for actor in [*self._idle, *self._loading.values()]:
            self._ray.kill(actor)

    def _orders(self, work: Work) -> list[Order]:
        listing = self._planned.listings.index(work.target.listing)
        return [Order.of(task, work.target.path, listing) for task in work.tasks]

    def _drop_what_is_under_way(self) -> None:
        for attempt in self._busy.values():
            self._ray.kill(attempt.actor)
        self._busy.clear()

    def _grow(self, waiting: int) -> None:
        """Start actors until there is one for every order that waits, or as many as there may."""
        busy = len(self._busy)
        there = len(self._idle) + len(self._loading) + busy
        for _ in range(there, min(self._granted.actors, waiting + busy)):
            actor = self._class.remote(self._stored, Surroundings.here())
            self._loading[actor.load.remote()] = actor

    def _send(self, attempt: Attempt) -> None:
        actor = self._idle.pop()
        self._busy[actor.make.remote(attempt.order)] = replace(
            attempt, actor=actor, number=attempt.number + 1
        )

    def _next(self) -> Ended | None:
        """Return the next order that ended, if one does soon; see to actors that have loaded."""
        under_way = [*self._busy, *self._loading]
        ready, _ = self._ray.wait(under_way, num_returns=1, timeout=POLL_SECONDS)
        if not ready:
            self._say_what_is_waited_for()
            return None
        answer = self._answer(ready[0])
        if ready[0] in self._loading:
            self._see_to(self._loading.pop(ready[0]), answer)
            return None
        attempt = self._busy.pop(ready[0])
        if isinstance(answer, Died):
            self._bury(attempt.actor, answer, "at work", DEATHS)
        else:
            self._deaths = 0
            self._idle.append(attempt.actor)
        return Ended(attempt, answer)

    def _answer(self, ready: Any) -> Answer:
        try:
            answer: Answer = self._ray.get(ready)
        except self._ray.exceptions.RayError as error:
            return Died(in_short(error))
        return answer

    def _see_to(self, actor: Any, answer: Answer) -> None:
        """Let an actor work that has loaded the model; refuse to go on with one that cannot."""
        if isinstance(answer, Died):
            self._bury(actor, answer, "as they loaded the model", LOADINGS)
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
                "all machines of a cluster are to load the same model"
            )
        self._deaths = 0
        self._idle.append(actor)

    def _bury(self, actor: Any, died: Died, when: str, most: int) -> None:
        """Take a death down; give up where they do not end."""
        self._ray.kill(actor)  # It may only be out of reach.
        self._deaths += 1
        if self._deaths >= most:
            raise InputError(
                f"{self._deaths} actors in a row died {when}, the last so: {died.reason}; what is "
                "done stays"
            )

    def _say_what_is_waited_for(self) -> None:
        if self._busy or self._idle or time.monotonic() < self._said + SAID_SECONDS:
            return
        self._said = time.monotonic()
        free, all_ = self._ray.available_resources(), self._ray.cluster_resources()
        shown = [f"{free.get(one, 0):g} of {all_.get(one, 0):g} {one}s" for one in ("CPU", "GPU")]
        self._watch.note(
            f"Ray: no actor has loaded the model yet; free in the cluster: {', '.join(shown)}"
        )

    def _wait_until_seen(self, work: Work, made: Sequence[Path]) -> None:
        """Wait until this machine sees the files, too; refuse to go on if it never does."""
        until = time.monotonic() + SEEN_SECONDS
        while unseen := [path for path in made if not path.exists()]:
            if stamp(work.target.path) != work.target.stamp:
                return  # Merged by another run.
            if time.monotonic() > until:
                raise InputError(
                    f"{unseen[0]}: was written by an actor, and is not here: the machines of a "
                    "cluster are to share the file system"
                )
            work.advance(0)
            time.sleep(POLL_SECONDS)


def _name(work: Work, ended: Ended) -> str:
    place = ended.attempt.order.place
    return f"{work.target.listing.name}, shard {place.number} of {place.count}"

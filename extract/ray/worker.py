"""A process of a cluster that makes shards: what it is told, and what it answers. Knows no Ray.

It imports torch where it begins to load, and no sooner: what decides how many threads torch takes
has to be said before.
"""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_image_shard, open_images
from oodcache.cache.format.place import Place, shard_folder
from oodcache.extract.model.request import sleep_while_waiting
from oodcache.extract.run.plan import Plan, TextListing

if TYPE_CHECKING:
    from oodcache.extract.model.encoder import Encoder, Signature
    from oodcache.extract.run.tasks import Task

Answer = TypeVar("Answer")
THREADS = "OMP_NUM_THREADS"
LOOKED_AT = 100


@dataclass(frozen=True)
class Order:
    """A task as it is sent: shard `place` of the file at `path`, of a listing of the plan.

    `known` is the file, or the shard, whose rows from `offset` on are taken over where they are ok.
    """

    path: Path
    listing: int
    place: Place
    known: Path | None = None
    offset: int = 0

    @classmethod
    def of(cls, task: Task, path: Path, listing: int) -> Order:
        """Return the order for a task: what is known is read where it lies, not sent."""
        known = None if task.known is None else task.known.path
        return cls(path, listing, task.place, known, task.offset)

    @property
    def shard(self) -> Path:
        """Return the file that is to be written."""
        return shard_folder(self.path) / self.place.file_name

    def task(self) -> Task:
        """Return the task that is ordered."""
        from oodcache.extract.run.tasks import Task

        if self.known is None:
            return Task(self.place)
        opened = (open_images if self.known == self.path else open_image_shard)(self.known)
        return Task(self.place, opened, self.offset)


@dataclass(frozen=True)
class Surroundings:
    """What a process takes over from the one that orders: its folder, and how many threads."""

    folder: str
    threads: str | None

    @classmethod
    def here(cls) -> Surroundings:
        """Return those of this process."""
        return cls(str(Path.cwd()), os.environ.get(THREADS))

    def enter(self) -> None:
        """Take them over."""
        try:
            os.chdir(self.folder)
        except OSError as error:
            raise InputError(
                f"{self.folder}: {error.strerror}: the machines of a cluster are to share the file "
                "system, this folder too"
            ) from None
        # Ray says one thread to a process that counts as one processor.
        os.environ.pop(THREADS, None)
        if self.threads is not None:
            os.environ[THREADS] = self.threads
        sleep_while_waiting()


@dataclass(frozen=True)
class Loaded:
    """A model is loaded: its signature, what was said meanwhile, and on which machine."""

    signature: Signature
    notes: tuple[str, ...]
    machine: str


@dataclass(frozen=True)
class Made:
    """A shard was made, as its worker says: only the file tells.

    `encoded` rows were, `failed` of the shard's are bad; it took those `seconds` in each stage.
    """

    encoded: int
    failed: int
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Failed:
    """What was ordered could not be done; `reason` is one line."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class Worker:
    """Loads the model once, then makes shards as they are ordered."""

    def __init__(self, planned: Plan, surroundings: Surroundings) -> None:
        self._planned = planned
        self._surroundings = surroundings
        self._model: Encoder | None = None

    def load(self) -> Loaded | Failed:
        """Load the model; say whose it is."""
        return _answered(self._load)

    def make(self, order: Order) -> Made | Failed:
        """Make a shard, if it is the one that this model makes."""
        return _answered(lambda: self._make(order))

    def _load(self) -> Loaded:
        self._surroundings.enter()
        for listing in self._planned.images:
            if not any(map(listing.contents.is_there, range(min(listing.rows, LOOKED_AT)))):
                raise InputError(
                    f"{listing.contents.root}: not on {socket.gethostname()}: the machines of a "
                    "cluster are to share the file system"
                )
        from oodcache.extract.model import loading

        notes: list[str] = []
        self._model = loading.load(
            self._planned.resolved, notes.append, with_texts=self._planned.texts is not None
        )
        return Loaded(self._model.signature, tuple(notes), socket.gethostname())

    def _make(self, order: Order) -> Made:
        from oodcache.extract.run import decoding, targets, tasks
        from oodcache.extract.run.timing import timing_of
        from oodcache.extract.run.tolerance import Tolerance

        assert self._model is not None
        listing = self._planned.listings[order.listing]
        run = targets.wanted(self._planned, listing, self._model.signature)
        assert run.key == order.place.run
        timing = timing_of(listing)
        job = tasks.Job(self._planned, self._model, lambda rows: None, timing)
        bad = None if isinstance(listing, TextListing) else Tolerance(listing, 1)
        with decoding.watching_workers():
            count = tasks.write(order.path, listing, run, [order.task()], job, bad)
        return Made(count, bad.failed if bad else 0, timing.seconds())


def _answered(do: Callable[[], Answer]) -> Answer | Failed:
    """Return what comes back, or why nothing does: an error of another process says little."""
    try:
        return do()
    except InputError as error:
        return Failed(str(error))
    except Exception as error:
        traceback.print_exc()  # Into this process's log.
        return Failed(_where(error))


def _where(error: Exception) -> str:
    """Return an error in one line, and where it was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {said} ({Path(last.filename).name}:{last.lineno})"


def unlike(planned: Plan, one: Any, other: Any) -> str | None:
    """Return in words what sets the files of two models apart, None where nothing does."""
    from oodcache.extract.run.targets import wanted

    for listing in planned.listings:
        found = wanted(planned, listing, one).differences(wanted(planned, listing, other))
        if found:
            return found[0]
    return None

"""A worker process of a cluster: its orders and its answers. Independent of Ray.

It imports torch only when it loads the model, after the number of threads has been set.
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
from oodcache.cache.files.texts import open_text_rows
from oodcache.cache.format.place import Place, shard_folder
from oodcache.extract.model.request import sleep_while_waiting
from oodcache.extract.run.plan import Plan, TextListing

if TYPE_CHECKING:
    from oodcache.extract.model.encoder import Encoder, Signature
    from oodcache.extract.run.tasks import Task

Answer = TypeVar("Answer")
THREADS = "OMP_NUM_THREADS"
VISIBLE = "CUDA_VISIBLE_DEVICES"
LOOKED_AT = 100


@dataclass(frozen=True)
class Order:
    """A task as sent to a worker: shard `place` of the file at `path`, of the plan's `listing`.

    `known` is the file or shard whose ok rows, from `offset` on, are reused. `templates` are those
    of a vocabulary to which some are added; then `known` is the file without them.
    """

    path: Path
    listing: int
    place: Place
    known: Path | None = None
    offset: int = 0
    templates: tuple[str, ...] = ()

    @classmethod
    def of(cls, task: Task, path: Path, listing: int, templates: tuple[str, ...] = ()) -> Order:
        """Return the order for a task; known rows are not sent, but read by the worker."""
        known = None if task.known is None else task.known.path
        return cls(path, listing, task.place, known, task.offset, templates)

    @property
    def shard(self) -> Path:
        """Return the file to write."""
        return shard_folder(self.path) / self.place.file_name

    def task(self) -> Task:
        """Return the ordered task."""
        from oodcache.extract.run.tasks import Task

        if self.known is None:
            return Task(self.place)
        if self.templates:
            return Task(self.place, open_text_rows(self.known), self.offset)
        opened = (open_images if self.known == self.path else open_image_shard)(self.known)
        return Task(self.place, opened, self.offset)


@dataclass(frozen=True)
class Surroundings:
    """What a worker takes over from the main process: its folder and its number of threads.

    With `hides_gpus` it sees no GPU of its machine.
    """

    folder: str
    threads: str | None
    hides_gpus: bool = False

    @classmethod
    def here(cls, *, hides_gpus: bool = False) -> Surroundings:
        """Return those of this process."""
        return cls(str(Path.cwd()), os.environ.get(THREADS), hides_gpus)

    def enter(self) -> None:
        """Apply them to this process."""
        try:
            os.chdir(self.folder)
        except OSError as error:
            raise InputError(
                f"{self.folder}: {error.strerror}: the machines of a cluster must share the file "
                "system, including this folder"
            ) from None
        # Ray sets one thread for a process that counts as one processor.
        os.environ.pop(THREADS, None)
        if self.threads is not None:
            os.environ[THREADS] = self.threads
        # A local Ray hides GPUs only from actors that have a share of them.
        if self.hides_gpus:
            os.environ[VISIBLE] = ""
        sleep_while_waiting()


@dataclass(frozen=True)
class Loaded:
    """A loaded model: its signature, the notes of loading, and the machine."""

    signature: Signature
    notes: tuple[str, ...]
    machine: str


@dataclass(frozen=True)
class Made:
    """A finished shard: rows `encoded`, images that `failed`, and the `seconds` per stage.

    `rotated` counts images with an EXIF rotation.
    """

    encoded: int
    failed: int
    seconds: Mapping[str, float]
    rotated: int = 0


@dataclass(frozen=True)
class Failed:
    """A failed order; `reason` is one line."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class Worker:
    """Loads the model once, then makes shards on order."""

    def __init__(self, planned: Plan, surroundings: Surroundings) -> None:
        self._planned = planned
        self._surroundings = surroundings
        self._model: Encoder | None = None

    def load(self) -> Loaded | Failed:
        """Load the model."""
        return _answered(self._load)

    def make(self, order: Order) -> Made | Failed:
        """Make a shard."""
        return _answered(lambda: self._make(order))

    def _load(self) -> Loaded:
        self._surroundings.enter()
        for listing in self._planned.images:
            if not any(map(listing.contents.is_there, range(min(listing.rows, LOOKED_AT)))):
                raise InputError(
                    f"{listing.contents.root}: not on {socket.gethostname()}: the machines of a "
                    "cluster must share the file system"
                )
        from oodcache.extract.model import loading

        notes: list[str] = []
        self._model = loading.load(
            self._planned.resolved, notes.append, with_texts=self._planned.texts is not None
        )
        if self._planned.texts is not None:
            from oodcache.extract.run import cuts

            cuts.check(self._planned.texts, self._model.tokenize, notes.append)
        return Loaded(self._model.signature, tuple(notes), socket.gethostname())

    def _make(self, order: Order) -> Made:
        from oodcache.extract.run import decoding, targets, tasks
        from oodcache.extract.run.timing import timing_of
        from oodcache.extract.run.tolerance import Tolerance

        assert self._model is not None
        listing = self._planned.listings[order.listing]
        if order.templates:
            assert isinstance(listing, TextListing)
            listing = listing.under(order.templates)
        run = targets.wanted(self._planned, listing, self._model.signature)
        assert run.key == order.place.run
        timing = timing_of(listing)
        job = tasks.Job(self._planned, self._model, lambda rows: None, timing)
        bad = None if isinstance(listing, TextListing) else Tolerance(listing, 1)
        with decoding.watching_workers():
            done = tasks.write(order.path, listing, run, [order.task()], job, bad)
        return Made(done.rows, bad.failed if bad else 0, timing.seconds(), done.rotated)


def _answered(do: Callable[[], Answer]) -> Answer | Failed:
    """Return the answer, or Failed with the error in one line and where it was raised."""
    try:
        return do()
    except InputError as error:
        return Failed(str(error))
    except Exception as error:
        traceback.print_exc()  # Into this process's log.
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        return Failed(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]} ({where})")


def unlike(planned: Plan, one: Any, other: Any) -> str | None:
    """Return in words how two models' files would differ, None if they would not."""
    from oodcache.extract.run.targets import wanted

    for listing in planned.listings:
        found = wanted(planned, listing, one).differences(wanted(planned, listing, other))
        if found:
            return found[0]
    return None

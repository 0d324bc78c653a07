"""Image batches: decoded and preprocessed; bad images keep their row."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
import traceback
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, cast, runtime_checkable

import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from oodcache.cache.errors import InputError
from oodcache.extract.known.noise import NAME, NoiseImage
from oodcache.extract.sources.listing import Contents

STOPS = {signal.SIGINT, signal.SIGTERM}
ITERATOR = torch.utils.data.dataloader._MultiProcessingDataLoaderIter


@dataclass(frozen=True)
class Prepared:
    """An image as a model's input; `is_rotated` if its EXIF orientation says so, applied or not."""

    pixels: torch.Tensor
    is_rotated: bool = False


class Preparation(Protocol):
    """Turns an image's bytes into a model's input, of the same shape for every image."""

    def prepared(self, content: bytes) -> Prepared:
        """Return an image as a tensor (3, height, width); any exception marks it as bad."""

    def blank(self) -> torch.Tensor:
        """Return a tensor of that shape for a bad image."""


@runtime_checkable
class Unscaling(Protocol):
    """A preparation whose mean and standard deviation can be undone."""

    def unscaled(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return what the model reads as these pixels, from 0 to 1, (3, height, width)."""


@dataclass(frozen=True)
class Decoded:
    """Consecutive images (n, 3, height, width); `errors` has the reason for each blank row.

    `rotated` counts images with an EXIF orientation other than upright.
    """

    images: torch.Tensor
    errors: dict[int, str] = field(default_factory=dict)
    rotated: int = 0

    def pin_memory(self) -> Decoded:
        """Return a copy in pinned memory; torch's DataLoader calls this."""
        return Decoded(self.images.pin_memory(), self.errors, self.rotated)


def batches(
    contents: Contents,
    preparation: Preparation,
    rows: Sequence[range],
    *,
    workers: int,
    pin_memory: bool,
    threads: int = 0,
) -> Iterator[Decoded]:
    """Return an iterator over the images of `contents`, one batch per element of `rows`.

    Workers are forked before this returns, so they inherit no file opened later. Iterate inside
    `watching_workers`. With `threads`, which share the memory of this process, nothing is forked.
    """
    if threads:
        return _threaded(contents, preparation, rows, threads, pin_memory=pin_memory)
    with warnings.catch_warnings():
        # torch warns about more workers than processors, but that is the user's choice.
        warnings.simplefilter("ignore")
        loader: DataLoader[Any] = DataLoader(
            _Undecoded(contents, preparation, rows[-1].stop if rows else 0),
            batch_sampler=cast(Any, rows),  # Any sequence of row numbers is a batch.
            num_workers=workers,
            collate_fn=_collate,
            pin_memory=pin_memory,
            worker_init_fn=partial(_exit_with_parent, os.getpid()),
        )
        with _signals_blocked():
            return iter(loader)


def _threaded(
    contents: Contents,
    preparation: Preparation,
    rows: Sequence[range],
    threads: int,
    *,
    pin_memory: bool,
) -> Iterator[Decoded]:
    """Yield the batches, each decoded while the one before it is used."""
    images = _Undecoded(contents, preparation, rows[-1].stop if rows else 0)
    pool, waiting = ThreadPoolExecutor(threads, "decoding"), deque[list[Future[Any]]]()
    try:
        # Decoding hides warnings, and threads would restore the filters in any order.
        with warnings.catch_warnings():
            for batch in (*rows, None):
                if batch is not None:
                    waiting.append([pool.submit(images.__getitem__, row) for row in batch])
                if waiting and (batch is None or len(waiting) > 1):
                    decoded = _collate([one.result() for one in waiting.popleft()])
                    yield decoded.pin_memory() if pin_memory else decoded
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def watching_workers() -> Iterator[None]:
    """Raise a one-line InputError when a worker was killed, whichever way that shows."""
    try:
        with _quiet_deletion():
            yield
    except (RuntimeError, OSError, EOFError) as error:
        if not _is_of_worker(error):
            raise
        time.sleep(0.5)  # A stop signal that also ended the worker is raised here,
        if (stop := _stop_behind(error)) is not None:  # or was raised before torch's error.
            raise stop from None
        raise InputError(
            "a decoding process was killed, perhaps because memory ran out, or /dev/shm (docker: "
            "--shm-size): run the same command again with fewer --workers to resume; finished "
            "shards are kept"
        ) from error


def _is_of_worker(error: Exception) -> bool:
    """Return whether torch reports a killed worker, or the transfer of a batch from it broke."""
    if isinstance(error, RuntimeError):
        # The thread that pins batches for a GPU ends when a worker dies while sending one.
        return any(who in str(error) for who in ("DataLoader worker", "Pin memory thread"))
    *_, (last, _) = traceback.walk_tb(error.__traceback__)
    return str(last.f_globals["__name__"]).startswith("multiprocessing.")


@contextmanager
def _quiet_deletion() -> Iterator[None]:
    """Discard what Python prints when torch's iterator is deleted after a worker died.

    Either the work is done by then, or another error reports the failure.
    """
    before = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if getattr(unraisable.object, "__qualname__", None) != ITERATOR.__del__.__qualname__:
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    except BaseException as error:
        traceback.clear_frames(error.__traceback__)  # The frames would keep the workers alive.
        raise
    finally:
        if sys.unraisablehook is hook:  # Otherwise the code that stops the run has replaced it.
            sys.unraisablehook = before


def _stop_behind(error: BaseException) -> BaseException | None:
    """Return the Ctrl-C or exit that was being handled when `error` was raised, if any."""
    while error.__context__ is not None:
        error = error.__context__
        if not isinstance(error, Exception):
            return error
    return None


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Delay Ctrl-C and SIGTERM: Python drops a signal that arrives during a fork."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _exit_with_parent(parent: int, worker: int) -> None:
    """Make a worker exit soon after its parent is killed.

    torch's own watchdog reads the parent's id too late: the parent may already be gone.
    """
    # Status 0, because any other makes torch raise "worker died" in a parent that also stops.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    # Image errors go to the parent; a thread whose parent is gone would print a traceback.
    sys.excepthook = lambda *_: None
    # libjpeg, called by torchvision, prints warnings about damaged JPEGs to stderr.
    os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), 2)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@dataclass(frozen=True)
class _Undecoded(Dataset[Any]):
    contents: Contents
    preparation: Preparation
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, row: int) -> tuple[Prepared, str | None]:
        try:
            content = self.contents.read(row)
            if isinstance(content, NoiseImage):
                return _noise(content, self.preparation), None
            return self.preparation.prepared(content), None
        except InputError:  # The dataset is at fault, not the image.
            raise
        except Exception as error:  # A broken header may raise anything.
            return Prepared(self.preparation.blank()), _reason(error)


def _noise(content: NoiseImage, preparation: Preparation) -> Prepared:
    """Return an image of noise at the size of a preparation's, without mean and deviation."""
    shape = tuple(preparation.blank().shape)
    if not isinstance(preparation, Unscaling) or len(shape) != 3:
        raise InputError(
            f"{NAME}: this model has no one size of images, or a preprocessing of your own; "
            "score with tanl:noise=stream"
        )
    return Prepared(preparation.unscaled(torch.from_numpy(content.drawn(shape))))


def _reason(error: Exception) -> str:
    """Return why an image is bad, in one line, without addresses that differ from run to run.

    >>> _reason(ValueError("cannot identify image file <_io.BytesIO object at 0x7f00>"))
    'ValueError: cannot identify image file'
    """
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    lines = re.sub(r" <_io\.BytesIO[^>]*>", "", text).splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text.encode(errors="backslashreplace").decode()


def _collate(rows: Sequence[tuple[Prepared, str | None]]) -> Decoded:
    return Decoded(
        # Unlike torch.stack, it makes a worker's batch in shared memory, so none is copied there.
        default_collate([image.pixels for image, _ in rows]),
        {place: error for place, (_, error) in enumerate(rows) if error is not None},
        sum(image.is_rotated for image, _ in rows),
    )

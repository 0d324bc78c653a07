"""Images from disk to batches: decoded, converted to RGB, preprocessed; a bad one keeps its row."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, cast

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from oodcache.cache.errors import InputError
from oodcache.extract.sources.listing import Contents

STOPS = {signal.SIGINT, signal.SIGTERM}
ITERATOR = torch.utils.data.dataloader._MultiProcessingDataLoaderIter


class Preparation(Protocol):
    """What makes of an image's bytes what a model is given; of any image the same shape."""

    def pixels(self, content: bytes) -> torch.Tensor:
        """Return an image as a tensor (3, height, width); raise whatever it likes if it cannot."""

    def blank(self) -> torch.Tensor:
        """Return such a tensor for an image that cannot be had."""


@dataclass(frozen=True)
class Decoded:
    """Consecutive images as a tensor (n, 3, height, width); `errors` says which rows are blank."""

    images: torch.Tensor
    errors: dict[int, str] = field(default_factory=dict)

    def pin_memory(self) -> Decoded:
        """Return it in memory that a GPU can fetch from by itself; torch's loader calls this."""
        return Decoded(self.images.pin_memory(), self.errors)


def decode(content: bytes) -> Image.Image:
    """Return an image as RGB; raise whatever PIL raises if it cannot be decoded.

    Sixteen-bit greys are scaled to eight, where PIL would clip them to white. A palette becomes
    colours before any resizing, as ImageFolder does. EXIF orientation is not applied, as
    open_clip does not.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(content)) as image:
            if image.mode.startswith("I"):
                grey = np.asarray(image, np.float64) / 257
                return Image.fromarray(grey.round().clip(0, 255).astype(np.uint8)).convert("RGB")
            return image.convert("RGB")


def batches(
    contents: Contents,
    preparation: Preparation,
    rows: Sequence[range],
    *,
    workers: int,
    pin_memory: bool,
) -> Iterator[Decoded]:
    """Return an iterator over the images of `contents`, a batch for each of `rows`.

    Its workers are forked before it is returned: they inherit no file that is opened later. Use it
    within `watching_workers`.
    """
    with warnings.catch_warnings():
        # Of more workers than processors, which are the user's choice.
        warnings.simplefilter("ignore")
        loader: DataLoader[Any] = DataLoader(
            _Images(contents, preparation, rows[-1].stop if rows else 0),
            batch_sampler=cast(Any, rows),  # Any sequence of row numbers is a batch.
            num_workers=workers,
            collate_fn=_collate,
            pin_memory=pin_memory,
            worker_init_fn=partial(_end_with, os.getpid()),
        )
        with _undisturbed():
            return iter(loader)


@contextmanager
def watching_workers() -> Iterator[None]:
    """Say in one line that a worker was killed, of which torch tells at any moment."""
    try:
        with _quiet_deletion():
            yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        time.sleep(0.5)  # Whoever ended it may have told us to end too, which is raised here,
        if (stop := _stop_behind(error)) is not None:  # or was, before torch told.
            raise stop from None
        raise InputError(
            "a decoding process was killed, perhaps because memory ran out: type the same "
            "command again, with fewer --workers; what is done stays"
        ) from error


@contextmanager
def _quiet_deletion() -> Iterator[None]:
    """Let torch delete its iterator without a word of a worker killed, or not yet made, meanwhile.

    Python prints what is raised in a `__del__` and goes on: either the work was done, or another
    error tells.
    """
    told = sys.unraisablehook

    def tell(unraisable: sys.UnraisableHookArgs) -> None:
        if getattr(unraisable.object, "__qualname__", None) != ITERATOR.__del__.__qualname__:
            told(unraisable)

    sys.unraisablehook = tell
    try:
        yield
    except BaseException as error:
        traceback.clear_frames(error.__traceback__)  # They hold the workers, and would for longer.
        raise
    finally:
        if sys.unraisablehook is tell:  # Or else whoever stops the run will have nothing printed.
            sys.unraisablehook = told


def _stop_behind(error: BaseException) -> BaseException | None:
    """Return the Ctrl-C or the like that was under way as an error was raised, if any."""
    while error.__context__ is not None:
        error = error.__context__
        if not isinstance(error, Exception):
            return error
    return None


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait: Python would drop one that meets a fork."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with(parent: int, worker: int) -> None:
    """Let a worker end soon after its parent, which may be killed without a word.

    torch's own watch asks whose child it is once it has begun, when that may be nobody's.
    """

    # With status 0, or torch raises that a worker died wherever its parent is as it is told too.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    # An image's error goes to the parent. What is printed is of a thread that met a parent gone.
    sys.excepthook = lambda *_: None
    # And of damaged JPEGs libjpeg prints as it likes, through torchvision.
    os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), 2)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@dataclass(frozen=True)
class _Images(Dataset[Any]):
    contents: Contents
    preparation: Preparation
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, row: int) -> tuple[torch.Tensor, str | None]:
        try:
            return self.preparation.pixels(self.contents.read(row)), None
        except Exception as error:  # A bomb is no OSError, a broken header may be anything.
            return self.preparation.blank(), _reason(error)


def _reason(error: Exception) -> str:
    """Return why an image is bad, in one line, without what differs from run to run: a path, say.

    >>> _reason(ValueError("cannot identify image file <_io.BytesIO object at 0x7f00>"))
    'ValueError: cannot identify image file'
    """
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    lines = re.sub(r" <_io\.BytesIO[^>]*>", "", text).splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text.encode(errors="backslashreplace").decode()


def _collate(rows: Sequence[tuple[torch.Tensor, str | None]]) -> Decoded:
    return Decoded(
        torch.stack([image for image, _ in rows]),
        {place: error for place, (_, error) in enumerate(rows) if error is not None},
    )

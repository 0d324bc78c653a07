"""Timing of a run: what its main loop waited for, and what would make it faster."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from oodcache.extract.run.plan import Listing

DECODING, TOKENIZING = "decode", "tokenizing"
TRANSFER, MODEL, WRITING = "transfer", "the model", "writing"
LEAST_SECONDS = 1.0  # Shorter runs need no advice.
Item = TypeVar("Item")


class Timing:
    """A clock per stage; an inner stage pauses the outer one.

    `first` is the stage that produces inputs, DECODING or TOKENIZING. Time outside any stage counts
    as WRITING.
    """

    def __init__(self, first: str, clock: Callable[[], float] = time.perf_counter) -> None:
        self.first = first
        self._clock = clock
        self._current = WRITING
        self._since = clock()
        self._seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def during(self, stage: str) -> Iterator[None]:
        """Count the time inside the context towards `stage`."""
        before = self._switch(stage)
        try:
            yield
        finally:
            self._switch(before)

    def waiting(self, stage: str, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items; waiting for each counts towards `stage`."""
        iterator = iter(items)
        while True:
            with self.during(stage):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

    def seconds(self) -> dict[str, float]:
        """Return the seconds per stage so far, in the order of a batch's stages."""
        self._switch(self._current)
        return {one: self._seconds[one] for one in (self.first, TRANSFER, MODEL, WRITING)}

    def _switch(self, stage: str) -> str:
        now, before = self._clock(), self._current
        self._seconds[before] += now - self._since
        self._since, self._current = now, stage
        return before


def timing_of(listing: Listing) -> Timing:
    """Return the clock for a listing's stages."""
    return Timing(TOKENIZING if listing.kind == "texts" else DECODING)


def summary(
    name: str,
    count: int,
    unit: str,
    seconds: Mapping[str, float],
    faster: str = "",
    whose: str = "",
) -> str | None:
    """Return one line on how long `count` units took and what for; None below LEAST_SECONDS.

    `faster` are options to suggest if inputs are the bottleneck; `whose` qualifies the seconds.
    """
    total = sum(seconds.values())
    if total < LEAST_SECONDS:
        return None
    shares = ", ".join(f"{took / total:.0%} for {what}" for what, took in seconds.items())
    slowest = max(seconds, key=lambda what: seconds[what])
    advice = f": try {faster}" if faster and slowest == next(iter(seconds)) else ""
    rate = f"{count / total:,.0f} {unit}/s"
    return (
        f"{name}: {count:,} {unit} in {total:,.1f} s{whose} ({rate}): waited "
        f"{shares.replace('%', ' %')}; {slowest} is the bottleneck{advice}"
    )

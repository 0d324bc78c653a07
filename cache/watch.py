"""Notes and progress of long work: bars with rate and time left, or a line every ten seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec

from rich import progress as rich_progress
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

EVERY = 10.0  # Seconds between lines where no bar can be drawn.


class Hint(str):
    """A note on what is being done, or was. A note on a number, or on what was left out, is none.

    `--quiet` hides hints; every other note is a warning and is shown.
    """

    __slots__ = ()


Note = Callable[[str], None]
Progress = Callable[[str, int, str], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True)
class Watch:
    """Where long work reports: `note` is called with each line, `progress` counts a known total.

    `progress(description, total, unit)` returns a context manager that yields a function to call
    with the number of items just done. The defaults report nothing.
    """

    note: Note = lambda text: None
    progress: Progress = lambda description, total, unit: nullcontext(lambda done: None)


class RateColumn(ProgressColumn):
    """Rate column: images/s, prompts/s."""

    def render(self, task: Task) -> Text:
        """Return the rate, or nothing before the first batch."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} {task.fields['unit']}/s" if speed else "")


def bars(check: Callable[[], None]) -> Progress:
    """Return a `progress` with bars in a terminal or a notebook; it calls `check` at each step.

    Elsewhere it prints a line every ten seconds. A total of 0 is unknown.
    """

    @contextmanager
    def progress(description: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        console = Console(stderr=True)
        is_drawn = console.is_terminal or (console.is_jupyter and find_spec("ipywidgets"))
        if not is_drawn:
            yield _lines(description, total, unit, check)
            return
        bar = rich_progress.Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        with bar:
            task = bar.add_task(description, total=total or None, unit=unit)

            def advance(done: int) -> None:
                check()
                bar.advance(task, done)

            yield advance

    return progress


def _lines(
    description: str, total: int, unit: str, check: Callable[[], None]
) -> Callable[[int], None]:
    """Return a function that counts what is done, and prints a line when ten seconds are over."""
    began = last = time.monotonic()
    count = 0

    def advance(done: int) -> None:
        nonlocal count, last
        check()
        count += done
        now = time.monotonic()
        if now - last >= EVERY:
            last = now
            line = progress_line(description, count, total, unit, now - began)
            print(line, file=sys.stderr, flush=True)

    return advance


def progress_line(description: str, done: int, total: int, unit: str, seconds: float) -> str:
    """Return how far work is after `seconds`, with its rate and the time left if that is known.

    >>> progress_line("pets", 500, 2000, "images", 10)
    'pets: 500 of 2,000 images, 50 images/s, 30 s left'
    >>> progress_line("words", 1500, 0, "words", 10)
    'words: 1,500 words, 150 words/s'
    """
    rate = done / seconds if seconds > 0 else 0.0
    shown = f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
    amount = f"{done:,} of {total:,}" if total else f"{done:,}"
    parts = [f"{amount} {unit}", f"{shown} {unit}/s"]
    if total and rate:
        left = round(max(0, total - done) / rate)
        parts.append(f"{left} s left" if left < 120 else f"{left / 60:,.0f} min left")
    return f"{description}: {', '.join(parts)}"

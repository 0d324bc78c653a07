"""Notes and progress of long work: bars with rate and time left, or a line every ten seconds."""

from __future__ import annotations

import builtins
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec

EVERY = 10.0  # Seconds between lines where no bar can be drawn.
# With these set, rich draws a bar where there is no terminal.
DRAWN_BY = {"FORCE_COLOR", "TTY_COMPATIBLE"}


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


def bars(check: Callable[[], None]) -> Progress:
    """Return a `progress` with bars in a terminal or a notebook; it calls `check` at each step.

    Elsewhere it prints a line every ten seconds. A total of 0 is unknown.
    """

    def progress(
        description: str, total: int, unit: str
    ) -> AbstractContextManager[Callable[[int], None]]:
        drawn = _bar(description, total, unit, check) if _may_draw() else None
        return drawn or nullcontext(_lines(description, total, unit, check))

    return progress


def _may_draw() -> bool:
    """Return False where rich draws no bar, without importing it: it takes as long as NumPy."""
    is_asked = not DRAWN_BY.isdisjoint(os.environ) or hasattr(builtins, "get_ipython")
    return is_asked or sys.stderr.isatty()


def _bar(
    description: str, total: int, unit: str, check: Callable[[], None]
) -> AbstractContextManager[Callable[[int], None]] | None:
    """Return a context with a bar, None where none can be drawn."""
    from rich import progress as rich
    from rich.console import Console
    from rich.text import Text

    class RateColumn(rich.ProgressColumn):
        """Rate column: images/s, prompts/s."""

        def render(self, task: rich.Task) -> Text:
            """Return the rate, or nothing before the first batch."""
            speed = task.finished_speed or task.speed
            return Text(f"{speed:,.0f} {task.fields['unit']}/s" if speed else "")

    console = Console(stderr=True)
    if not console.is_terminal and not (console.is_jupyter and find_spec("ipywidgets")):
        return None
    bar = rich.Progress(
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        RateColumn(),
        rich.TimeRemainingColumn(),
        console=console,
        transient=True,
    )

    @contextmanager
    def drawn() -> Iterator[Callable[[int], None]]:
        with bar:
            task = bar.add_task(description, total=total or None, unit=unit)

            def advance(done: int) -> None:
                check()
                bar.advance(task, done)

            yield advance

    return drawn()


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

"""Progress on stderr, bars with rate and time left, and text and sizes made fit to print."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from oodcache.stopping import check


class RateColumn(ProgressColumn):
    """How many things a second: images/s, prompts/s."""

    def render(self, task: Task) -> Text:
        """Return the rate, nothing before the first batch."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} {task.fields['unit']}/s" if speed else "")


@contextmanager
def progress(description: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """Give a function that is told how many more are done; draw nothing off a terminal."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(description, total=total, unit=unit)

        def advance(done: int) -> None:
            check()
            bar.advance(task, done)

        yield advance


def megabytes(size: int) -> str:
    """Return a number of bytes in MB, to one decimal; below 1 MB in two digits.

    >>> [megabytes(size) for size in (0, 5561, 1_234_567_890)]
    ['0', '0.0056', '1,234.6']
    """
    return f"{size / 1e6:,.1f}" if size >= 10**6 else f"{size / 1e6:.2g}"


def printable(text: str) -> str:
    """Return `text` on one line with control and unprintable characters escaped.

    >>> printable("a" + chr(27) + "[2J" + chr(10))
    'a\\\\x1b[2J\\\\n'
    """
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape", "backslashreplace").decode()
        for one in text
    )

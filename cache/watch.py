"""Notes and progress of long work: bars on stderr with rate and time left."""

from __future__ import annotations

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

    A total of 0 is unknown.
    """

    @contextmanager
    def progress(description: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        console = Console(stderr=True)
        bar = rich_progress.Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not (console.is_terminal or (console.is_jupyter and find_spec("ipywidgets"))),
        )
        with bar:
            task = bar.add_task(description, total=total or None, unit=unit)

            def advance(done: int) -> None:
                check()
                bar.advance(task, done)

            yield advance

    return progress

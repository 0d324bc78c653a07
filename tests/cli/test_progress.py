"""Claims about progress where no bar can be drawn: a line every ten seconds, by a clock given."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time

import pytest

from oodcache.cache import watch
from oodcache.cache.watch import bars, progress_line
from oodcache.cli import commands, options


def tick(monkeypatch: pytest.MonkeyPatch, *seconds: float) -> None:
    """Let the clock show these times, and the last one from then on."""
    shown = itertools.chain(seconds, itertools.repeat(seconds[-1]))
    monkeypatch.setattr(time, "monotonic", lambda: next(shown))


def test_a_line_is_printed_every_ten_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[int] = []
    with bars(lambda: checks.append(1))("pets", 4000, "images") as advance:
        tick(monkeypatch, 0)
    started = watch.bars(lambda: checks.append(1))
    tick(monkeypatch, 0, 4, 9.9, 10, 15, 20, 31, 31)
    with started("pets", 4000, "images") as advance:
        for _ in range(7):
            advance(100)
    assert capsys.readouterr().err.splitlines() == [
        "pets: 300 of 4,000 images, 30 images/s, 2 min left",
        "pets: 500 of 4,000 images, 25 images/s, 2 min left",
        "pets: 600 of 4,000 images, 19 images/s, 3 min left",
    ]
    assert len(checks) == 7


def test_short_work_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with bars(lambda: None)("pets", 10, "images") as advance:
        for _ in range(10):
            advance(1)
    assert capsys.readouterr().err == ""


def test_quiet_work_prints_no_line_and_can_still_be_stopped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_quiet", [True])
    tick(monkeypatch, 0, 100, 200)
    with options.progress("pets", 10, "images") as advance:
        advance(1)
        advance(1)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("done", "total", "seconds", "shown"),
    [
        (0, 10, 10.0, "x: 0 of 10 rows, 0 rows/s"),
        (10, 10, 10.0, "x: 10 of 10 rows, 1 rows/s, 0 s left"),
        (12, 10, 10.0, "x: 12 of 10 rows, 1.2 rows/s, 0 s left"),
        (5, 0, 10.0, "x: 5 rows, 0.5 rows/s"),
        (1, 1000, 10.0, "x: 1 of 1,000 rows, 0.1 rows/s, 166 min left"),
        (20_000, 40_000, 10.0, "x: 20,000 of 40,000 rows, 2,000 rows/s, 10 s left"),
        (3, 6, 0.0, "x: 3 of 6 rows, 0 rows/s"),
    ],
)
def test_a_line_has_the_amount_the_rate_and_the_time_left(
    done: int, total: int, seconds: float, shown: str
) -> None:
    assert progress_line("x", done, total, "rows", seconds) == shown


def test_in_a_real_pipe_lines_come_at_their_time_and_without_escape_codes() -> None:
    code = """
import time
from oodcache.cache import watch
watch.EVERY = 0.2
with watch.bars(lambda: None)("pets", 8, "images") as advance:
    for _ in range(8):
        time.sleep(0.06)
        advance(1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    lines = done.stderr.splitlines()
    assert 1 <= len(lines) <= 2 and done.stdout == ""
    assert all(line.startswith("pets: ") and " of 8 images, " in line for line in lines)

"""Claims about times: calls take turns, and processes that they start count."""

from __future__ import annotations

import subprocess
import sys
import time

from bench.timing import in_turns, took


def test_calls_take_turns() -> None:
    calls = list[str]()
    times = in_turns(lambda: calls.append("ours"), lambda: calls.append("theirs"), runs=3)
    assert calls == ["ours", "theirs"] * 3
    assert times.shape == (3, 2, 2)


def test_waiting_takes_no_processor() -> None:
    wall, processor = took(lambda: time.sleep(0.1))
    assert wall >= 0.1
    assert processor < 0.05


def test_the_processor_time_of_a_process_that_was_started_counts() -> None:
    work = "import time\nwhile time.process_time() < 0.3: pass"
    _, processor = took(lambda: subprocess.run([sys.executable, "-c", work], check=True))
    assert 0.3 <= processor < 1

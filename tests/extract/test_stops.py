"""Claims about Ctrl-C and SIGTERM that are kept waiting."""

from __future__ import annotations

import os
import signal

import pytest

from oodcache.extract.stops import STOPS, undisturbed


@pytest.mark.parametrize("number", sorted(STOPS))
def test_a_stop_waits_and_is_not_lost(number: signal.Signals) -> None:
    came: list[int] = []
    before = signal.signal(number, lambda number, _: came.append(number))
    try:
        with undisturbed():
            os.kill(os.getpid(), number)
            assert not came
        assert came == [number]
    finally:
        signal.signal(number, before)

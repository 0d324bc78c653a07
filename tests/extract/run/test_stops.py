"""Claims about Ctrl-C and SIGTERM that a library swallows."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from oodcache.extract.run.stops import STOPS, told_again


@pytest.mark.parametrize("number", sorted(STOPS))
def test_a_stop_that_another_listener_swallows_is_told_again(number: signal.Signals) -> None:
    came: list[int] = []
    before = signal.signal(number, lambda number, _: came.append(number))
    try:
        with told_again():
            signal.signal(number, lambda *_: None)
        assert not came
        with told_again():
            signal.signal(number, lambda *_: None)
            os.kill(os.getpid(), number)
            assert not came
        assert came == [number]
        os.kill(os.getpid(), number)
        assert came == [number] * 2
    finally:
        signal.signal(number, before)


def test_an_exit_that_is_made_of_a_stop_becomes_the_stop_again() -> None:
    def ask(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, ask)
    try:
        with pytest.raises(KeyboardInterrupt), told_again():
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(15))
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_beside_the_main_thread_nothing_is_listened_to() -> None:
    def run() -> None:
        with told_again():
            done.append(1)

    done: list[int] = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done

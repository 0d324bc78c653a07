"""Ctrl-C and SIGTERM told again where a library swallows them or makes them an error of its own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STOPS = {signal.SIGINT, signal.SIGTERM}


@contextmanager
def told_again() -> Iterator[None]:
    """Tell a stop again when this is over: a library that listens itself may have swallowed it.

    Then whoever listened before does so again.
    """
    if threading.current_thread() is not threading.main_thread():  # Where nobody may listen.
        yield
        return
    listeners = {number: signal.getsignal(number) for number in STOPS}
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    # Python writes the number of each signal there, whoever listens.
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        for number, listener in listeners.items():
            signal.signal(number, listener)
        os.close(writing)
        with os.fdopen(reading, "rb") as told:
            came = set(told.read()) & STOPS
        for one in came:
            os.kill(os.getpid(), one)

"""Being asked to stop, by Ctrl-C or SIGTERM: raised at once, and again if a library swallows it.

Python raises wherever the main thread is. Where that is a callback of a C library, the exception is
printed and lost, or comes out as that library's own error; so it is also remembered.
"""

from __future__ import annotations

import signal
import sys

STATUSES = {signal.SIGINT: 130, signal.SIGTERM: 143}
_asked: list[int] = []
_promised: list[str] = []


class Terminated(BaseException):
    """The process was asked to end (SIGTERM), as a cluster does when time is up."""


class Interrupted(BaseException):
    """Ctrl-C as it leaves a command: for a KeyboardInterrupt click ends a line that has ended."""


def listen() -> None:
    """Raise KeyboardInterrupt or Terminated as soon as a stop is asked for.

    Ctrl-C stays ignored where it is, as in the background of a script.
    """
    _asked.clear()
    _promised.clear()
    signal.signal(signal.SIGTERM, _ask)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _ask)


def _ask(number: int, frame: object) -> None:
    _asked.append(number)
    hush()
    check()


def check() -> None:
    """Raise again what was asked for, if anything was."""
    if _asked:
        raise Terminated if _asked[0] == signal.SIGTERM else KeyboardInterrupt


def goes_on() -> None:
    """Promise that the command, typed again after a stop, goes on from what is done."""
    _promised[:] = ["; the same command goes on from what is done"]


def said() -> str:
    """Return what to say of a stop, with what was promised of it."""
    return "".join(["stopped", *_promised])


def status() -> int | None:
    """Return the exit status of what was asked for, None where nothing was."""
    return STATUSES[signal.Signals(_asked[0])] if _asked else None


def hush() -> None:
    """Print no traceback any more: what goes wrong while stopping is of no use to anybody."""
    sys.excepthook = lambda *_: None
    sys.unraisablehook = lambda _: None

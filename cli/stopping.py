"""Stop requests (Ctrl-C and SIGTERM): raised at once, and again if a library swallows them.

Python raises wherever the main thread is. Inside a callback of a C library the exception is lost or
replaced by that library's own error, so the request is also remembered.
"""

from __future__ import annotations

import signal
import sys

STATUSES = {signal.SIGINT: 130, signal.SIGTERM: 143}
_received: list[int] = []
_resumable = False


class Terminated(BaseException):
    """SIGTERM arrived, for example because a cluster's time limit is over."""


class Interrupted(BaseException):
    """Ctrl-C as it leaves a command: click would print an empty line for a KeyboardInterrupt."""


def listen() -> None:
    """Raise KeyboardInterrupt or Terminated as soon as a signal arrives.

    Ctrl-C stays ignored if it already is, as in a script's background process.
    """
    global _resumable
    _received.clear()
    _resumable = False
    signal.signal(signal.SIGTERM, _ask)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _ask)


def _ask(number: int, frame: object) -> None:
    _received.append(number)
    silence()
    check()


def check() -> None:
    """Raise again if a signal has arrived."""
    if _received:
        raise Terminated if _received[0] == signal.SIGTERM else KeyboardInterrupt


def resumable() -> None:
    """Declare that the running command resumes when it is run again after a stop."""
    global _resumable
    _resumable = True


def message() -> str:
    """Return the message about a stop."""
    return "stopped; run the same command again to resume" if _resumable else "stopped"


def status() -> int | None:
    """Return the exit status for the signal that arrived, None if none did."""
    return STATUSES[signal.Signals(_received[0])] if _received else None


def silence() -> None:
    """Suppress tracebacks: errors raised while stopping help nobody."""
    sys.excepthook = lambda *_: None
    sys.unraisablehook = lambda _: None

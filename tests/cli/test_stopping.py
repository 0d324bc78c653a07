"""Claims about being stopped where a library swallows what is raised."""

from __future__ import annotations

import subprocess
import sys

import pytest

SWALLOW = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # Ignored in a script's background.
from oodcache import __main__ as entry, stopping
from oodcache.progress import progress

def swallow():
    try:
        os.kill(os.getpid(), signal.{name})
    except BaseException:
        pass

def command(**_):
    {body}

entry.oodcache.main = command
entry.main()
"""
STOPPED = "\noodcache: stopped; the same command goes on from what is done\n"


def run(name: str, body: str) -> tuple[int, str]:
    code = SWALLOW.format(name=name, body=body)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.parametrize(
    "body",
    [
        "with progress('x', 2, 'things') as advance: swallow(); advance(1); print('went on')",
        "swallow(); raise RuntimeError('a library that was interrupted')",
        "swallow(); raise OSError('a library that was interrupted')",
        "swallow(); raise OSError(5, 'a library that was interrupted', 'file.h5')",
        "os.kill(os.getpid(), signal.{name})",
        # Python itself prints and drops what is raised as an object goes.
        "gone = type('Gone', (), {'__del__': lambda self: os.kill(os.getpid(), signal.{name})})(); "
        "del gone; raise OSError('a library that was interrupted')",
    ],
)
def test_a_stop_that_is_swallowed_is_one_all_the_same(name: str, status: int, body: str) -> None:
    assert run(name, body.replace("{name}", name)) == (status, STOPPED)


def test_what_cannot_be_raised_while_stopping_is_not_printed() -> None:
    body = (
        "command.left = type('Left', (), {'__del__': lambda self: 1 / 0})(); "
        "os.kill(os.getpid(), signal.SIGINT)"
    )
    assert run("SIGINT", body) == (130, STOPPED)


def test_a_bug_that_nobody_stopped_keeps_its_traceback() -> None:
    status, said = run("SIGINT", "raise RuntimeError('a bug')")
    assert status == 1
    assert "RuntimeError: a bug" in said


def test_ctrl_c_that_is_ignored_stays_so() -> None:
    code = (
        "import os, signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from oodcache import stopping; stopping.listen(); os.kill(os.getpid(), signal.SIGINT)\n"
        "print('went on')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "went on\n"


def test_a_stop_is_over_when_another_command_begins() -> None:
    code = (
        "import os, signal\n"
        "from oodcache import stopping\n"
        "stopping.listen()\n"
        "try: os.kill(os.getpid(), signal.SIGTERM)\n"
        "except stopping.Terminated: print(stopping.status())\n"
        "stopping.listen()\n"
        "stopping.check()\n"
        "print(stopping.status())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["143", "None"]

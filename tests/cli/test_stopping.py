"""Claims about being stopped where a library swallows what is raised."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

SWALLOW = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # Ignored in a script's background.
from oodcache.cli import main as entry, stopping
from oodcache.cli.options import progress

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
STOPPED = "oodcache: stopped\n"
RESUMABLE = "oodcache: stopped; run the same command again to resume\n"


Write = Callable[..., Path]


def run(name: str, body: str) -> tuple[int, str]:
    code = SWALLOW.format(name=name, body=body)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("name", "status"), [("SIGINT", 130), pytest.param("SIGTERM", 143, marks=pytest.mark.slow)]
)
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


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_command_that_can_resume_says_so_when_it_is_stopped(name: str, status: int) -> None:
    body = f"stopping.resumable(); os.kill(os.getpid(), signal.{name})"
    assert run(name, body) == (status, RESUMABLE)


def test_a_promise_is_over_when_another_command_begins() -> None:
    code = (
        "from oodcache.cli import stopping\n"
        "stopping.resumable(); print(stopping.message())\n"
        "stopping.listen(); print(stopping.message())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [RESUMABLE.removeprefix("oodcache: ").strip(), "stopped"]


def on_a_terminal(arguments: list[str], until: bytes) -> tuple[int, bytes]:
    """Run a command on a terminal of its own and type Ctrl-C once it has printed `until`."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "oodcache", *arguments],
        **dict.fromkeys(("stdin", "stdout", "stderr"), its),
        env=os.environ | {"TERM": "xterm"},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(its)
    shown, typed = b"", False
    with suppress(OSError):  # The end of a terminal is an error.
        while part := os.read(ours, 4096):
            shown += part
            if until in shown and not typed:
                typed = os.write(ours, b"\x03") == 1
    os.close(ours)
    return process.wait(timeout=60), shown


def test_ctrl_c_over_a_bar_leaves_one_line_that_promises_nothing(
    tmp_path: Path, write_pets: Write, write_names: Write
) -> None:
    folder = tmp_path / "cache" / "one" / "demo"
    for seed, name in enumerate(("pets", "strays")):
        write_pets(folder / "images" / f"{name}.h5", count=400, seed=seed, requested="one")
    write_names(folder / "texts" / "animals.h5")
    status, shown = on_a_terminal(
        [
            *("score", "--cache", str(tmp_path / "cache"), "--model", "one", "--id", "pets"),
            *("--ood", "strays", "--bootstrap", "10000000"),
        ],
        until=b"bootstrap ",
    )
    assert status == 130
    # A bar that is erased leaves the cursor at the start of its first line.
    assert shown.rpartition(b"\x1b[2K")[2] == b"\roodcache: stopped\r\n"


def test_a_bug_that_nobody_stopped_keeps_its_traceback() -> None:
    status, said = run("SIGINT", "raise RuntimeError('a bug')")
    assert status == 1
    assert "RuntimeError: a bug" in said


def test_ctrl_c_that_is_ignored_stays_so() -> None:
    code = (
        "import os, signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from oodcache.cli import stopping\n"
        "stopping.listen(); os.kill(os.getpid(), signal.SIGINT)\n"
        "print('went on')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "went on\n"


def test_a_stop_is_over_when_another_command_begins() -> None:
    code = (
        "import os, signal\n"
        "from oodcache.cli import stopping\n"
        "stopping.listen()\n"
        "try: os.kill(os.getpid(), signal.SIGTERM)\n"
        "except stopping.Terminated: print(stopping.status())\n"
        "stopping.listen()\n"
        "stopping.check()\n"
        "print(stopping.status())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["143", "None"]

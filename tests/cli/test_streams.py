"""Claims about the standard streams: a closed one or a narrow encoding is no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PREPARE = "import os, sys; from oodcache.cli import streams; streams.prepare(); "


def run(code: str, closed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with its streams prepared, some of them closed by the shell."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, PREPARE + code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_file_never_gets_the_number_of_a_closed_stream(closed: str, tmp_path: Path) -> None:
    file = tmp_path / "data"
    done = run(
        f"f = open({str(file)!r}, 'w'); f.write(str(f.fileno())); print('out'); "
        "print('note', file=sys.stderr)",
        closed,
    )
    assert done.returncode == 0
    assert int(file.read_text()) > 2
    assert done.stdout == ("" if ">&-" in closed.replace("2>&-", "") else "out\n")
    assert done.stderr == ("" if "2>&-" in closed else "note\n")


@pytest.mark.parametrize(
    ("encoding", "text", "written"),
    [("ascii", r"'–'", b"\\u2013\n"), ("utf-8", r"'\udcff'", b"\xff\n")],
)
def test_what_a_stream_cannot_encode_is_escaped(encoding: str, text: str, written: bytes) -> None:
    code = f"{PREPARE}print({text}, flush=True)"
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment, check=True
    )
    assert done.stdout == written

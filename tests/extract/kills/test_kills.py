"""Claims about runs that are killed at any moment: nothing is lost and nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")


def kill_many(folder: Path, kills: int, seed: int, *more: str) -> str:
    script = Path(__file__).parent / "killing.py"
    command = [sys.executable, os.fspath(script), os.fspath(folder), str(kills), str(seed), *more]
    # A thread that spins on a busy machine makes a run of a second take twenty.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    log = folder / "log.txt"
    said = log.read_text() if log.exists() else ""
    assert run.returncode == 0, f"seed {seed}: {run.stdout}{run.stderr}\n{said[-3000:]}"
    assert "Traceback" not in said
    return run.stdout


@pytest.mark.slow
def test_five_random_kills_lose_nothing(tmp_path: Path) -> None:
    assert "caches finished whole" in kill_many(tmp_path, 5, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_many_random_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    assert "caches finished whole" in kill_many(tmp_path, 25, seed)


@pytest.mark.slow
def test_random_kills_while_templates_are_added_lose_nothing(tmp_path: Path) -> None:
    assert "caches finished whole" in kill_many(tmp_path, 6, 4, "adding")

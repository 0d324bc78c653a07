"""Claims about the check of a GPU: every part runs on a CPU, whose verdicts are none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
PARTS = {
    "equality": ["float32: largest difference", "prompts", "bfloat16", "float16", "channels-last"],
    "copies": ["batches that arrive whole"],
    "rates": ["of a bare encode_image loop", "of decoding alone"],
    "actor": ["a Ray actor: its device", "a Ray actor: largest difference"],
    "compiling": ["--compile: largest difference", "a batch of another size", "rate with"],
}
# On a machine with other work, and next to nothing to compute.
TIMED = ("of a bare encode_image loop", "of decoding alone", "a batch of another size")


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the module of the table; bench is no part of the package."""
    monkeypatch.syspath_prepend(ROOT)
    return import_module("bench.gpu.row")


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.gpu", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line[1:-1].split("|")]


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_on_a_cpu_and_says_that_no_gpu_was_there(part: str) -> None:
    if part == "actor":
        pytest.importorskip("ray")
    if part == "compiling" and not (shutil.which("g++") or shutil.which("clang++")):
        pytest.skip("torch.compile needs a C++ compiler on a CPU")
    done = check("--device", "cpu", "--parts", part)
    assert done.returncode == 0, done.stderr
    assert "No CUDA: nothing below was run on a GPU." in done.stdout
    rows = [cells(line) for line in done.stdout.splitlines() if line.startswith("| ")][2:]
    assert all(verdict.startswith("not run: ") for *_, verdict in rows)
    for wanted in PARTS[part]:
        what, figure, target, verdict = next(row for row in rows if wanted in row[0])
        assert figure, what
        if target and wanted not in TIMED:
            assert verdict == "not run: no CUDA; on a CPU met", (what, figure)
    assert f"0 missed, {len(rows)} not run on CUDA" in done.stdout


@pytest.mark.slow
def test_a_device_that_is_not_there_is_one_line_and_status_1() -> None:
    done = check("--device", "cuda:99")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("--device cuda:99: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_verdict_is_by_the_target_and_only_where_it_counts(row: Any) -> None:
    assert row.at_most("a", 1e-5, 1e-5).verdict(is_cuda=True) == "met"
    assert row.at_most("a", 1.1e-5, 1e-5).verdict(is_cuda=True) == "MISSED"
    assert row.at_most("a", float("nan"), 1e-5).verdict(is_cuda=True) == "MISSED"
    assert row.at_least("a", 0.95, 0.95, "1 for 2").verdict(is_cuda=True) == "met"
    assert row.at_least("a", float("nan"), 0.95, "").verdict(is_cuda=True) == "MISSED"
    missed = row.at_least("a", 0.94, 0.95, "")
    assert missed.verdict(is_cuda=False) == "not run: no CUDA; on a CPU missed"
    assert row.Row("a", "1").verdict(is_cuda=True) == "no target"
    assert row.Row("a", reason="one GPU").verdict(is_cuda=True) == "not run: one GPU"
    failed = row.Row("a", is_met=False, reason="status 1")
    assert failed.verdict(is_cuda=False) == "MISSED: status 1"


def test_rows_of_a_killed_part_are_kept_and_a_cut_line_is_none(row: Any, tmp_path: Path) -> None:
    told = tmp_path / "part.jsonl"
    assert row.read(told) == []
    kept = row.at_most("a|b", 2.0, 3.0, " s")
    row.write(told, kept)
    with told.open("a") as file:
        file.write('{"what": "b", "fig')
    assert row.read(told) == [kept]
    table = row.table(row.read(told), is_cuda=True)
    assert table.splitlines()[2] == "| a/b | 2 s | ≤ 3 s | met |"

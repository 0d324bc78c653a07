"""Claims about what pip installs: the core without torch, with or without a compiler, the demo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from samples import Run, write_image

ROOT = Path(__file__).parent.parent
SOURCES = ("api", "cache", "extract", "score", "report", "detect", "study", "cli")
FILES = ("setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE")

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pack a clean copy: a stale build folder would ship deleted modules."""
    copy = tmp_path_factory.mktemp("source")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so")
    for name in SOURCES:
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, copy)
    done = run(sys.executable, "-m", "build", "--sdist", "--outdir", copy / "dist", cwd=copy)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (copy / "dist").glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def core(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the sdist with nothing but its own requirements; return the folder of programs."""
    folder = tmp_path_factory.mktemp("core")
    assert run(sys.executable, "-m", "venv", folder).returncode == 0
    done = run(folder / "bin" / "pip", "install", "--quiet", "--no-cache-dir", sdist)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


@pytest.fixture(scope="module")
def without_compiler(sdist: Path, core: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of modules that pip installed from the sdist and found no compiler for."""
    folder = tmp_path_factory.mktemp("without")
    alone = ("--no-deps", "--no-cache-dir", "--target", folder)
    os.environ["CC"] = str(folder / "no-compiler")
    try:
        done = run(core / "pip", "install", *alone, sdist)
    finally:
        del os.environ["CC"]
    assert done.returncode == 0, done.stderr
    told = (done.stdout + done.stderr).lower()
    assert "error" not in told
    assert "failed" not in told
    return folder


def test_the_kernel_is_compiled_where_there_is_a_compiler(core: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    told = run(core / "oodcache", "-V").stdout.splitlines()
    assert told[1].startswith("kernel: C, ") or "lacks AVX2" in told[1]
    (kernel,) = core.parent.glob("lib/*/site-packages/oodcache/score/kernel")
    assert len([*kernel.glob("_rows.*.so")]) == 1
    assert [one.name for one in kernel.iterdir() if one.suffix in (".c", ".h")] == []


def test_numpy_computes_the_same_where_there_is_no_compiler(
    core: Path,
    without_compiler: Path,
    demo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = ("mcm:temperature=1|0.01", "sigmoid-mcm", "energy", "joint-energy", "sigmoid-sum")
    asked = (
        *("score", "--cache", demo / "embeddings", "--model", "tiny-sigmoid", "--id", "digits"),
        *("--ood", "eight-nine", "--ood", "photos", *(f"--score={one}" for one in scores)),
    )
    compiled = run(core / "oodcache", *asked, "--save-scores", "compiled.csv", cwd=tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(without_compiler))
    told = run(core / "oodcache", "-V").stdout
    assert told.endswith("\nkernel: NumPy (no compiled kernel was built)\n")
    plain = run(core / "oodcache", *asked, "--save-scores", "plain.csv", cwd=tmp_path)
    assert (plain.returncode, plain.stdout) == (0, compiled.stdout)
    first, second = (
        np.genfromtxt(tmp_path / name, delimiter=",", names=True, usecols=range(6, 18), ndmin=1)
        for name in ("compiled.csv", "plain.csv")
    )
    assert len(first) == 717 + 354 + 320
    for name in first.dtype.names or ():
        np.testing.assert_allclose(first[name], second[name], rtol=2e-6, atol=1e-6)


def test_the_core_scores_without_torch(core: Path, oodcache: Run, photos: Path) -> None:
    assert run(core / "python", "-c", "import torch").returncode == 1
    made = oodcache(
        *("extract", "--model", "tiny-sigmoid", "--classes", f"c={photos}"),
        *(f"id={photos / 'cat'}", f"ood={photos / 'dog'}"),
    )
    assert made.status == 0
    arguments = [
        "score",
        "--model",
        "tiny-sigmoid",
        "--id",
        "id",
        "--ood",
        "ood",
        "--format",
        "csv",
    ]
    scored = run(core / "oodcache", *arguments)
    assert scored.returncode == 0, scored.stderr
    assert scored.stdout == oodcache(*arguments).out
    for command in (["scores"], ["cache", "ls"], ["cache", "verify"], ["--help"]):
        done = run(core / "oodcache", *command)
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_the_core_makes_and_applies_a_detector(core: Path, oodcache: Run, photos: Path) -> None:
    for name in ("cat", "dog"):
        for number in range(6, 25):
            write_image(photos / name / f"{number}.png", number + 200 * (name == "dog"))
    sets = (f"id={photos}", f"ood={photos / 'dog'}")
    made = oodcache("extract", "--model", "tiny-clip", "--classes", f"c={photos}", *sets)
    assert made.status == 0
    judge = ("--model", "tiny-clip", "--id", "id", "--score", "mcm", "--alpha", "0.05")
    done = run(core / "oodcache", "calibrate", *judge, "-o", "d.json")
    assert done.returncode == 0, done.stderr
    done = run(core / "oodcache", "detect", "d.json", "ood")
    assert done.returncode in (0, 3), done.stderr
    assert len(done.stdout.splitlines()) == 25


def test_the_core_says_how_to_install_figures(core: Path, oodcache: Run, photos: Path) -> None:
    sets = (f"id={photos / 'cat'}", f"ood={photos / 'dog'}")
    made = oodcache("extract", "--model", "tiny-clip", "--classes", f"c={photos}", *sets)
    assert made.status == 0
    scored = ("score", "--model", "tiny-clip", "--id", "id", "--ood", "ood", "--output", "r.json")
    assert run(core / "oodcache", *scored).returncode == 0
    for command in (["report", "r.json"], ["plot", "heatmap", "r.json", "-o", "h.png"]):
        done = run(core / "oodcache", *command)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert "pip install 'oodcache[report]'" in done.stderr


@pytest.mark.parametrize("command", ["extract", "demo"])
def test_the_core_says_how_to_install_extraction(core: Path, command: str, tmp_path: Path) -> None:
    done = run(core / "oodcache", command, cwd=tmp_path)
    assert done.returncode == 1
    assert "pip install 'oodcache[extract]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_demo_runs_as_installed_in_any_folder(core: Path, tmp_path: Path) -> None:
    # The libraries of this environment, without its editable oodcache: a path in a .pth file
    # brings modules, but no .pth files of that folder.
    site = run(core / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    borrowed = Path(site.stdout.strip()) / "borrowed.pth"
    borrowed.write_text(sysconfig.get_path("purelib") + "\n")
    try:
        where = run(core / "python", "-c", "import oodcache; print(oodcache.__file__)")
        assert str(core.parent) in where.stdout
        done = run(core / "oodcache", "demo", cwd=tmp_path)
    finally:
        borrowed.unlink()
    assert done.returncode == 0, done.stderr
    assert "tiny-sigmoid/demo" in done.stdout
    assert (tmp_path / "results" / "demo.json").is_file()
    assert "Plotly" in (tmp_path / "results" / "demo.html").read_text()

"""Claims about which kernel is in use, and that a user is told why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from samples import Run

from oodcache.score.kernel.choice import VARIABLE, in_use

ROOT = Path(__file__).parents[3]
ASKED = """\
import sys
from oodcache.score.kernel.choice import in_use, kernel
print(in_use(), "numpy" in sys.modules, type(kernel()).__name__, sep="; ")"""


def told(path: Path | None = None, value: str | None = None) -> str:
    """Return what a new process tells: the choice, whether NumPy was imported for it, the class."""
    asked = {} if value is None else {VARIABLE: value}
    others = {name: text for name, text in os.environ.items() if name != VARIABLE}
    paths = {} if path is None else {"PYTHONPATH": str(path)}
    done = subprocess.run(
        [sys.executable, "-c", ASKED],
        env=others | paths | asked,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout or done.stderr.splitlines()[-1]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return a copy of what a choice imports, without a compiled kernel."""
    place = tmp_path / "oodcache"
    for name in ("cache", "score"):
        ignored = shutil.ignore_patterns("__pycache__", f"*{EXTENSION_SUFFIXES[-1]}")
        shutil.copytree(ROOT / name, place / name, ignore=ignored)
    shutil.copy(ROOT / "api" / "__init__.py", place)
    return tmp_path


def put(elsewhere: Path, content: bytes) -> Path:
    """Write a file in the place of the compiled kernel, and return it."""
    built = elsewhere / "oodcache" / "score" / "kernel" / f"_rows{EXTENSION_SUFFIXES[0]}"
    built.write_bytes(content)
    return built


def test_the_variable_leaves_the_compiled_kernel_aside() -> None:
    assert told(value="numpy") == f"NumPy ({VARIABLE}=numpy); False; Definition\n"


def test_numpy_computes_if_no_kernel_was_built(elsewhere: Path) -> None:
    assert told(elsewhere) == "NumPy (no compiled kernel was built); False; Definition\n"
    refused = "InputError: OODCACHE_KERNEL is 'c', but no compiled kernel was built; unset it to"
    assert refused in told(elsewhere, "c")


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x7fELF" + bytes(100)])
def test_numpy_computes_if_the_kernel_cannot_be_loaded(elsewhere: Path, content: bytes) -> None:
    built = put(elsewhere, content)
    found = told(elsewhere)
    assert found.startswith("NumPy (the compiled kernel cannot be loaded: ")
    assert str(built) in found
    assert found.endswith("; False; Definition\n")


def test_the_compiled_kernel_computes_where_it_was_built() -> None:
    if in_use().reason:
        pytest.skip(str(in_use()))
    assert in_use().name.startswith("C, ")
    assert told(value=os.environ.get(VARIABLE)) == f"{in_use()}; False; Compiled\n"
    assert told(value="c") == told()


# The C reads the variable by itself, so AVX2 in capitals would name one and use another.
@pytest.mark.parametrize(("value", "shown"), [("cuda\x1b", r"cuda\x1b"), ("AVX2", "AVX2")])
def test_an_unknown_kernel_is_rejected_with_what_to_do(
    oodcache: Run, monkeypatch: pytest.MonkeyPatch, value: str, shown: str
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    in_use.cache_clear()
    try:
        refused = oodcache("-V")
    finally:
        in_use.cache_clear()
    assert (refused.status, refused.out) == (1, "")
    what = f"OODCACHE_KERNEL is '{shown}', not c, avx2 or numpy; correct it, or unset it"
    assert refused.err == f"oodcache: {what}\n"

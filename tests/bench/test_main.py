"""Claims about `python -m bench`: what its parts import is there, and a part runs by its name."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import util
from pathlib import Path

import pytest

from bench.__main__ import BY_NAME_ALONE, PARTS

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "bench").rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of every import of ours, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in (
            *("oodcache", "bench"),
        ):
            yield from ((str(node.module), alias.name) for alias in node.names)


def bound(path: Path) -> set[str]:
    """Return the names that a module binds at its top."""
    found = set[str]()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom | ast.Import):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        else:
            names = (one for one in ast.walk(node) if isinstance(one, ast.Name))
            found |= {one.id for one in names if isinstance(one.ctx, ast.Store)}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_name_that_a_benchmark_imports_is_there(path: Path) -> None:
    for module, name in imports(path):
        spec = util.find_spec(module)
        assert spec is not None, module
        inside = spec.origin is not None and name in bound(Path(spec.origin))
        assert inside or util.find_spec(f"{module}.{name}"), f"{module} has no {name}"


def test_every_part_is_a_module_with_a_main() -> None:
    for module in {**PARTS, **BY_NAME_ALONE}.values():
        spec = util.find_spec(module)
        assert spec is not None, module
        assert spec.origin is not None
        assert "main" in bound(Path(spec.origin)), module


@pytest.mark.slow
def test_a_part_alone_prints_the_machine_and_its_rows() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "metrics"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [row.split("|")[1].strip() for row in rows] == [
        "what",
        "AUROC, DeLong, AUPR and FPR95 of 60,000 scores",
        "the same, in milliseconds",
    ]
    assert "oodcache" in done.stdout.splitlines()[0]
    assert "scikit-learn's four" in rows[1]


def test_an_unknown_part_is_a_usage_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "nothing"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "scoring" in done.stderr

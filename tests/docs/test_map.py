"""Claims about `make map`: every module stands there once, with what it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("api", "extract", "cache", "score", "report", "detect", "study", "cli")


@pytest.fixture(scope="module")
def shown() -> list[str]:
    """What `make map` prints: no installation is needed for it."""
    command = [sys.executable, "-S", ROOT / "bench" / "map.py"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_each_module_and_folder_has_a_line_that_says_what_it_is(shown: list[str]) -> None:
    modules = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert len(shown) == len(modules) > 100
    for line in shown:
        name, _, words = line.strip().partition("  ")
        assert name.endswith((".py", "/")) and words.strip(), line


def test_a_module_stands_below_its_folder(shown: list[str]) -> None:
    (place,) = (at for at, line in enumerate(shown) if line.strip().startswith("registry.py"))
    above = [line.strip() for line in shown[:place] if not line.startswith("        ")]
    assert above[-1].startswith("formulas/")
    assert shown[place].startswith("        registry.py")


def test_make_map_prints_it() -> None:
    assert "\n\t@$(PYTHON) bench/map.py\n" in (ROOT / "Makefile").read_text()

"""Claims about `make map`: every module stands there once, with what it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("api", "extract", "cache", "score", "report", "detect", "study", "cli")


def test_each_module_has_a_line_that_says_what_it_is() -> None:
    done = subprocess.run(
        ["make", "--silent", "map"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    shown = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    modules = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert sorted(shown) == sorted(path.relative_to(ROOT).as_posix() for path in modules)
    for path, words in shown.items():
        first = (ROOT / path).read_text().partition("\n")[0]
        assert words == first.replace('"""', ""), path

"""Claims about the README: its commands run as written, its table is the demo's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from samples import Run

from oodcache.cli.main import oodcache as group

README = (Path(__file__).parents[2] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """Return the `oodcache` lines of the code blocks of one language."""
    found = re.findall(rf"```{language}\n(.*?)```", README, re.S)
    return [line for block in found for line in block.splitlines() if line.startswith("oodcache ")]


def test_commands_on_the_embedded_benchmark_run_in_order(oodcache: Run, after_demo: Path) -> None:
    lines = blocks("sh")
    assert len(lines) >= 7
    for line in lines:
        done = oodcache(*shlex.split(line)[1:])
        some_out = 3 if line.startswith("oodcache detect ") else 0
        assert done.status == some_out, f"{line}\n{done.err}"


def test_the_python_example_runs_on_the_demos_cache(oodcache: Run, after_demo: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    calibrate = next(line for line in blocks("sh") if line.startswith("oodcache calibrate "))
    assert oodcache(*shlex.split(calibrate)[1:]).status == 0
    found: dict[str, Any] = {}
    exec(example, found)
    assert found["digits"].shape == (717, 64)
    assert len(found["rows"]) == 3 * (2 + 1)
    assert len(found["found"]) == 354


@pytest.mark.parametrize("line", blocks("console"))
def test_commands_on_files_that_are_not_here_are_understood(line: str) -> None:
    name, *arguments = shlex.split(line)[1:]
    command = group.commands[name]
    while isinstance(command, click.Group):
        name, *arguments = arguments
        command = command.commands[name]
    command.make_context(name, arguments)


def test_the_table_shown_is_the_demos(oodcache: Run, after_demo: Path) -> None:
    shown = re.search(r"<!-- demo -->\n```text\n(.*?)```\n<!-- /demo -->", README, re.S)
    assert shown is not None
    printed = oodcache("demo").out
    table, _, _ = shown[1].partition("\n\n")
    rows = [line for line in table.splitlines() if re.search(r"\d\.\d\d", line)]
    # Scores, and each model's accuracy; an interval stands below its score, without a name.
    assert sum(not row.startswith("   ") for row in rows) == 10 + 2
    for row in rows:
        # Another processor may change the last digit; the words and the layout stay.
        pattern = re.sub(r"\\?\d+\\?\.\d\d", r"\\d+\\.\\d\\d", re.escape(row))
        assert re.search(pattern, printed), row

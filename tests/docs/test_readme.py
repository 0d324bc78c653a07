"""Claims about README.md and docs/recipes.md: their commands run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from samples import Run, write_image

from oodcache.cli.main import oodcache as group
from oodcache.score.formulas.registry import SCORES
from oodcache.score.streams.methods import STREAM_SCORES

ROOT = Path(__file__).parents[2]
README, RECIPES = ((ROOT / page).read_text() for page in ("README.md", "docs/recipes.md"))


def blocks(language: str, page: str) -> list[str]:
    """Return the `oodcache` lines of a page's code blocks of one language."""
    found = re.findall(rf"```{language}\n(.*?)```", page, re.S)
    return [line for block in found for line in block.splitlines() if line.startswith("oodcache ")]


def run(oodcache: Run, line: str) -> None:
    done = oodcache(*shlex.split(line)[1:])
    some_out = 3 if line.startswith("oodcache detect ") else 0
    assert done.status == some_out, f"{line}\n{done.err}"


def test_the_readme_is_read_in_three_minutes() -> None:
    assert len(README.splitlines()) <= 180


def test_the_readme_counts_the_scores_and_names_those_of_streams() -> None:
    assert f"lists all {len(SCORES)} scores" in README
    assert all(f"`{name}`" in README for name in STREAM_SCORES)


@pytest.mark.slow
def test_commands_on_the_embedded_benchmark_run_in_order(oodcache: Run, after_demo: Path) -> None:
    lines = blocks("sh", RECIPES)
    assert len(lines) >= 25
    for line in lines:
        run(oodcache, line)
    (example,) = re.findall(r"```python\n(.*?)```", RECIPES, re.S)
    found: dict[str, Any] = {}
    exec(example, found)
    assert len(found["found"]) == 354


def test_the_readmes_commands_run_on_two_folders_of_photographs(
    oodcache: Run, tmp_path: Path
) -> None:
    for seed in range(60):
        folder = ("pets/cat", "pets/dog", "strays")[seed // 20]
        write_image(tmp_path / "photos" / folder / f"{seed}.png", seed)
    lines = blocks("console", README)
    assert len(lines) == 5
    for line in lines[:-1]:
        run(oodcache, line.replace("--model clip ", "--model tiny-clip "))
    assert oodcache(*shlex.split(lines[-1])[1:]).status in (0, 3)


@pytest.mark.slow
def test_the_python_example_runs_on_the_demos_cache(oodcache: Run, after_demo: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    found: dict[str, Any] = {}
    exec(example, found)
    assert found["digits"].shape == (717, 64)
    assert len(found["results"]) == 3 * (2 + 1)


@pytest.mark.parametrize("line", blocks("console", README) + blocks("console", RECIPES))
def test_commands_on_files_that_are_not_here_are_understood(line: str) -> None:
    name, *arguments = shlex.split(line)[1:]
    command = group.get_command(click.Context(group), name)
    while isinstance(command, click.Group):
        name, *arguments = arguments
        command = command.get_command(click.Context(command), name)
    assert command is not None
    command.make_context(name, arguments)

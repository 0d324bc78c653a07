"""Claims about docs/output/figures.md: every kind has its picture, and a command that draws it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from PIL import Image
from samples import Run

from oodcache.cli.main import oodcache as group
from oodcache.report.figures.kinds import KINDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/output/figures.md").read_text(encoding="utf-8")
FOLDER = ROOT / "docs/output/figures"
LINES = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)
    for line in block.splitlines()
]
LARGEST = 1_500_000
SHOTS = "shots"  # A second picture of `sweep`.


def test_every_kind_has_its_picture_and_the_command_that_draws_it() -> None:
    pictures = re.findall(r"^!\[(\w+)\]\(figures/(\w+)\.png\)$", PAGE, re.M)
    assert {name for name, _ in pictures} == {*KINDS}
    assert {file for name, file in pictures if name != file} == {SHOTS}
    lines = [shlex.split(line) for line in LINES if line.startswith("oodcache plot ")]
    assert [(line[2], line[line.index("-o") + 1]) for line in lines] == [
        (name, f"docs/output/figures/{file}.png") for name, file in pictures
    ]


def test_the_pictures_are_those_of_the_page_and_small() -> None:
    files = [*FOLDER.iterdir()]
    assert {one.name for one in files} == {f"{name}.png" for name in (*KINDS, SHOTS)}
    assert sum(one.stat().st_size for one in files) < LARGEST
    for path in files:
        with Image.open(path) as picture:
            assert picture.width in (975, 2025)


def test_the_table_of_defaults_has_every_kind() -> None:
    table = PAGE[PAGE.index("| kind |") : PAGE.index("## Each kind")]
    assert {*re.findall(r"`(\w+)`", table)} - {"--score"} == {*KINDS}


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_the_page_is_understood(line: str) -> None:
    name, *arguments = shlex.split(line)[1:]
    command = group.get_command(click.Context(group), name)
    assert isinstance(command, click.Command)
    command.make_context(name, arguments)


@pytest.mark.slow
def test_the_commands_draw_the_pictures_again(oodcache: Run, after_demo: Path) -> None:
    for line in LINES:
        done = oodcache(*shlex.split(line)[1:])
        assert done.status == 0, done.err
    for path in FOLDER.iterdir():
        with Image.open(path) as shown, Image.open(f"docs/output/figures/{path.name}") as drawn:
            assert abs(shown.width - drawn.width) <= 1
            assert abs(shown.height - drawn.height) <= 0.02 * drawn.height

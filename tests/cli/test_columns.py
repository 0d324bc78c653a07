"""Claims about 80 columns: no line of a command is longer, and every name is there whole."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest
from rich.cells import cell_len
from samples import Run
from samples.score import files
from samples.score.files import Vectors

from oodcache.cli.main import oodcache as root
from oodcache.cli.streams import screen

Write = Callable[..., object]
WIDTH = 80
NAME = "vit-so400m-16-siglip2-512-webli-my-long-suffix"
TAG = "a-tag-of-weights-that-were-trained-on-my-own-photographs-for-a-long-time"
MODEL = f"{NAME}/{TAG}"
PETS = "photographs-of-pets-in-our-neighbourhood-taken-with-three-cameras-in-2025"
STRAYS = "strays-that-came-by-and-belong-to-nobody-as-far-as-anyone-could-tell-me"
CLASSES = "names-of-the-breeds-of-pets-as-the-veterinary-association-spells-them"


@pytest.fixture
def long_names(
    monkeypatch: pytest.MonkeyPatch, write_images: Write, write_texts: Write, tmp_path: Path
) -> None:
    """Write a cache whose model, sets and vocabulary have long names."""
    named = replace(files.MODEL, name=NAME, pretrained=TAG, requested=MODEL)
    monkeypatch.setattr(files, "MODEL", named)
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    write_texts(CLASSES, unit(draw, 3), class_names=("cat", "dog", "x" * 100))
    labels = [row % 2 for row in range(24)]
    write_images(PETS, unit(draw, 24), labels=labels, label_names=("cat", "dog"))
    write_images(STRAYS, unit(draw, 20), failed=[3])
    embeddings = tmp_path / "embeddings"
    embeddings.mkdir()
    (tmp_path / NAME).rename(embeddings / NAME)


def unit(draw: np.random.Generator, count: int) -> Vectors:
    rows = draw.normal(size=(count, 4))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


SCORE = ("score", "--model", MODEL, "--id", PETS, "--ood", STRAYS, "--compare", "--bootstrap", "5")
LABEL = "mcm:temperature=0.12345678901"
SCORED = (*SCORE, "--score", LABEL, "--score", "max-logit", "--score", "energy", "--explain")
FROM_CSV = ("metrics", "--id", f"{PETS}=a.csv", "--ood", f"{STRAYS}=b.csv", "--column", NAME)
COMMANDS = {
    ("cache", "ls"): (NAME, TAG, PETS, STRAYS, CLASSES),
    ("cache", "info", PETS): (NAME, TAG, PETS),
    ("cache", "info", CLASSES): (NAME, TAG, CLASSES, "x" * 100),
    ("cache", "verify"): (NAME, TAG, PETS, STRAYS, CLASSES),
    ("data", "ls"): ("imagenet-openood", "data/images_largescale/openimage_o"),
    ("data", "ls", "all"): ("imagenet-openood", "cub200"),
    ("data", "ls", "all", "--data-root", f"{NAME}/{PETS}"): (f"{NAME}/{PETS}/imagenet/val",),
    ("benchmark", "ls"): ("openood-imagenet200", "imagenet-val:imagenet10"),
    ("benchmark", "check", "mos"): ("data/MOS/iNaturalist",),
    ("scores",): ("neglabel-sigmoid", "logsumexp_k(c/temperature)"),
    ("scores", "oodd"): ("oodd",),
    ("scores", "--for", MODEL): (MODEL, PETS, STRAYS, CLASSES),
    SCORED: (MODEL, STRAYS, LABEL),
    FROM_CSV: (STRAYS, NAME),
}


def whole(text: str) -> str:
    """Return a text with its lines joined, without blanks and the ends of folded commands."""
    return re.sub(r"\s", "", text.replace("\\\n", ""))


def assert_fits(text: str, names: tuple[str, ...]) -> None:
    assert text
    # A word of a command is not broken: it could not be pasted.
    lines = [line for line in text.splitlines() if len(line.strip(" \\").split()) > 1]
    assert [line for line in lines if cell_len(line) > WIDTH] == []
    for name in names:
        assert name in whole(text)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: " ".join(one)[:24])
def test_in_a_pipe_of_80_columns_no_line_is_longer_and_names_are_whole(
    oodcache: Run,
    monkeypatch: pytest.MonkeyPatch,
    long_names: None,
    command: tuple[str, ...],
) -> None:
    for path, count in (("a.csv", 30), ("b.csv", 20)):
        rows = np.random.default_rng(count).normal(size=count)
        Path(path).write_text(f"{NAME}\n" + "".join(f"{one}\n" for one in rows))
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    shown = oodcache(*command)
    assert shown.status == (1 if command[:2] == ("benchmark", "check") else 0), shown.err
    assert_fits(shown.out, COMMANDS[command])
    assert "\x1b" not in shown.out


def test_numbers_of_a_table_that_wraps_are_those_of_a_wide_one(
    oodcache: Run, monkeypatch: pytest.MonkeyPatch, long_names: None
) -> None:
    wide = oodcache(*SCORED).out
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    narrow = oodcache(*SCORED).out
    numbers = r"\d+\.\d\d(?=\s|–|\*|$)"
    assert re.findall(numbers, narrow) == re.findall(numbers, wide) != []


def paths(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            sub = command.get_command(context, name)
            assert sub is not None
            yield from paths(sub, *path, name)


@pytest.mark.parametrize("path", [*paths(root)], ids=" ".join)
def test_help_fits_80_columns(
    oodcache: Run, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    assert max(map(cell_len, oodcache(*path, "--help").out.splitlines())) <= WIDTH


def on_a_terminal(*command: str, **environment: str) -> str:
    """Return what a command prints on a real terminal of 80 columns, stderr left out."""
    leader, follower = pty.openpty()
    started = subprocess.Popen(
        [sys.executable, "-m", "oodcache", *command],
        stdin=follower,
        stdout=follower,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": str(WIDTH), "TERM": "xterm-256color", **environment},
    )
    os.close(follower)
    printed = b""
    try:
        while part := os.read(leader, 65536):
            printed += part
    except OSError:  # The terminal is closed: the command has ended.
        pass
    os.close(leader)
    started.wait()
    return printed.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("command", [("cache", "ls"), ("data", "ls"), ("benchmark", "ls"), SCORED])
def test_on_a_terminal_of_80_columns_no_line_is_longer_and_names_are_whole(
    long_names: None, command: tuple[str, ...]
) -> None:
    text = re.sub(r"\x1b\[[0-9;]*m", "", on_a_terminal(*command))
    assert_fits(text, COMMANDS[command])


@pytest.mark.parametrize(
    ("environment", "styled"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_a_terminal_shows_bold_unless_it_is_told_not_to(
    long_names: None, environment: dict[str, str], styled: bool
) -> None:
    text = on_a_terminal("cache", "ls", **environment)
    assert NAME in text
    assert ("\x1b[1m" in text, "\x1b" in text) == (styled, styled)


@pytest.mark.parametrize(
    ("columns", "width"),
    [
        *(("80", 80), ("5", 20), ("", None), ("0", None), ("-3", None), ("a", None)),
        *(("\u0663\u0660", None), ("9" * 5000, None)),
    ],
)
def test_a_pipe_has_the_columns_that_are_set_and_no_limit_otherwise(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int | None
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert screen().width == width
    monkeypatch.delenv("COLUMNS")
    assert screen().width is None


def test_json_and_csv_are_never_wrapped(
    oodcache: Run, monkeypatch: pytest.MonkeyPatch, long_names: None
) -> None:
    forms = [("cache", "ls", "--format", "json"), (*SCORED, "--format", "csv")]
    wide = [oodcache(*one).out for one in forms]
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    assert [oodcache(*one).out for one in forms] == wide

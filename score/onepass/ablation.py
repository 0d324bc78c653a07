"""An ablation file: the scores, parameters and templates of a large grid, in TOML.

    templates = ["each", "average"]

    [[scores]]
    score = ["mcm", "energy"]
    temperature = [1, 0.1, 0.01, "learned"]

    [[scores]]
    score = "joint-energy"
    scale = ["learned", 10]
    bias = ["learned", "none", -5]

Each table of `scores` is a grid: each of its scores at every combination of the given values; other
parameters keep their defaults. `templates` is optional, as --template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.toml_text import read_toml
from oodcache.score.onepass.variants import Variant, check_count, parse_all
from oodcache.score.own.loading import code_name

KEYS = {"scores", "templates"}


@dataclass(frozen=True)
class Ablation:
    """The contents of a file: its variants, each once, and its templates in order."""

    variants: tuple[Variant, ...]
    templates: tuple[str, ...]


def read(path: Path) -> Ablation:
    """Return the contents of the file at `path`.

    Raises InputError with the file, the grid and what to write instead.
    """
    table = read_toml(path, "an ablation")
    if unknown := sorted(set(table) - KEYS):
        raise InputError(f"{path}: unknown key {unknown[0]!r} (there are: scores, templates)")
    grids = table.get("scores", [])
    if not isinstance(grids, list) or not grids or not all(isinstance(one, dict) for one in grids):
        raise InputError(f"{path}: contains no grid; start one with a line [[scores]]")
    variants: dict[str, Variant] = {}
    for number, grid in enumerate(grids, 1):
        try:
            typed = _specifications(grid)
            _check_no_code(typed)
            variants |= {one.label: one for one in parse_all(typed, option="")}
            check_count(len(variants))
        except InputError as error:
            raise InputError(f"{path}: [[scores]] number {number}: {error}") from None
    return Ablation(tuple(variants.values()), _templates(path, table))


def _specifications(grid: Mapping[str, Any]) -> list[str]:
    """Return the grid as specifications for --score, one per score."""
    settings = dict(grid)
    names = _values(settings.pop("score", []))
    if not names:
        raise InputError('names no score; write for example: score = "mcm"')
    typed = []
    for key, values in settings.items():
        choices = _values(values)
        if not choices:
            raise InputError(f"{key} is an empty list; omit it for the default")
        typed.append(f"{key}={'|'.join(choices)}")
    return [":".join([name, ",".join(typed)] if typed else [name]) for name in names]


def _check_no_code(typed: Sequence[str]) -> None:
    """Raise InputError for a user's own score: a file never causes code to be run."""
    for one in typed:
        if (code := code_name(one)) is not None:
            name = one.removesuffix(f":{code.settings}")
            raise InputError(f"{name!r} is code, which no file may name; type: --score {one!r}")


def _values(given: object) -> list[str]:
    """Return one value or a list of them as texts."""
    values = given if isinstance(given, list) else [given]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InputError(f"{value!r} is neither a number nor a text")
    return [value if isinstance(value, str) else repr(value) for value in values]


def _templates(path: Path, table: Mapping[str, Any]) -> tuple[str, ...]:
    given = table.get("templates", [])
    texts = given if isinstance(given, list) else [given]
    if not all(isinstance(one, str) for one in texts):
        raise InputError(f"{path}: templates is {given!r}, not a text or a list of texts")
    return tuple(texts)

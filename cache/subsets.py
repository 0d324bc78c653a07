"""Subsets of ImageNet's classes by name, or of any dataset's from a file of ids or names."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.text import read_lines

NAMES = ("imagenet10", "imagenet20", "imagenet100")


@dataclass(frozen=True)
class Subset:
    """Some classes of a dataset, in order: their ids, or its label names.

    `names` are the source's own names, or "" to use open_clip's.
    """

    name: str
    ids: tuple[str, ...]
    names: tuple[str, ...]


def split(typed: str) -> tuple[str, Subset | None]:
    """Return the dataset and the subset of `NAME`, `NAME:imagenet10` or `NAME:@FILE`.

    >>> split("imagenet-val:imagenet20")[1].ids[:2]
    ('n04147183', 'n02951358')
    """
    dataset, colon, name = typed.partition(":")
    if not colon:
        return dataset, None
    if name.startswith("@"):
        return dataset, read(Path(name[1:]))
    if name not in NAMES:
        raise InputError(
            f"{typed!r}: no subset {name!r} (there are: {', '.join(NAMES)}); "
            f"or list ids or label names in a file, one per line: {dataset}:@FILE"
        )
    return dataset, known(name)


def known(name: str) -> Subset:
    """Return one of `NAMES`; the class lists are those of MCM, Ming et al., NeurIPS 2022."""
    from importlib.resources import files

    text = files("oodcache.cache").joinpath("imagenet_subsets.json").read_text("utf-8")
    classes = json.loads(text)[name]
    ids, names = zip(*((one["wnid"], one.get("name", "")) for one in classes), strict=True)
    return Subset(name, ids, names)


def read(path: Path) -> Subset:
    """Return the subset in the file at `path`: an id or label name per line; # starts a comment.

    Letters and their accents are composed (NFC), as labels are when they are matched. Raises
    InputError if the file cannot be read.
    """
    lines = read_lines(path, "; a subset is one id or name per line")
    first: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        one = unicodedata.normalize("NFC", line.partition("#")[0].strip())
        if one in first:
            raise InputError(f"{path}: line {number} repeats line {first[one]}, {one!r}")
        if one:
            first[one] = number
    if not first:
        raise InputError(f"{path}: contains no classes; write one id or label name per line")
    return Subset(f"@{path}", tuple(first), ("",) * len(first))

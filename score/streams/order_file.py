"""A stream's order from a file: a row for each image, its dataset and its path there."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.delimited import DELIMITERS, rows
from oodcache.cache.format.rules import shown
from oodcache.cache.text import counted
from oodcache.score.streams.order import ImageStream

HEADER = ["dataset", "path"]
# As in a file of --save-scores.
DATASET, PATH = ("dataset", "data_set"), ("path",)


def read_stream(path: Path, label: str, paths: Mapping[str, Sequence[bytes]]) -> ImageStream:
    """Return the stream of a .csv or .tsv file with columns `dataset` (or `data_set`) and `path`.

    They may stand anywhere, among others.

    `paths` has every image of the ID set, which is first, and of each OOD set. The stream is
    measured against the OOD sets that the file has images of: it has each image of these and of
    the ID set once. Raises InputError, with the line, for a file that does not.
    """
    if path.suffix.lower() not in DELIMITERS:
        raise InputError(f"--stream {label[:60]}: {path}: give a .csv or .tsv file")
    numbers = _numbers(path, paths)
    lines: dict[int, int] = {}
    found = rows(path)
    number, header = next(found, (1, []))
    columns = _columns(path, number, header)
    for line, cells in found:
        if not cells:
            continue
        if len(cells) != len(header):
            what = f"has {counted(len(cells), 'column')}, the header {len(header):,}"
            raise InputError(f"{path}: line {line}: {what}")
        name, image = (cells[column] for column in columns)
        place = _place(path, line, name, image, numbers)
        if (first := lines.setdefault(place, line)) != line:
            what = f"{shown(image)[:120]} of {name[:60]} is in line {first} already"
            raise InputError(f"{path}: line {line}: {what}; each image has one row")
    return ImageStream(label, np.array([*lines], np.intp), _against(path, paths, lines))


def _numbers(path: Path, paths: Mapping[str, Sequence[bytes]]) -> dict[str, dict[str, int]]:
    """Return the place of each image in the run, by set and path; all sets follow each other."""
    found: dict[str, dict[str, int]] = {}
    first = 0
    for name, each in paths.items():
        found[name] = {_text(one): first + row for row, one in enumerate(each)}
        if len(found[name]) < len(each):
            what = f"{name} has {counted(len(each) - len(found[name]), 'image')} with equal paths"
            raise InputError(f"{path}: {what}, which no order can name; use another --stream")
        first += len(each)
    return found


def _text(path: bytes) -> str:
    # As in a file of --save-scores.
    return path.decode(errors="backslashreplace")


def _columns(path: Path, line: int, header: Sequence[str]) -> tuple[int, int]:
    """Return the columns of dataset and path, each of which a header has once."""
    found = [
        [place for place, one in enumerate(header) if one in names] for names in (DATASET, PATH)
    ]
    if [len(places) for places in found] != [1, 1]:
        what = shown(",".join(header))[:120]
        wanted = f"{','.join(HEADER)} (other columns are ignored)"
        raise InputError(f"{path}: line {line}: {what} is not the header {wanted}")
    return found[0][0], found[1][0]


def _place(
    path: Path, line: int, name: str, typed: str, numbers: Mapping[str, Mapping[str, int]]
) -> int:
    image = _text(typed.encode(errors="surrogateescape"))
    if name not in numbers:
        names = ", ".join(numbers)[:120]
        what = f"{shown(name)[:80]} is none of the sets: {names}"
        add = f"add --ood {shlex.quote(name[:60])}, or remove its rows"
        raise InputError(f"{path}: line {line}: {what}; {add}")
    if image not in numbers[name]:
        what = f"{name[:60]} has no image {shown(image)[:120]} that is scored"
        raise InputError(f"{path}: line {line}: {what}; name images as in a file of --save-scores")
    return numbers[name][image]


def _against(
    path: Path, paths: Mapping[str, Sequence[bytes]], lines: Mapping[int, int]
) -> tuple[str, ...]:
    """Return the OOD sets in the file, all of whose images it must have, and of the ID set."""
    first, against = 0, []
    for number, (name, each) in enumerate(paths.items()):
        missing = [row for row in range(len(each)) if first + row not in lines]
        first += len(each)
        if number and len(missing) == len(each):
            continue
        if missing:
            some = shown(_text(each[missing[0]]))[:120]
            what = f"{len(missing):,} of {len(each):,} images of {name} are missing, such as {some}"
            raise InputError(f"{path}: {what}; the order has every image once")
        against += [name] if number else []
    if not against:
        raise InputError(f"{path}: has no image of an OOD set; an order has ID and OOD images")
    return tuple(against)

"""Paths and labels for the rows of another tool's array."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.arrays import reading
from oodcache.cache.text import text_bytes

NUMBER = re.compile(r"-?\d+(\.\d*)?")
INTEGER = re.compile(rb"-1|0|[1-9]\d{0,17}")


# What spreadsheets, pandas, R and people write for a missing value.
MISSING = ("na", "n/a", "<na>", "nan", "null", "none", "nil", "?", "-", "unknown")


@dataclass(frozen=True)
class Labels:
    """A label for each row, -1 or an index into `names`."""

    label: npt.NDArray[np.int64]
    names: tuple[str, ...]


def missing_among_numbers(texts: Collection[str]) -> str | None:
    """Return a mark for a missing value if all other texts are numbers, and there are any.

    >>> missing_among_numbers(["0", "NA", "12"])
    'NA'
    """
    others = [text for text in texts if not NUMBER.fullmatch(text)]
    is_mixed = len(others) < len(texts) and all(one.lower() in MISSING for one in others)
    return others[0] if others and is_mixed else None


def lines(path: Path) -> list[bytes]:
    r"""Return the lines of a text file, which end in \n or \r\n."""
    with reading(path):
        read = text_bytes(path).removesuffix(b"\n").split(b"\n")
    return [line.removesuffix(b"\r") for line in read]


def generated(rows: int) -> list[bytes]:
    """Return made-up paths for the rows of an array without paths."""
    return [b"row-%08d" % row for row in range(rows)]


def relative(origin: Path | str, paths: Sequence[bytes], *, first: int = 1) -> list[bytes]:
    """Return paths; if they are absolute, relative to their deepest common folder.

    Rejects what breaks rule F12, with the line, or if `first` is 0 with the row.
    """
    unit = "line" if first else "row"
    absolute = [path.startswith(b"/") for path in paths]
    if any(absolute) and not all(absolute):
        other = absolute.index(not absolute[0]) + first
        places = f"see {unit}s {first} and {other}"
        raise InputError(f"{origin}: mixes absolute and relative paths: {places}")
    if any(absolute):
        parts = [[one for one in path.split(b"/") if one not in (b"", b".")] for path in paths]
        low, high = min(parts)[:-1], max(parts)[:-1]  # Their common folder is that of all.
        pairs = takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False))
        root = len(list(pairs))
        paths = [b"/".join(one[root:]) for one in parts]
    seen: dict[bytes, int] = {}
    for row, path in enumerate(paths, first):
        if not path or path.startswith(b"/") or b".." in path.split(b"/") or b"\0" in path:
            what = "is blank" if not path else f"{path!r} is not below one folder"
            raise InputError(f"{origin}: {unit} {row}: {what}; expected a path without '..'")
        if seen.setdefault(path, row) != row:
            raise InputError(f"{origin}: {unit} {row} repeats {unit} {seen[path]}, {path!r}")
    return list(paths)


def label_lines(path: Path, label_names: Sequence[str] | None) -> Labels:
    """Return the labels in a text file: a number or a name per line, blank for no label."""
    read = lines(path)
    if all(INTEGER.fullmatch(line) for line in read if line):
        numbers = np.array([int(line or -1) for line in read], np.int64)
        return numbered(str(path), numbers, label_names)
    if label_names is not None:
        raise InputError(f"{path}: contains names, so --label-names has nothing to name: omit it")
    texts = [_decoded(path, number, line) for number, line in enumerate(read, 1)]
    names = sorted({text for text in texts if text})
    if (mark := missing_among_numbers(names)) is not None:
        what = f"{mark!r} is not a number; leave a missing label blank"
        raise InputError(f"{path}: line {texts.index(mark) + 1}: {what}")
    return named(str(path), texts, names)


def named(origin: str, texts: Sequence[str | None], names: Sequence[str] | None = None) -> Labels:
    """Return labels given as names, None or empty for no label.

    Without `names` they are sorted. Raises InputError for a label that is not among `names`.
    """
    known = sorted({text for text in texts if text}) if names is None else names
    places = {name: place for place, name in enumerate(known)}
    for row, text in enumerate(texts):
        if text and text not in places:
            raise InputError(f"{origin}: row {row}: {text!r} is not among the {len(known)} names")
    label = [places[text] if text else -1 for text in texts]
    return Labels(np.array(label, np.int64), tuple(known))


def numbered(origin: str, numbers: npt.NDArray[Any], label_names: Sequence[str] | None) -> Labels:
    """Return integer labels, named by `label_names` or else by their numbers."""
    if numbers.dtype.kind not in "iu" or numbers.ndim != 1:
        raise InputError(
            f"{origin}: labels are {numbers.dtype} of shape {numbers.shape}, not integers (rows,)"
        )
    if numbers.size and int(numbers.min()) < -1:
        raise InputError(f"{origin}: label {numbers.min()} is below -1, which means no label")
    if label_names is None:
        distinct = np.unique(numbers[numbers != -1] if numbers.dtype.kind == "i" else numbers)
        label = np.searchsorted(distinct, numbers)
        label[numbers == -1] = -1
        return Labels(label.astype(np.int64), tuple(str(one) for one in distinct.tolist()))
    if numbers.size and int(numbers.max()) >= len(label_names):
        raise InputError(
            f"{origin}: label {numbers.max()} has no name among {len(label_names)} --label-names, "
            "which count from 0"
        )
    return Labels(numbers.astype(np.int64), tuple(label_names))


def names(path: Path) -> tuple[str, ...]:
    """Return the names in a text file, one per line."""
    read = lines(path)
    while read and not read[-1].strip():
        read.pop()
    if b"" in read:
        raise InputError(f"{path}: line {read.index(b'') + 1} is blank; expected a name per line")
    return tuple(_decoded(path, number, line) for number, line in enumerate(read, 1))


def _decoded(path: Path, number: int, line: bytes) -> str:
    if b"\r" in line:
        raise InputError(rf"{path}: line {number} contains \r without \n; save it with \n or \r\n")
    try:
        return line.decode().strip()
    except UnicodeDecodeError:
        raise InputError(f"{path}: line {number} is not UTF-8 text") from None

"""Labels and paths for rows in memory, as the user or the dataset gives them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.extract.sources.labels import ImageLabels, from_texts
from oodcache.extract.sources.listed_images import normal, shown

NONE = -1
LABEL = "expected a class number, a name, or None for no label"


@dataclass(frozen=True)
class RowNotes:
    """What the user says of rows: a label and a path each, and the names of numbered labels."""

    labels: Sequence[object] | None = None
    label_names: Sequence[str] | None = None
    paths: Sequence[str | os.PathLike[str]] | None = None

    def check(self, count: int) -> None:
        """Raise InputError unless there is one label and one path for each of `count` images."""
        self.check_types()
        for name, column in (("labels", self.labels), ("paths", self.paths)):
            if column is not None and len(column) != count:
                raise InputError(f"{name} has {len(column):,} entries for {count:,} images")

    def check_types(self) -> None:
        """Raise InputError for labels or paths that are no lists."""
        for name, column in (("labels", self.labels), ("paths", self.paths)):
            if column is not None and (isinstance(column, str) or not hasattr(column, "__len__")):
                raise InputError(f"{name} is {type(column).__name__}: expected a list")

    @property
    def are_given(self) -> bool:
        """Return whether the user says anything."""
        return any(one is not None for one in (self.labels, self.label_names, self.paths))


def as_labels(labels: Sequence[object], names: Sequence[str] | None, what: str) -> ImageLabels:
    """Return labels from numbers, names and None; raise InputError, with the row, for others.

    With `names`, number k stands for `names[k]`, and -1 for none.
    """
    if hasattr(labels, "isna"):  # A column of pandas has NaN for None.
        labels = [None if gap else one for one, gap in zip(labels, labels.isna(), strict=True)]
    plain = [_plain(label, f"{what}[{row}]") for row, label in enumerate(labels)]
    if not any(one not in (None, NONE) for one in plain):
        return ImageLabels(np.full(len(plain), NONE, np.int64), ())
    if names is None:
        texts = ["" if one is None else str(one) for one in plain]
        return from_texts(texts, lambda row: f"{what}[{row}]")
    known = as_names(names)
    places = {name: place for place, name in enumerate(known)}
    found = [_place(one, places, f"{what}[{row}]") for row, one in enumerate(plain)]
    return ImageLabels(np.array(found, np.int64), known)


def as_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of labels; raise InputError unless they are distinct texts."""
    if isinstance(names, str):
        raise InputError(f"label_names is {names[:40]!r}: expected a list of names")
    found = tuple(names)
    for place, name in enumerate(found):
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"label_names[{place}] is {str(name)[:40]!r}: expected a name")
        if found.index(name) != place:
            raise InputError(f"label_names[{place}] repeats {name[:40]!r}")
    return found


def below_root(paths: Sequence[str | os.PathLike[str]]) -> list[bytes]:
    """Return distinct paths below a root, which is the common folder if they are absolute.

    Raises InputError, with the row, for other paths.
    """
    raw = [_path_bytes(path, row) for row, path in enumerate(paths)]
    if raw and all(one.startswith(b"/") for one in raw):
        raw = [os.path.normpath(one) for one in raw]
        root = os.path.commonpath([one.rpartition(b"/")[0] or b"/" for one in raw])
        raw = [os.path.relpath(one, root) for one in raw]
    seen: dict[bytes, int] = {}
    return [_distinct(path, row, seen) for row, path in enumerate(raw)]


def _path_bytes(path: object, row: int) -> bytes:
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise InputError(f"paths[{row}] is {type(path).__name__}: expected a path")
    return os.fsencode(path)


def _distinct(given: bytes, row: int, seen: dict[bytes, int]) -> bytes:
    path = normal(given)
    if path is None or path.startswith(b"/"):
        raise InputError(
            f"paths[{row}] is {shown(given)}: expected a path below one root, without '..'"
        )
    if (before := seen.setdefault(path, row)) != row:
        raise InputError(f"paths[{row}] repeats paths[{before}], {shown(path)}")
    return path


def _plain(label: Any, where: str) -> int | str | None:
    """Return a label as Python's int or text; arrays and tensors of one number have an `item`."""
    if hasattr(label, "item") and getattr(label, "ndim", 0) == 0:
        label = label.item()
    if label is None or isinstance(label, str):
        return label
    if isinstance(label, int) and not isinstance(label, bool):
        return label
    what = f"{label!r}"[:40] if isinstance(label, (bool, float)) else f"a {type(label).__name__}"
    raise InputError(f"{where} is {what}: {LABEL}")


def _place(label: int | str | None, places: dict[str, int], where: str) -> int:
    if label is None or label == NONE:
        return NONE
    if isinstance(label, str):
        if label not in places:
            raise InputError(f"{where} is {label[:40]!r}, which is none of label_names")
        return places[label]
    if not 0 <= label < len(places):
        raise InputError(f"{where} is {label}, but label_names has {len(places):,} names")
    return label

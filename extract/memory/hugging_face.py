"""Hugging Face datasets, taken by what they can do; their library is never imported.

The image column is cast so that it gives the bytes of files, which are decoded here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.column_choice import IMAGE_COLUMN, image_choice, label_choice
from oodcache.cache.text import listed
from oodcache.extract.memory.in_memory import Indexed
from oodcache.extract.memory.tally import Element

PICTURE = "PIL.Image.Image"  # The type that an image column says it has.
PLAIN = ("binary", "large_binary")


@dataclass(frozen=True)
class ColumnNames:
    """The columns that the user names, None for the only image or label column."""

    image: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Table:
    """A dataset whose rows are mappings: where its images and labels are."""

    rows: Any
    image: str
    label: str | None
    label_names: tuple[str, ...] | None

    def sample(self, row: Mapping[str, Any]) -> Element:
        """Return the image and label of a row."""
        found = row[self.image]
        if isinstance(found, (bytes, bytearray)):
            found = {"bytes": found, "path": None}
        elif isinstance(found, str):
            found = {"bytes": None, "path": found}
        path = found.get("path") if isinstance(found, Mapping) else None
        label = row.get(self.label) if self.label is not None else None
        if isinstance(label, (bytes, str)):  # As texts on the disk are read.
            label = os.fsdecode(label).strip()
        if found is None:  # An empty cell: a bad image, not a wrong dataset.
            found = {"bytes": None, "path": None}
        is_path = path and "://" not in path  # A URL is no path below a common folder.
        return Element(found, label, path if is_path else None)


def is_table(images: object) -> bool:
    """Return whether a value is a Hugging Face dataset, in memory or streamed."""
    return hasattr(images, "features") and hasattr(images, "cast_column")


def splits(images: object) -> list[str] | None:
    """Return the names of the datasets in a mapping of splits, None for anything else."""
    if isinstance(images, Mapping) and images and all(map(is_table, images.values())):
        return [str(name) for name in images]
    return None


def indexed(dataset: Any, columns: ColumnNames) -> Indexed:
    """Return the images of a dataset; raise InputError if it has no column of images."""
    table = opened(dataset, columns)
    return Indexed(
        len(dataset), lambda row: table.sample(table.rows[row]), label_names=table.label_names
    )


def streamed(table: Table) -> Iterator[Element]:
    """Yield the images of a dataset without a length."""
    return (table.sample(row) for row in table.rows)


def opened(dataset: Any, columns: ColumnNames) -> Table:
    """Return a dataset's images and labels, undecoded if it can give them so.

    Raises InputError if the columns are not there, or if several could be meant.
    """
    features = dict(dataset.features or {})
    image = _image_column(features, columns.image)
    label = _label_column(features, columns.label)
    rows = dataset.with_format(None) if hasattr(dataset, "with_format") else dataset
    if hasattr(rows, "select_columns") and features:
        rows = rows.select_columns([image, *([label] if label is not None else [])])
    feature: Any = features.get(image)
    if hasattr(feature, "decode"):
        rows = rows.cast_column(image, type(feature)(decode=False))
    names = getattr(features.get(label or ""), "names", None)
    return Table(rows, image, label, tuple(names) if names else None)


def _image_column(features: Mapping[str, Any], given: str | None) -> str:
    if given is not None:
        return _there(features, given, "image_column")
    if not features:
        return IMAGE_COLUMN
    images = [name for name, one in features.items() if _is_image(one)]
    if not images and getattr(features.get(IMAGE_COLUMN), "dtype", "") in PLAIN:
        return IMAGE_COLUMN
    found = image_choice(images)
    if len(found) == 1:
        return found[0]
    what = f"several columns of images: {listed(found)}" if found else "no column of images"
    there = "" if found else f" (its columns: {listed(features)})"
    raise InputError(f"images has {what}{there}; give image_column={_first(found or features)!r}")


def _label_column(features: Mapping[str, Any], given: str | None) -> str | None:
    if given is not None:
        return _there(features, given, "label_column")
    named = [name for name, one in features.items() if _has_names(one)]
    found = label_choice([*features], named)
    if len(found) > 1:
        raise InputError(
            f"images has several columns of labels: {listed(found)}; give label_column={found[0]!r}"
        )
    return found[0] if found else None


def _is_image(feature: Any) -> bool:
    """Return whether a column holds images, or the struct in which they are stored."""
    if isinstance(feature, Mapping):
        return {"bytes", "path"} <= feature.keys()
    return getattr(feature, "dtype", "") == PICTURE


def _has_names(feature: Any) -> bool:
    return hasattr(feature, "int2str") and isinstance(getattr(feature, "names", None), Sequence)


def _there(features: Mapping[str, Any], name: str, argument: str) -> str:
    if features and name not in features:
        raise InputError(f"{argument}={name!r}: no such column; there are: {listed(features)}")
    return name


def _first(names: Any) -> str:
    return str(next(iter(names)))

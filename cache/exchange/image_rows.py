"""Rows of images in a Parquet or Arrow file: their paths, labels and sizes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.image_columns import ImageColumns

LONGEST = 2**16  # Bytes of a path or a label.
Label = int | str | None


class StoredImages(Protocol):
    """An open file of images; one process reads it."""

    def read(self, row: int) -> bytes | None:
        """Return an image's encoded bytes, None for null; raise ValueError if it is damaged."""


@dataclass
class RowFacts:
    """What a file says of its images, row by row; None for null.

    A size is in bytes; in Parquet it is that of the row group. `is_empty` if no row
    has bytes, so that images are files at their paths.
    """

    paths: list[bytes | None] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    is_empty: bool = True
    _known: dict[Label, Label] = field(default_factory=dict)

    def add(self, path: Path, columns: ImageColumns, batch: Any, sizes: Iterable[int]) -> None:
        """Add the rows of a batch that has the described columns."""
        before = len(self.sizes)
        self.sizes += sizes
        none = [None] * (len(self.sizes) - before)
        structs = batch.column(columns.image).to_pylist() if columns.has_path else none
        labels = none if columns.label is None else batch.column(columns.label).to_pylist()
        for row, (struct, label) in enumerate(zip(structs, labels, strict=True), before):
            one = struct["path"] if struct else None
            self._check(path, row, one, label)
            self.paths.append(one.encode() if isinstance(one, str) else one)
            text = label.decode(errors="surrogateescape") if isinstance(label, bytes) else label
            self.labels.append(self._known.setdefault(text, text))  # Equal ones share a text.

    def _check(self, path: Path, row: int, *values: Any) -> None:
        for one in values:
            if isinstance(one, (str, bytes)) and len(one) > LONGEST:
                raise InputError(
                    f"{path}: row {row} has a path or label of {len(one):,} characters; the limit "
                    f"is {LONGEST:,}"
                )

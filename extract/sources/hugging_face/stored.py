"""Images stored in Parquet and Arrow files: listed without their bytes, and read row by row."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import image_arrow, image_columns, image_parquet
from oodcache.cache.exchange.column_choice import IMAGE_COLUMN
from oodcache.cache.exchange.image_columns import ImageColumns
from oodcache.cache.exchange.image_rows import RowFacts, StoredImages
from oodcache.cache.files.images import ImageRows
from oodcache.extract.sources.folders import LARGEST
from oodcache.extract.sources.image_files import LONGEST, starts_like_an_image
from oodcache.extract.sources.labels import ImageLabels, from_classes, from_texts
from oodcache.extract.sources.listed_images import Entries, list_entries, normal
from oodcache.extract.sources.listing import ImageListing, ImageSource, labelled_fingerprint
from oodcache.extract.sources.tables import PATH_COLUMNS

ARROW = ".arrow"
LONGEST_PATH = 4096  # Bytes; a longer path is no file's.
AT_ONCE = 4  # Open files per process.


@dataclass(frozen=True)
class StoredContents:
    """Images by file and row.

    Each process opens files for itself, on demand. `starts` are the first rows of the files.
    """

    root: Path
    files: Sequence[Path]
    file_sizes: Sequence[int]
    starts: Sequence[int]
    columns: ImageColumns
    _opened: dict[int, StoredImages] = field(default_factory=dict, compare=False, repr=False)

    def read(self, row: int) -> bytes:
        """Return an image's bytes; raise OSError or ValueError if it has none, or is damaged."""
        place = bisect_right(self.starts, row) - 1
        if (size := self.files[place].stat().st_size) != (before := self.file_sizes[place]):
            raise ValueError(f"its file has {size:,} bytes, but had {before:,} when it was listed")
        found = self._file(place).read(row - self.starts[place])
        if found is None:
            raise ValueError(f"the column {self.columns.content!r} is null in this row")
        if len(found) > LARGEST:
            raise ValueError(f"{len(found):,} bytes; the limit is {LARGEST:,}")
        return found

    def is_there(self, row: int) -> bool:
        """Return whether an image's file exists with unchanged size."""
        place = bisect_right(self.starts, row) - 1
        try:
            return self.files[place].stat().st_size == self.file_sizes[place]
        except OSError:
            return False

    def _file(self, place: int) -> StoredImages:
        found = self._opened.get(place)
        if found is None:
            for old in list(self._opened)[: 1 - AT_ONCE]:
                self._opened.pop(old, None)
            found = self._opened[place] = opened(self.files[place], self.columns)
        return found

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the open files, which belong to one process."""
        return {**self.__dict__, "_opened": {}}


@dataclass(frozen=True)
class _StoredRows:
    """The rows of all files, one after another."""

    source: ImageSource
    columns: ImageColumns
    facts: Sequence[RowFacts]

    @property
    def starts(self) -> list[int]:
        return list(accumulate((len(one.sizes) for one in self.facts), initial=0))

    @property
    def paths(self) -> list[bytes | None]:
        return [path for one in self.facts for path in one.paths]

    @property
    def are_files(self) -> bool:
        """Return whether no row has bytes, but some has a path."""
        return all(one.is_empty for one in self.facts) and any(self.paths)

    def where(self, row: int) -> str:
        """Return a row's file and number, for errors."""
        place = bisect_right(self.starts, row) - 1
        return f"{self.source.stored[place]}: row {row - self.starts[place]}"

    def labels(self) -> ImageLabels:
        """Return the labels: names of a ClassLabel, or as in a table."""
        found = [label for one in self.facts for label in one.labels]
        if self.columns.classes is not None:
            return from_classes(cast(list[int | None], found), self.columns.classes, self.where)
        return from_texts(_texts(found), self.where)


def opened(path: Path, columns: ImageColumns) -> StoredImages:
    """Return a file of images, opened."""
    if path.suffix.lower() == ARROW:
        return image_arrow.ArrowImages(path, columns)
    return image_parquet.ParquetImages(path, columns)


def holds_images(path: Path) -> bool:
    """Return whether a Parquet file holds images, and is not a table of their paths.

    A column `image` of plain bytes is decided by what is in it.
    """
    schema = image_parquet.schema(path)
    if image_columns.image_columns(path, schema):
        return True
    if not _may_be_a_table(schema):
        image_columns.columns(path, schema, None, None)  # Raises: it has no column of images.
    if not image_columns.has_plain_images(path, schema):
        return False
    columns = ImageColumns(IMAGE_COLUMN, is_struct=False, has_path=False, label=None, classes=None)
    first = image_parquet.ParquetImages(path, columns).first()
    return first is not None and starts_like_an_image(first[:LONGEST])


def _may_be_a_table(schema: Any) -> bool:
    """Return whether a column with a table's name for paths has no parts, or no column has."""
    plain = {one.name for one in schema if not one.type.num_fields}
    return len(plain) == len(schema) or not plain.isdisjoint(PATH_COLUMNS)


def list_stored(source: ImageSource) -> ImageListing:
    """Return the images of all files, row by row in the order of the files.

    Raises InputError if the files have no column of images, or differ in their columns.
    """
    columns = _columns(source)
    read = [_module(path).facts(path, columns) for path in source.stored]
    listed = _StoredRows(source, columns, read)
    if not listed.starts[-1]:
        raise InputError(f"{source.root}: has no rows")
    notes = (columns.note,) if columns.note else ()
    if listed.are_files:
        return _list_files(listed, notes)
    found = listed.labels()
    images = ImageRows(_names(listed), found.labels, found.names)
    sizes = [size for one in read for size in one.sizes]
    return ImageListing(
        source,
        images,
        labelled_fingerprint(images, sizes, numbered=found.numbered),
        StoredContents(
            source.root,
            source.stored,
            [path.stat().st_size for path in source.stored],
            listed.starts,
            columns,
        ),
        numbered=found.numbered,
        notes=notes,
    )


def class_names(source: ImageSource) -> tuple[str, ...]:
    """Return the names of the classes of a dataset, in the order of their numbers.

    Raises InputError if its label has none.
    """
    columns = _columns(source)
    if not columns.classes:
        label = "no label" if columns.label is None else f"no names of {columns.label!r}, the label"
        raise InputError(
            f"{source.root}: has {label} in its Hugging Face metadata; give --label-column NAME, "
            "or --classes NAME=FILE with a name per line"
        )
    return columns.classes


def _module(path: Path) -> Any:
    return image_arrow if path.suffix.lower() == ARROW else image_parquet


def _columns(source: ImageSource) -> ImageColumns:
    wanted = (source.options.image_column, source.options.label_column)
    first: ImageColumns | None = None
    for path in source.stored:
        found = image_columns.columns(path, _module(path).schema(path), *wanted)
        first = first or found
        if found != first:
            raise InputError(
                f"{path}: its columns or classes are not those of {source.stored[0]}: give them as "
                "two datasets"
            )
    assert first is not None
    return first


def _list_files(listed: _StoredRows, notes: tuple[str, ...]) -> ImageListing:
    """Return images that are files at the paths in the rows, as a table does."""
    source = listed.source
    found, paths = listed.labels(), listed.paths
    texts = ["" if label < 0 else found.names[label] for label in found.labels.tolist()]
    for row, path in enumerate(paths):
        if path is None:
            raise InputError(f"{listed.where(row)} has neither bytes nor a path; remove the row")
    entries = Entries(cast(list[bytes], paths), texts, range(len(paths)), unit="row")
    listing = list_entries(replace(source, root=source.stored[0]), entries, notes)
    return replace(listing, source=source, numbered=found.numbered)


def _names(listed: _StoredRows) -> list[bytes]:
    """Return the rows' own paths if they are valid and distinct, otherwise FILE#ROW for all."""
    own = [_relative(path) for path in listed.paths]
    if len({*own} - {None}) == len(own):
        return cast(list[bytes], own)
    files = listed.source.stored
    above = os.path.commonpath([path.parent for path in files])
    names = [os.fsencode(os.path.relpath(path, above)) for path in files]
    counts = [len(one.sizes) for one in listed.facts]
    return [
        b"%s#%d" % (name, row)
        for name, count in zip(names, counts, strict=True)
        for row in range(count)
    ]


def _relative(path: bytes | None) -> bytes | None:
    """Return a path as in a folder, None if it is absolute, climbs up, or is a URL or no path."""
    if path is None or len(path) > LONGEST_PATH or b"://" in path:
        return None
    found = normal(path)
    return None if found is None or found.startswith(b"/") else found


def _texts(labels: Sequence[int | str | None]) -> list[str]:
    return ["" if label is None else str(label).strip() for label in labels]

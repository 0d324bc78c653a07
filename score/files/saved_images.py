"""The images of a file of --save-scores read back: names and both forms of every score."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.files.scores import ScoredImages
from oodcache.cache.files.scores import read_images as read_hdf5
from oodcache.cache.names import SCORED
from oodcache.score.files.reading import DELIMITERS, HDF5, read

Key = tuple[str | None, str | None, str | None]
OF_EACH = len(SCORED) - 3


def read_images(path: Path) -> list[ScoredImages]:
    """Return every image that was saved, a part for each model, template and data set.

    In text a byte that is not UTF-8 stays the four characters that it was written as. Raises
    InputError where the file is not as `saved_scores.save` writes it.
    """
    if path.suffix.lower() in HDF5:
        return read_hdf5(path)
    if path.suffix.lower() not in DELIMITERS:
        raise InputError(f"{path}: is no file of oodcache score --save-scores")
    names, columns = _names(path)
    found = []
    for part in read(path, columns):
        own = names[part.model, part.template, part.data_set]
        key = (str(part.model), str(part.template), str(part.data_set))
        found.append(ScoredImages(*key, part.scores, *(partial(_same, one) for one in own)))
    return found


def _same(values: Sequence[bytes]) -> Sequence[bytes]:
    return values


def _names(path: Path) -> tuple[dict[Key, list[list[bytes]]], list[str]]:
    """Return paths, labels and nearest classes by part, and the names of the scores' columns."""
    names: dict[Key, list[list[bytes]]] = {}
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        lines = csv.reader(stream, delimiter=DELIMITERS[path.suffix.lower()], strict=True)
        try:
            head = next(lines, [])
            if tuple(head[: len(SCORED)]) != SCORED:
                raise InputError(f"{path}: is no file of oodcache score --save-scores")
            for cells in lines:
                if len(cells) < len(SCORED):
                    continue  # Whoever reads the scores says so.
                own = names.setdefault((cells[0], cells[1], cells[2]), [[] for _ in range(OF_EACH)])
                for column, cell in zip(own, cells[3 : len(SCORED)], strict=True):
                    column.append(cell.encode(errors="surrogateescape"))
        except csv.Error as error:
            raise InputError(f"{path}: is no {path.suffix[1:].upper()}: {error}") from None
    return names, head[len(SCORED) :]

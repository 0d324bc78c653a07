"""Files of scores, one number per image, from any program: higher is more ID.

.csv and .tsv with or without a header; .npy and .npz without pickles; .h5, .hdf5, .csv and .tsv as
`oodcache score --save-scores` writes them. Infinities are allowed; anything else that is not a
number, including NaN, is rejected with its line or row.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import delimited
from oodcache.cache.exchange.arrays import Array, open_npy, open_npz, reading
from oodcache.cache.exchange.delimited import DELIMITERS, Row, rows
from oodcache.cache.format.rules import shown
from oodcache.cache.names import SCORED
from oodcache.score.formulas.cosines import Scores

HDF5 = (".h5", ".hdf5")
SHOWN = " shown"  # Suffix of the column with a score's shown form.
UNNAMED = "score"
SAMPLE = 100  # Rows inspected for a header and for columns of numbers.


@dataclass(frozen=True)
class SetScores:
    """The scores of one dataset's images: float64 (n,) for each column, n above 0.

    Only a file of --save-scores has `model`, `template` and `data_set`, and a part for each of
    them. `images` is equal for two parts that score the same images in the same order. `names` are
    the images' paths, labels and nearest classes, from `read_saved_text` only.
    """

    model: str | None
    template: str | None
    data_set: str | None
    scores: Mapping[str, Scores]
    images: str
    names: Sequence[Sequence[bytes]] = ()


class NoNumberError(InputError):
    """A cell at `where` is empty, no number or NaN, so it has no rank."""

    def __init__(self, where: str, found: str) -> None:
        super().__init__(f"{where}{found}")
        self.where = where


def read(path: Path, columns: Sequence[str] = (), apart: str | None = None) -> list[SetScores]:
    """Return the scores in a file, of `columns` or of its only column other than `apart`.

    From a file of --save-scores all ranking forms are read by default. A text file without a header
    has columns "1", "2", …; a .npz its arrays' names. An unnamed column is called UNNAMED. Raises
    InputError with the line, what was found there, and what to type instead.
    """
    readers: dict[str, Callable[[Path, Sequence[str], str | None], list[SetScores]]] = {
        **dict.fromkeys(DELIMITERS, _read_text),
        **dict.fromkeys(HDF5, _read_saved),
        ".npy": _read_npy,
        ".npz": _read_npz,
    }
    if path.suffix.lower() not in readers:
        *most, last = readers
        what = f"ends in {path.suffix!r}" if path.suffix else "has no suffix"
        raise InputError(f"{path}: {what}; expected a file of scores: {', '.join(most)} or {last}")
    with reading(path), path.open("rb"):  # Raises for folders and missing files.
        pass
    return readers[path.suffix.lower()](path, columns, apart)


def _read_npy(path: Path, columns: Sequence[str], apart: str | None) -> list[SetScores]:
    if len(columns) > 1:
        raise InputError(f"{path}: contains one list of scores; give one --column, or none")
    name = columns[0] if columns else UNNAMED
    return [SetScores(None, None, None, {name: _numbers(open_npy(path))}, str(path))]


def _read_npz(path: Path, columns: Sequence[str], apart: str | None) -> list[SetScores]:
    arrays = open_npz(path)
    chosen = _chosen(path, columns, list(arrays), [one for one in arrays if one != apart])
    scores = {
        UNNAMED if name == "arr_0" and not columns else name: _numbers(arrays[name])
        for name in chosen
    }
    lengths = {name: len(one) for name, one in scores.items()}
    if len(set(lengths.values())) > 1:
        what = ", ".join(f"{length} in {name!r}" for name, length in lengths.items())
        raise InputError(f"{path}: contains {what}: all columns must score the same images")
    return [SetScores(None, None, None, scores, str(path))]


def _read_saved(path: Path, columns: Sequence[str], apart: str | None) -> list[SetScores]:
    from oodcache.cache.files.scores import column_names, read_scores

    there = column_names(path)
    ranking = [one for one in _ranking(there) if one != apart]
    found = read_scores(path, _chosen(path, columns or ranking, there, there))
    return [
        SetScores(one.model, one.template, one.data_set, one.scores, one.images) for one in found
    ]


def _ranking(columns: Sequence[str]) -> list[str]:
    """Return the columns with ranking forms."""
    return [name for name in columns if not name.endswith(SHOWN)]


def _numbers(values: Array) -> Scores:
    """Return an array of numbers in a file as scores."""
    check_list(values.shape, values.dtype, values.origin)
    return ranked(values.whole(), values.origin)


def check_list(shape: tuple[int, ...], kind: np.dtype[Any], origin: str) -> None:
    """Raise InputError, which begins with `origin`, unless it is one number per image."""
    if len(shape) != 1 or kind.kind not in "fiu":
        what = f"{kind} of shape {shape}"
        raise InputError(f"{origin}: contains {what}; expected one number per image")
    if shape == (0,):
        raise InputError(f"{origin}: contains no scores; expected one number per image")


def ranked(stored: npt.NDArray[Any], origin: str) -> Scores:
    """Return numbers as float64; raise InputError for NaN, and for integers that would tie."""
    scores = stored.astype(np.float64)
    if (missing := np.isnan(scores)).any():
        row = int(np.argmax(missing))
        raise NoNumberError(f"{origin}: row {row}, from 0,", " is NaN, which has no rank")
    if stored.dtype.kind in "iu" and np.abs(scores).max() >= 2**53:
        raise InputError(
            f"{origin}: has integers of 2**53 or more, which tie as float64; save floats"
        )
    return scores


def _chosen(
    path: Path, columns: Sequence[str], there: Sequence[str], numeric: Sequence[str]
) -> Sequence[str]:
    """Return the requested columns, or the only one of numbers."""
    listed = ", ".join(map(shown, there[:30])) + ", …" * (len(there) > 30)
    for place, name in enumerate(columns):
        if name in columns[:place]:
            raise InputError(f"--column {name!r} is given twice")
        if there.count(name) != 1:
            many = "has no column" if name not in there else "has more than one column"
            raise InputError(f"{path}: {many} {name!r}; there are: {listed or 'none'}")
    if columns:
        return columns
    if len(numeric) != 1:
        many = "several columns" if numeric else "no column"
        what = f"{many} of numbers; there are: {listed or 'none'}"
        raise InputError(f"{path}: has {what}{'; choose with --column NAME' * bool(numeric)}")
    return numeric


@dataclass
class _Growing:
    """A part of a file while its lines are read."""

    scores: list[array[float]]
    images: hashlib._Hash = field(default_factory=hashlib.sha256)
    names: list[list[bytes]] = field(default_factory=lambda: [[] for _ in SCORED[3:]])


def read_saved_text(path: Path) -> list[SetScores]:
    """Return every column and name of a text file of --save-scores; reject any other file."""
    return _read_text(path, None)


def _read_text(
    path: Path, columns: Sequence[str] | None, apart: str | None = None
) -> list[SetScores]:
    return _parts(path, _lines(path), columns, apart)


def _lines(path: Path) -> Iterator[Row]:
    """Yield the rows of a text file; only its end may have blank lines."""
    blank = 0
    for line, cells in rows(path):
        if not cells:
            blank = blank or line
            continue
        if blank:
            raise InputError(f"{path}: line {blank} is blank, but more follow: is a score missing?")
        yield line, cells


def _parts(
    path: Path, lines: Iterator[Row], columns: Sequence[str] | None, apart: str | None
) -> list[SetScores]:
    sample = list(islice(lines, SAMPLE))
    is_saved = bool(sample) and tuple(sample[0][1][: len(SCORED)]) == SCORED
    with_names = columns is None
    if columns is None:
        if not is_saved:
            raise InputError(f"{path}: not a file of oodcache score --save-scores")
        columns = sample[0][1][len(SCORED) :]
    if not sample:
        raise InputError(f"{path}: is empty; expected one number per image")
    delimited.check_delimiter(path, sample)
    first = sample[0][1]
    has_header = _has_header(path, sample, columns)
    if has_header and len(sample) == 1:
        raise InputError(f"{path}: contains a header but no scores")
    if has_header and any("\udc80" <= one <= "\udcff" for name in first for one in name):
        raise InputError(f"{path}: line 1 is not UTF-8 text; save the file as UTF-8")
    names = first if has_header else [str(place + 1) for place in range(len(first))]
    numeric = [
        name
        for place, name in enumerate(names)
        if name != apart
        and any(_is_number(cells[place]) for _, cells in sample[has_header:] if place < len(cells))
    ]
    if is_saved:
        columns = columns or [one for one in _ranking(names[len(SCORED) :]) if one != apart]
    chosen = _chosen(path, columns, names, numeric)
    places = [names.index(name) for name in chosen]
    called = chosen if has_header or columns else [UNNAMED]
    whole = chain(sample[has_header:], lines)
    growing = _grown(path, whole, names, places, is_saved, with_names)
    return [
        SetScores(
            *key,
            dict(zip(called, map(np.array, part.scores), strict=True)),
            part.images.hexdigest() if is_saved else str(path),
            part.names,
        )
        for key, part in growing.items()
    ]


def _has_header(path: Path, sample: Sequence[Row], columns: Sequence[str]) -> bool:
    """Return whether line 1 is a header: words above numbers, words only, or requested columns."""
    (_, first), *rest = sample
    words = [place for place, cell in enumerate(first) if not _is_number(cell)]
    if len(words) == len(first):
        return True
    if any(place < len(cells) and _is_number(cells[place]) for _, cells in rest for place in words):
        return True
    if rest and first == [str(place) for place in range(len(first))]:
        return _is_named(path, first, columns)
    if not columns or not set(columns) <= set(first):
        return False
    if set(columns) <= {str(place + 1) for place in range(len(first))}:
        raise InputError(
            f"{path}: line 1 contains {columns[0]!r}: is that a column name, or a score? "
            "Give the file a header in words"
        )
    return True


def _is_named(path: Path, first: Sequence[str], columns: Sequence[str]) -> bool:
    """Return True if --column says that line 1 is pandas' header 0,1,…; raise otherwise."""
    if "0" in columns and set(columns) <= set(first):
        return True
    line = ",".join(first[:3]) + ",…" * (len(first) > 3)
    raise InputError(
        f"{path}: line 1 is {line}: scores, or the header that pandas writes above columns without "
        "a name? For a header, pick a column by --column 0; or name the columns in words"
    )


Key = tuple[str | None, str | None, str | None]


def _grown(
    path: Path,
    lines: Iterator[Row],
    names: Sequence[str],
    places: Sequence[int],
    is_saved: bool,
    with_names: bool,
) -> dict[Key, _Growing]:
    """Return the columns at `places`, by model, template and dataset if the file is saved."""
    parts: dict[Key, _Growing] = {}
    key: Key = (None, None, None)
    for number, cells in lines:
        if len(cells) != len(names):
            raise InputError(
                f"{path}: line {number} has {len(cells)} cells, but line 1 has {len(names)}"
            )
        if is_saved:
            key = (cells[0], cells[1], cells[2])
        part = parts.get(key)
        if part is None:
            part = parts[key] = _Growing([array("d") for _ in places])
        if is_saved:
            part.images.update(cells[3].encode(errors="surrogateescape") + b"\0")
        if with_names:
            for own, cell in zip(part.names, cells[3 : len(SCORED)], strict=True):
                own.append(cell.encode(errors="surrogateescape"))
        for place, column in zip(places, part.scores, strict=True):
            column.append(_number(path, number, names[place], cells[place]))
    return parts


def _number(path: Path, line: int, column: str, cell: str) -> float:
    where = f"{path}: line {line}, column {column!r}"
    if not _is_number(cell):
        raise NoNumberError(where, f": {shown(cell)} is not a number")
    value = float(cell)
    if math.isnan(value):
        raise NoNumberError(where, " is NaN, which has no rank")
    return value


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell

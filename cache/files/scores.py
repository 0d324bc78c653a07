"""Scores of single images in HDF5, written by `oodcache score --save-scores`.

Row i of every dataset is one image under one model and template: SCORED's columns are bytes (N,),
`scores` is float64 (N, C), and `columns`, bytes (C,), names its columns.
docs/output/results.md describes it for readers. HDF5 keeps up to eight names in the root's own
header; we reject more, which it moves to a heap, so no dataset can be added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.format import rules
from oodcache.cache.format.container import Writer, encoded, opened, write_column
from oodcache.cache.format.sibling import unfinished
from oodcache.cache.format.storage import check_whole, is_of, read_packed, read_whole, type_of
from oodcache.cache.format.structure import attribute, check_head, linked
from oodcache.cache.names import SCORED

Scores = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.bytes_]
KIND, SUM = "scores", "sha256"
BLOCK_ROWS = 2**14
BLOCK_NUMBERS = 2**20


@dataclass(frozen=True)
class ScoredImages:
    """The images of one dataset under one model and template, in file order.

    `scores` has a float64 (n,) for each column. The rest is computed when it is written: a label
    is the name of the image's folder, empty if it has none, and `nearest()` the class with the
    largest cosine.
    """

    model: str
    template: str
    data_set: str
    scores: Mapping[str, Scores]
    paths: Callable[[], Sequence[bytes]]
    labels: Callable[[], Sequence[bytes]]
    nearest: Callable[[], Sequence[bytes]]

    def __len__(self) -> int:
        return len(next(iter(self.scores.values())))

    def names(self) -> dict[str, Sequence[bytes]]:
        """Return the columns of SCORED, each of one length or of 1."""
        of_all = [[one.encode()] for one in (self.model, self.template, self.data_set)]
        of_each = [self.paths(), self.labels(), self.nearest()]
        return dict(zip(SCORED, [*of_all, *of_each], strict=True))


@dataclass(frozen=True)
class SavedScores:
    """The scores read for one dataset under one model and template.

    `scores` has a float64 (n,) for each requested column; `images` is a SHA-256 over the paths
    in order.
    """

    model: str
    template: str
    data_set: str
    scores: dict[str, Scores]
    images: str


def write_scores(path: Path, parts: Sequence[ScoredImages]) -> None:
    """Write all parts, which have equal columns, as the file at `path`, atomically."""
    columns, rows = tuple(parts[0].scores), sum(map(len, parts))
    rules.check_texts(path, "columns", columns)
    widths = dict.fromkeys(SCORED, 1)
    for part in parts:
        for name, values in part.names().items():
            widths[name] = max(widths[name], *map(len, values))
    for name, width in widths.items():
        rules.check_longest(path, name, width)
    sums = _ColumnSums(columns, widths)
    with unfinished(path) as beside, Writer(beside, path) as write:
        write(_create, rows, columns, widths)
        done = 0
        for part in parts:
            for first, block in _blocks(part, done):
                sums.add(block)
                write.later(_write_block, done + first, block)
            done += len(part)
        write(_write_sum, sums.whole())


def _create(file: h5py.File, rows: int, columns: tuple[str, ...], widths: dict[str, int]) -> None:
    file.attrs["format"], file.attrs["kind"] = np.bytes_(rules.FORMAT), np.bytes_(KIND)
    file.attrs["version"] = np.int64(rules.VERSION)
    chunk = min(rows, BLOCK_ROWS)
    for name, width in widths.items():
        file.create_dataset(
            *(name, (rows,), f"S{width}"),
            chunks=(chunk,),
            compression="gzip",
            shuffle=True,
            fletcher32=True,
        )
    write_column(file, "columns", encoded(columns))
    shape = (rows, len(columns))
    high = max(1, min(chunk, BLOCK_NUMBERS // len(columns)))
    file.create_dataset("scores", shape, "<f8", chunks=(high, len(columns)), fletcher32=True)


def _write_sum(file: h5py.File, digest: str) -> None:
    file.attrs[SUM] = np.bytes_(digest)


class _ColumnSums:
    """The SHA-256 of all columns, added block by block: that of each one's SHA-256, in order."""

    def __init__(self, columns: Sequence[str], widths: Mapping[str, int]) -> None:
        self._names = hashlib.sha256("\0".join(columns).encode()).hexdigest()
        self._types = {name: f"S{width}" for name, width in widths.items()}
        self._digests = {name: hashlib.sha256() for name in (*SCORED, "scores")}

    def add(self, block: Mapping[str, npt.NDArray[Any]]) -> None:
        """Add the next values of some columns."""
        for name, values in block.items():
            kind = self._types.get(name, "<f8")
            self._digests[name].update(np.ascontiguousarray(values, kind).data)

    def whole(self) -> str:
        """Return the SHA-256 of all that was added."""
        each = [self._names, *(digest.hexdigest() for digest in self._digests.values())]
        return hashlib.sha256("".join(each).encode()).hexdigest()


def _blocks(part: ScoredImages, done: int) -> Iterator[tuple[int, dict[str, npt.NDArray[Any]]]]:
    """Yield (first row, block), cut at chunk ends so that each chunk is compressed about once."""
    names, scores = part.names(), list(part.scores.values())
    starts = range(BLOCK_ROWS - done % BLOCK_ROWS, len(part), BLOCK_ROWS)
    for first, last in zip((0, *starts), (*starts, len(part)), strict=True):
        block: dict[str, npt.NDArray[Any]] = {
            name: np.resize(np.array(values, np.bytes_), last - first)
            if len(values) == 1
            else np.array(values[first:last], np.bytes_)
            for name, values in names.items()
        }
        block["scores"] = np.stack([one[first:last] for one in scores], axis=1)
        yield first, block


def _write_block(file: h5py.File, first: int, block: Mapping[str, npt.NDArray[Any]]) -> None:
    for name, values in block.items():
        file[name][first : first + len(values)] = values


def column_names(path: Path) -> tuple[str, ...]:
    """Return the names of the score columns in the file at `path`."""
    with opened(path) as file:
        return rules.check_names(path, "columns", read_whole(_checked(file, path)["columns"]))


def read_scores(path: Path, columns: Sequence[str]) -> list[SavedScores]:
    """Return these columns' scores, one part per model, template and dataset, in file order."""
    found = []
    for one in _read(path, columns):
        digest = hashlib.sha256(b"\0".join(one.paths())).hexdigest()
        found.append(SavedScores(one.model, one.template, one.data_set, dict(one.scores), digest))
    return found


def read_images(path: Path) -> list[ScoredImages]:
    """Return all that was written, one part per model, template and dataset, in file order."""
    return _read(path, column_names(path))


def _read(path: Path, columns: Sequence[str]) -> list[ScoredImages]:
    with opened(path) as file:
        datasets = _checked(file, path)
        there = rules.check_names(path, "columns", read_whole(datasets["columns"]))
        widths = {name: datasets[name].dtype.itemsize for name in SCORED}
        sums = _ColumnSums(there, widths)
        places = [there.index(one) for one in columns]
        scores = _read_columns(datasets["scores"], places, sums)
        names = {name: read_packed(datasets[name], path, name) for name in SCORED}
        sums.add(names)
        _check_ranked(path, scores)
        _check_sum(path, attribute(file, path, SUM, "F4"), sums.whole())
    parts: dict[tuple[bytes, ...], list[slice]] = {}
    for run in _runs([names[name] for name in SCORED[:3]]):
        key = tuple(bytes(names[name][run.start]) for name in SCORED[:3])
        parts.setdefault(key, []).append(run)
    found = []
    for key, runs in parts.items():
        model, template, data_set = rules.check_names(path, "data_set", np.array(key))
        by_column = {
            column: np.concatenate([values[run] for run in runs])
            for column, values in zip(columns, scores, strict=True)
        }
        of_each = [partial(_joined, names[name], runs) for name in SCORED[3:]]
        found.append(ScoredImages(model, template, data_set, by_column, *of_each))
    return found


def _joined(column: Bytes, runs: Sequence[slice]) -> list[bytes]:
    return [one for run in runs for one in column[run].tolist()]


def _checked(file: h5py.File, path: Path) -> Mapping[str, h5py.Dataset]:
    """Return the datasets, after checking types and lengths, and that all bytes are in the file."""
    check_head(file, path, (KIND,))
    datasets = linked(file, path, (*SCORED, "columns", "scores"))
    scores = datasets["scores"]
    if scores.ndim != 2 or 0 in scores.shape or not is_of(scores, "float64"):
        what = f"'scores' is {type_of(scores)} of shape {scores.shape}, not float64 (rows, columns)"
        raise RuleError(path, "F4", what)
    check_whole(scores, path, "scores", "F4")
    for name in (*SCORED, "columns"):
        column = datasets[name]
        wanted = scores.shape[1:] if name == "columns" else scores.shape[:1]
        if column.shape != wanted or not is_of(column, "bytes"):
            what = f"'{name}' is {type_of(column)} of shape {column.shape}, not bytes {wanted}"
            raise RuleError(path, "F4", what)
        rules.check_longest(path, name, column.id.get_type().get_size())
        check_whole(column, path, name, "F4", packed=SCORED)
    return datasets


def _check_sum(path: Path, stored: str | None, found: str) -> None:
    """Reject a file that was changed; one of 0.1 has no sum."""
    if stored is not None and stored != found:
        what = f"the SHA-256 of its contents is {found[:8]}…, not {rules.shown(stored[:8])}"
        raise RuleError(path, "F4", f"{what}: it was changed after it was written; score again")


def _read_columns(dataset: h5py.Dataset, places: list[int], sums: _ColumnSums) -> list[Scores]:
    """Return some columns of `scores`, read in blocks, and add all of them to `sums`."""
    found = [np.empty(len(dataset)) for _ in places]
    step = max(1, min(BLOCK_ROWS, BLOCK_NUMBERS // dataset.shape[1]))
    for first in range(0, len(dataset), step):
        block = dataset[first : first + step]
        sums.add({"scores": block})
        for place, column in zip(places, found, strict=True):
            column[first : first + step] = block[:, place]
    return found


def _check_ranked(path: Path, columns: Sequence[Scores]) -> None:
    """Reject NaN, which has no rank."""
    for column in columns:
        if (missing := np.isnan(column)).any():
            row = int(np.argmax(missing))
            raise InputError(f"{path}: row {row} of 'scores' is NaN, which has no rank")


def _runs(columns: Sequence[Bytes]) -> list[slice]:
    """Return the runs of rows in which no column changes."""
    changed = np.zeros(len(columns[0]), bool)
    changed[0] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    starts = np.flatnonzero(changed).tolist()
    return [
        slice(first, last) for first, last in zip(starts, [*starts[1:], len(changed)], strict=True)
    ]

"""Time the cache's files against NumPy's: opening, reading in blocks, writing, merging shards.

100,000 × 768 float32, read from the page cache, written to the disk of the current folder. Then
scoring from a file, with the checksums of its blocks, without them, and hashed as files of 0.1 are.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import h5py
import numpy as np

from bench.figure import Figure, Target, alone, paired, rates, told
from bench.timing import Times, seconds, took
from oodcache.cache.files.images import ImageBatch, ImageRows, Vectors, open_images, write_images
from oodcache.cache.format import block_sums
from oodcache.cache.format.identity import Identity, ModelIdentity
from oodcache.cache.format.place import Run, shard_folder
from oodcache.cache.shards.merging import find, merge
from oodcache.score.onepass.default_scores import DEFAULT
from oodcache.score.onepass.onepass import Classes, score_images
from oodcache.score.onepass.variants import parse_all

ROWS, DIMENSION, LABELS, BATCH, SHARD_ROWS = 100_000, 768, 1_000, 8_192, 1_000
OPENS, RUNS = 10, 11
SCORED, SCORED_RUNS = 60_000, 21
READ, WRITE = Target(0.8, is_least=True), Target(0.7, is_least=True)
MOST_OPEN, MOST_MERGE, MOST_CHECKS = 5, 0.5, 2


def compare(rows: int = ROWS, runs: int = RUNS) -> list[Figure]:
    """Return the figures of all, run in turns in this process: they meet the same machine."""
    # Beside the user's own files: a folder for temporary ones may lie in memory.
    with tempfile.TemporaryDirectory(dir=".", prefix=".bench-") as folder:
        samples = Samples(Path(folder), rows)
        rounds = np.array([samples.round() for _ in range(runs)])
    opening, reading, loading, writing, saving, finding, merging = rounds.transpose(1, 0, 2)
    size, shards = rows * DIMENSION * 4 / 1e6, -(-rows // SHARD_ROWS)
    rate: Any = {"count": size, "unit": "MB/s"}
    return [
        rates("reading in blocks", _pairs(reading, loading), "`np.load`", READ, **rate),
        rates("writing", _pairs(writing, saving), "`np.save` and fsync", WRITE, **rate),
        alone(f"opening and checking {size:.0f} MB", opening[:, 0] * 1e3 / OPENS, "ms", MOST_OPEN),
        alone(f"finding {shards} shards", finding[:, 0], "s"),
        alone("merging them", merging[:, 0], "s", MOST_MERGE),
    ]


def _pairs(ours: Times, theirs: Times) -> Times:
    return np.stack([ours, theirs], axis=1)


class Samples:
    """A file of ours and one of NumPy's with the same vectors, and the same cut into shards."""

    def __init__(self, folder: Path, rows: int) -> None:
        self._ours, self._theirs = folder / "ours.h5", folder / "theirs.npy"
        self._written, self._saved = folder / "written.h5", folder / "saved.npy"
        self._kept, self._merged = folder / "kept", folder / "merged.h5"
        self._vectors, self._rows = _unit_rows(rows), _rows(rows)
        self._kept.mkdir()
        self._write(self._ours)
        self._save(self._theirs)
        self._write_shards()

    def round(self) -> list[tuple[float, float]]:
        """Return what each takes: opening, reading, loading, writing, saving, finding, merging."""
        for path in (self._written, self._saved, self._merged):
            path.unlink(missing_ok=True)
        self._link_shards()
        os.sync()  # What is left of the round before would be written during this one.
        for path in (self._ours, self._theirs, *self._kept.iterdir()):
            path.read_bytes()  # So that it is in the page cache, whatever was there before.
        shards = find(self._merged).shards
        return [
            took(lambda: [open_images(self._ours) for _ in range(OPENS)]),
            took(self._read),
            took(lambda: np.load(self._theirs)),
            took(lambda: self._write(self._written)),
            took(lambda: self._save(self._saved)),
            took(lambda: find(self._merged)),
            took(lambda: merge(self._merged, shards)),
        ]

    def _read(self) -> None:
        deque(open_images(self._ours).blocks(), maxlen=0)

    def _write(self, path: Path) -> None:
        write_images(path, _batches(self._vectors), rows=self._rows, identity=_identity())

    def _save(self, path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, self._vectors)
            file.flush()
            os.fsync(file.fileno())

    def _write_shards(self) -> None:
        run = Run("images", _identity(), self._vectors.dtype, SHARD_ROWS)
        for place in run.places(len(self._vectors)):
            write_images(
                self._kept / place.file_name,
                _batches(self._vectors[place.first : place.first + place.rows]),
                rows=self._rows.cut(place.first, place.rows),
                identity=run.identity,
                place=place,
            )

    def _link_shards(self) -> None:
        """Put the shards where a merge finds them, and removes them."""
        shard_folder(self._merged).mkdir()
        for shard in self._kept.iterdir():
            os.link(shard, shard_folder(self._merged) / shard.name)


def compare_checks(rows: int = SCORED, runs: int = SCORED_RUNS) -> list[Figure]:
    """Return the figures of the five default scores on 1,000 classes from a file, run in turns.

    The share of the time that was spent in the checksums does not depend on what else the machine
    does between two runs.
    """
    with tempfile.TemporaryDirectory(dir=".", prefix=".bench-") as folder:
        new, old = Path(folder) / "new.h5", Path(folder) / "old.h5"
        for path in (new, old):
            vectors = _unit_rows(rows)
            write_images(path, _batches(vectors), rows=_rows(rows), identity=_identity())
        with h5py.File(old, "r+") as file:  # As 0.1 wrote it.
            del file.attrs[block_sums.BLOCKS], file.attrs[block_sums.PATHS]
        rounds = [_check_round(new, old) for _ in range(runs)]
    times = np.array([times for times, _ in rounds])
    share = [100 * spent / times[1][0] for times, spent in rounds]
    what = f"5 scores, {rows:,} × {LABELS:,} × {DIMENSION}, from a file"
    return [
        alone("time in the checksums while scoring", share, "%", MOST_CHECKS),
        paired(f"{what} with checksums", times[:, [1, 0]], "unchecked"),
        paired("the same without checksums, hashed", times[:, [2, 0]], "unchecked"),
    ]


def _check_round(new: Path, old: Path) -> tuple[list[tuple[float, float]], float]:
    """Return what scoring unchecked, checked and hashed takes, and the seconds in the checksums."""
    block_sums.sha256.cache_clear()
    spent, check = list[float](), block_sums.Checksums.check
    with patch.object(block_sums.Checksums, "check", lambda *given: None):
        without = took(lambda: _score(new))
    with patch.object(
        *(block_sums.Checksums, "check"),
        lambda *given: spent.append(seconds(lambda: check(*given))),
    ):
        checked = took(lambda: _score(new))
    return [without, checked, took(lambda: _score(old))], sum(spent)


def _score(path: Path) -> None:
    file, classes = open_images(path), Classes(_unit_rows(LABELS), 112.0, -16.5)
    score_images(file.blocks(), file.rows, classes, parse_all(DEFAULT))


def main() -> list[Figure]:
    """Print and return all of them."""
    return told(*compare_checks(), *compare())


def _batches(vectors: Vectors) -> Iterator[ImageBatch]:
    for first in range(0, len(vectors), BATCH):
        some = vectors[first : first + BATCH]
        yield ImageBatch(some, np.ones(len(some), np.float32))


def _rows(count: int) -> ImageRows:
    """Return paths and labels as ImageNet's validation set has them."""
    labels = np.random.default_rng(0).integers(0, LABELS, count)
    names = [f"n{1_440_764 + 13_577 * label:08d}" for label in range(LABELS)]
    paths = [
        f"{names[label]}/ILSVRC2012_val_{row:08d}.JPEG".encode() for row, label in enumerate(labels)
    ]
    return ImageRows(paths, labels, names)


def _identity() -> Identity:
    model = ModelIdentity(
        name="ViT-B-16-SigLIP2",
        pretrained="webli",
        requested="siglip2",
        architecture={"embed_dim": DIMENSION},
        weights="00" * 32,
        checkpoint=None,
        logit_scale=112.0,
        logit_bias=-16.5,
    )
    source = {"name": "imagenet-val", "fingerprint": "11" * 32}
    return Identity(model, source, {"size": 224}, {"autocast": "float32"}, {"oodcache": "0.1.0"})


def _unit_rows(rows: int) -> Vectors:
    vectors = np.random.default_rng(0).standard_normal((rows, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


if __name__ == "__main__":
    main()

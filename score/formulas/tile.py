"""Tiles of images: their vectors and their cosines with the classes.

Each is computed with one BLAS thread, several tiles at once.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import threadpoolctl

from oodcache.cache.computed_once import computed_once
from oodcache.score.formulas.cosines import Floats, Places, Rows, Scores, product
from oodcache.score.kernel.definition import Dots, RowSums

Vectors = npt.NDArray[np.float32]
Digests = npt.NDArray[np.uint64]
Given = TypeVar("Given")
Made = TypeVar("Made")

# Rows of a tile. With few classes twice as many take as long to multiply, and half as many calls.
TILE = 512
FEW_CLASSES = 2048
# Tiles that may wait for a thread: those of one read block, so that threads stay busy meanwhile.
AHEAD = 32
# State, increment and factor of the generator with the seed 0.
PCG64 = (
    35399562948360463058890781895381311971,
    87136372517582989555478159403783844777,
    0x2360ED051FC65DA44385DF649FCCF645,
)


@dataclass(frozen=True)
class Tile:
    """N images: unit `vectors` float32 (N, D), against `classes` (K, D).

    `columns` is the contiguous transpose of `classes`, made once for all tiles. `kept` caches
    results that several scores share. `first` is the first image's row, `real` the number of images
    that are no padding, None if all are. With `best`, the nearest classes, it has all images of a
    set. Sums `wanted` of every tile are read off the cosines in one sweep; a `room` (N, K) takes
    them.
    """

    vectors: Vectors
    classes: Vectors
    columns: Vectors
    kept: dict[Hashable, Any] = field(default_factory=dict, compare=False)
    first: int = 0
    real: int | None = None
    best: Places | None = None
    wanted: list[RowSums] = field(default_factory=list, compare=False, repr=False)
    room: Vectors | None = field(default=None, compare=False, repr=False)

    @property
    def count(self) -> int:
        """Return the number of images that are no padding."""
        return len(self.vectors) if self.real is None else self.real

    @property
    def is_whole(self) -> bool:
        """Return whether it has all images of a set."""
        return self.best is not None

    @property
    def nearest(self) -> Places:
        """Return the nearest class of each image; `cosines` stay available."""
        _ = self.cosines if self.best is None else None
        return self.rows.best if self.best is None else self.best

    @computed_once
    def cosines(self) -> Vectors:
        """Return the cosines with the classes, float32 (N, K), each tile rounded as on its own."""
        found = np.empty((len(self.vectors), self.columns.shape[1]), np.float32)
        size = tile_rows(self.columns.shape[1])
        for start in range(0, len(found), size):
            rows = slice(start, start + size)
            product(self.vectors[rows], self.columns, out=found[rows])
        return found

    @computed_once
    def precise(self) -> Scores:
        """Return the vectors in float64."""
        return self.vectors.astype(np.float64)

    @computed_once
    def rows(self) -> Rows:
        """Return the cosines with the classes, those with the two nearest in float64."""
        asked = vars(self).get("cosines")
        # Rows overwrites them.
        cosine = product(self.vectors, self.columns, self.room) if asked is None else asked.copy()
        return Rows(cosine, Dots(self.vectors, self.classes), self.wanted)

    def dots(self, others: Floats, places: Places) -> Scores:
        """Return each image's product with one of `others` (M, D), chosen by `places`, in float64.

        The matrix product rounds cosines to seven digits, so some of many images would tie.
        """
        return Dots(self.vectors, others)(places[:, None])[:, 0]


def digests(block: Vectors) -> Digests:
    """Return a 64-bit hash per row: equal for equal vectors, almost never for others.

    It sums the vector's bits, two numbers at a time, times random odd numbers, modulo 2^64.
    """
    if block.shape[1] % 2:
        block = np.pad(block, ((0, 0), (0, 1)))
    words = np.ascontiguousarray(block).view(np.uint64)
    # einsum makes no array of products: the vectors of a bank may be gigabytes.
    sums: Digests = np.einsum("ij,j->i", words, _odd(words.shape[1]))
    return sums ^ (sums >> np.uint64(32))


@cache
def _odd(count: int) -> Digests:
    """Return so many random odd numbers, those of `np.random.default_rng(0).integers`.

    By its generator, PCG64 (O'Neill, 2014), because numpy.random takes 5 ms to import.
    """
    found, (state, step, factor) = [], PCG64
    for _ in range(count):
        state = (state * factor + step) % 2**128
        both = (state >> 64 ^ state) % 2**64 * (2**64 + 1)  # Twice in a row, to rotate.
        found.append((both >> (state >> 122)) % 2**64 | 1)
    return np.array(found, np.uint64)


def tile_rows(classes: int) -> int:
    """Return how many images a tile of a run has, which decides how its products round."""
    return 2 * TILE if classes <= FEW_CLASSES else TILE


def tiles(blocks: Iterable[Vectors], rows: int = TILE) -> Iterator[tuple[int, Vectors]]:
    """Yield (first row, (rows, D) vectors) over all rows of `blocks`, the last padded with zeros.

    A tile within one block is a view of it; others are copied together.
    """
    first, filled, tile = 0, 0, None
    for block in blocks:
        start = 0
        while start < len(block):
            taken = min(rows - filled, len(block) - start)
            if taken == rows:
                yield first, block[start : start + rows]
                first, start = first + rows, start + rows
                continue
            if tile is None:
                tile = np.zeros((rows, block.shape[1]), np.float32)
            tile[filled : filled + taken] = block[start : start + taken]
            filled, start = filled + taken, start + taken
            if filled == rows:
                yield first, tile
                first, filled, tile = first + rows, 0, None
    if tile is not None:
        yield first, tile


def over_tiles(
    work: Callable[[Given], Made],
    given: Iterable[Given],
    *,
    threads: int | None = None,
    ahead: int = AHEAD,
) -> Iterator[Made]:
    """Yield `work(tile)` for each tile `given`, in order, computed by several threads."""
    threads = threads or processors()
    with threadpoolctl.threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        under_way: deque[Future[Made]] = deque()
        try:
            for one in given:
                under_way.append(pool.submit(work, one))
                if len(under_way) > ahead:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            # After an error or Ctrl-C, tiles that no thread has begun are not computed.
            pool.shutdown(wait=False, cancel_futures=True)


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

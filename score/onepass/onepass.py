"""One pass over cached images: every variant is computed on a tile before the next is read.

Images × classes are multiplied in tiles of `TILE` rows, small enough to stay in a processor's
cache, one BLAS thread a tile and several tiles at once. Nothing of size N × K is ever held. Row i
is always row i mod TILE of tile i // TILE, and the last tile is padded, so the numbers are the
same, bit for bit, whatever the read blocks and the number of threads. Equal images have equal
scores: those of the first of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import threadpoolctl

from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Digests, Tile, Vectors, digests, processors
from oodcache.score.onepass.variants import Variant

TILE = 512
# Tiles that may wait for a thread: as many as a block that is read has, so that the threads have
# work while the next is read.
AHEAD = 32


@dataclass(frozen=True)
class Classes:
    """What images are compared with: unit vectors (K, D), and the model's scale and bias."""

    vectors: Vectors
    logit_scale: float
    logit_bias: float | None

    def numbers(self, variant: Variant) -> dict[str, float]:
        """Return the variant's parameters, with what the model learned looked up."""
        return variant.numbers(logit_scale=self.logit_scale, logit_bias=self.logit_bias)

    def shown(self, variant: Variant, ranked: Scores) -> Scores:
        """Return the paper's form of a score, from its ranking form."""
        return variant.shown(ranked, len(self.vectors), self.numbers(variant))


@dataclass(frozen=True)
class Scored:
    """N images, scored: `scores` float64 (V, N), a row a variant; `best` (N,) nearest class.

    `digests` (N,) are 64 bits of each image's vector.
    """

    scores: Scores
    best: npt.NDArray[np.intp]
    digests: Digests

    def tie(self, first: Scored) -> None:
        """Give each image the scores of the first image of `first` that has its very vector.

        OpenBLAS computes the last digit of a product by where a row stands among others: on some
        processors (Haswell, Zen) rows of equal numbers get products that differ.
        """
        found, places = np.unique(first.digests, return_index=True)
        if not len(found) or (first is self and len(found) == len(self.digests)):
            return
        at = np.minimum(np.searchsorted(found, self.digests), len(found) - 1)
        equal = np.flatnonzero(found[at] == self.digests)
        source = places[at[equal]]
        self.scores[:, equal] = first.scores[:, source]
        self.best[equal] = first.best[source]


def score_images(
    blocks: Iterable[Vectors],
    rows: int,
    classes: Classes,
    variants: Sequence[Variant],
    *,
    fits: Sequence[Any] | None = None,
    threads: int | None = None,
) -> Scored:
    """Return the ranking form of every variant for `rows` images, read from `blocks` in order.

    `blocks` are float32 (n, D), n as it comes. `fits` has what each variant's score was fitted
    to, None for one that needs no fit. Memory grows by 8 bytes a variant and image.
    """
    fits = fits or [None] * len(variants)
    scored = Scored(
        np.empty((len(variants), rows)), np.empty(rows, np.intp), np.empty(rows, np.uint64)
    )
    columns = np.ascontiguousarray(classes.vectors.T)
    # Those of one temperature follow each other: the exponentials of the last one are kept.
    order = sorted(
        range(len(variants)),
        key=lambda place: classes.numbers(variants[place]).get("temperature", 0.0),
    )

    def score_tile(first: int, vectors: Vectors) -> None:
        tile = Tile(vectors, classes.vectors, columns)
        kept = slice(first, min(first + TILE, rows))
        count = kept.stop - first
        scored.best[kept] = tile.rows.best[:count]
        scored.digests[kept] = digests(vectors[:count])
        for place in order:
            numbers = classes.numbers(variants[place])
            scored.scores[place, kept] = variants[place].rank(tile, numbers, fits[place])[:count]

    threads = threads or processors()
    with threadpoolctl.threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        under_way: deque[Future[None]] = deque()
        for first, tile in tiles(blocks):
            under_way.append(pool.submit(score_tile, first, tile))
            if len(under_way) > AHEAD:
                under_way.popleft().result()
        for future in under_way:
            future.result()
    scored.tie(scored)
    return scored


def tiles(blocks: Iterable[Vectors]) -> Iterator[tuple[int, Vectors]]:
    """Yield (first row, (TILE, D) vectors) over all rows of `blocks`, the last padded with zeros.

    A tile that lies within a block is a view of it, one that does not is assembled.
    """
    first, filled, tile = 0, 0, None
    for block in blocks:
        start = 0
        while start < len(block):
            taken = min(TILE - filled, len(block) - start)
            if taken == TILE:
                yield first, block[start : start + TILE]
                first, start = first + TILE, start + TILE
                continue
            if tile is None:
                tile = np.zeros((TILE, block.shape[1]), np.float32)
            tile[filled : filled + taken] = block[start : start + taken]
            filled, start = filled + taken, start + taken
            if filled == TILE:
                yield first, tile
                first, filled, tile = first + TILE, 0, None
    if tile is not None:
        yield first, tile

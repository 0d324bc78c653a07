"""Some images as the one pass meets them: their vectors, and their cosines with the classes."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.score.formulas.cosines import Floats, Places, Rows, Scores, product

Vectors = npt.NDArray[np.float32]
Digests = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Tile:
    """N images: unit `vectors` float32 (N, D), against `classes` (K, D).

    `columns` is the transpose of `classes`, contiguous: made once, not for every tile. `kept` is
    where what several scores share of the tile is kept.
    """

    vectors: Vectors
    classes: Vectors
    columns: Vectors
    kept: dict[Hashable, Any] = field(default_factory=dict, compare=False)

    @cached_property
    def precise(self) -> Scores:
        """Return the vectors in float64."""
        return self.vectors.astype(np.float64)

    @cached_property
    def rows(self) -> Rows:
        """Return the cosines with the classes, those with the two nearest in float64."""
        return Rows(
            product(self.vectors, self.columns),
            lambda places: self.dots(self.classes, places),
        )

    def dots(self, others: Floats, places: Places) -> Scores:
        """Return each image's product with its own one of `others` (M, D), computed in float64.

        The matrix product rounds a cosine to seven digits, of which tens of thousands of images
        are bound to share some.
        """
        chosen = others.take(places, axis=0).astype(np.float64)
        found: Scores = np.einsum("ij,ij->i", chosen, self.precise)
        return found


def digests(block: Vectors) -> Digests:
    """Return 64 bits for each row: equal for equal vectors, and almost never for others.

    The sum of the vector's bits, two numbers at a time, times random odd numbers, modulo 2^64.
    """
    if block.shape[1] % 2:
        block = np.pad(block, ((0, 0), (0, 1)))
    words = np.ascontiguousarray(block).view(np.uint64)
    factors = np.random.default_rng(0).integers(0, 2**64, words.shape[1], np.uint64) | np.uint64(1)
    # Without an array of products: the vectors of a bank may be gigabytes.
    sums: Digests = np.einsum("ij,j->i", words, factors)
    return sums ^ (sums >> np.uint64(32))


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""A batch of images as a user's score sees it: read-only arrays, each computed when it is read.

N images, K classes, D dimensions, M negatives, n images of the bank.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.score.formulas.bank import Bank, Integers
from oodcache.score.formulas.cosines import Places
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.tile import Tile, Vectors

NEGATIVES, BANK, COSINES = "negatives", "bank", "cosines"
GIVE: Mapping[str, str] = {what: f"give --{what} NAME" for what in (NEGATIVES, BANK)}
Numbers = TypeVar("Numbers", bound=np.generic)


@dataclass(frozen=True)
class BatchContext:
    """What a user's score may read besides the images; the references are None if not given.

    `give` has what to type for a missing reference. `used` collects the names of what was read.
    """

    classes: Vectors
    logit_scale: float
    logit_bias: float | None
    negatives: NegativeSums | None = None
    bank: Bank | None = None
    give: Mapping[str, str] = field(default_factory=lambda: GIVE)
    used: set[str] = field(default_factory=set)


@dataclass(frozen=True, eq=False)
class OwnBank:
    """The bank: unit `vectors` float32 (n, D); `labels` (n,) places in the classes, or -1."""

    vectors: Vectors
    labels: Integers


@dataclass(frozen=True, eq=False)
class Batch:
    """N images: unit `images` float32 (N, D), against unit `classes` float32 (K, D).

    `logit_scale` and `logit_bias` (None without one) are the model's own.
    """

    score: str
    images: Vectors
    classes: Vectors
    logit_scale: float
    logit_bias: float | None
    _context: BatchContext = field(repr=False)
    _cosines: Callable[[], Vectors] = field(repr=False)
    _nearest: Callable[[], Places] = field(repr=False)

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def cosines(self) -> Vectors:
        """Return the cosines with the classes, float32 (N, K)."""
        self._context.used.add(COSINES)
        return fixed(self._cosines())

    @cached_property
    def nearest(self) -> Places:
        """Return each image's nearest class, (N,)."""
        self._context.used.add(COSINES)
        return fixed(self._nearest())

    @cached_property
    def negatives(self) -> Vectors:
        """Return the unit vectors of the negative labels, float32 (M, D).

        Raises InputError without --negatives.
        """
        sums = self._context.negatives
        if sums is None:
            raise self._missing(NEGATIVES, "negatives")
        self._context.used.add(NEGATIVES)
        return fixed(sums.mined)

    @cached_property
    def bank(self) -> OwnBank:
        """Return the training images; raise InputError without --bank."""
        bank = self._context.bank
        if bank is None:
            raise self._missing(BANK, "a bank")
        self._context.used.add(BANK)
        return OwnBank(fixed(bank.vectors), fixed(bank.labels))

    def part(self, rows: slice) -> Batch:
        """Return some of the images: slices of the same arrays."""
        return Batch(
            *(self.score, self.images[rows], self.classes, self.logit_scale, self.logit_bias),
            *(self._context, lambda: self.cosines[rows], lambda: self.nearest[rows]),
        )

    def _missing(self, what: str, words: str) -> InputError:
        return InputError(f"{self.score} needs {words}: {self._context.give[what]}")


def batch_of(tile: Tile, context: BatchContext, score: str) -> Batch:
    """Return a tile's images, without its padding, as the batch of a `score`."""
    count = tile.count
    return Batch(
        *(score, fixed(tile.vectors[:count]), fixed(context.classes)),
        *(context.logit_scale, context.logit_bias, context),
        *(lambda: tile.cosines[:count], lambda: tile.nearest[:count]),
    )


def fixed(values: npt.NDArray[Numbers]) -> npt.NDArray[Numbers]:
    """Return a read-only view of an array."""
    view: npt.NDArray[Any] = values.view()
    view.flags.writeable = False
    return view

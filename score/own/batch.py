"""A batch of images as a user's score sees it: read-only copies, each made when it is read.

N images, K classes, D dimensions, M negatives, n images of the bank. Arrays are contiguous, so that
other libraries can read them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.score.formulas.bank import Bank, Integers
from oodcache.score.formulas.cosines import Places
from oodcache.score.formulas.definition import BANK, GIVE, NEGATIVES
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.tile import Tile, Vectors
from oodcache.score.own.fitted import OwnFit, OwnFits
from oodcache.score.own.shared import SharedArrays

COSINES = "cosines"
Numbers = TypeVar("Numbers", bound=np.generic)

Change = Callable[[str, Vectors], Vectors]


def unchanged(name: str, values: Vectors) -> Vectors:
    """Return the values of `batch.name` as they are."""
    return values


class MissingReferenceError(InputError):
    """A score reads the bank or the negatives, and none is given."""


@dataclass(frozen=True)
class BatchContext:
    """What a user's score may read besides the images; the references are None if not given.

    `give` has what to type for a missing reference. `used` collects the names of what was read,
    `shared` has the copies that all own scores of a run read, `fits` what they fitted. The score
    `is_checked` already if a detector was made with it. Without texts, `classes` and `logit_scale`
    are not to be read. Where it `is_fit` there are no images.
    """

    classes: Vectors
    logit_scale: float
    logit_bias: float | None
    negatives: NegativeSums | None = None
    bank: Bank | None = None
    give: Mapping[str, str] = field(default_factory=lambda: GIVE)
    used: set[str] = field(default_factory=set)
    shared: SharedArrays = field(default_factory=SharedArrays)
    is_checked: bool = False
    has_texts: bool = True
    is_fit: bool = False
    fits: OwnFits = field(default_factory=OwnFits)


@dataclass(frozen=True, eq=False)
class OwnBank:
    """The bank: unit `vectors` float32 (n, D); `labels` (n,) places in the classes, or -1."""

    vectors: Vectors
    labels: Integers


@dataclass(frozen=True, eq=False)
class Batch:
    """N images: unit `images` float32 (N, D), against unit `classes` float32 (K, D).

    `logit_scale` and `logit_bias` (None without one) are the model's own. What a score does to its
    arrays reaches no other score.
    """

    score: str
    _tile: Tile = field(repr=False)
    _context: BatchContext = field(repr=False)
    _rows: slice = field(default_factory=lambda: slice(None), repr=False)
    _change: Change = field(default=unchanged, repr=False)

    def __len__(self) -> int:
        return len(range(self._tile.count)[self._rows])

    @property
    def logit_scale(self) -> float:
        """Return the model's scale s, already exponentiated; raise InputError if it has none."""
        self._check_texts("logit_scale")
        return self._context.logit_scale

    @property
    def logit_bias(self) -> float | None:
        """Return the model's bias b, None if it has none."""
        return self._context.logit_bias

    @cached_property
    def images(self) -> Vectors:
        """Return the unit vectors of the images, float32 (N, D)."""
        return self._change("images", self._own("images", self._tile.vectors))

    @cached_property
    def cosines(self) -> Vectors:
        """Return the cosines with the classes, float32 (N, K)."""
        self._check_texts("cosines")
        self._context.used.add(COSINES)
        return self._change("cosines", self._own("cosines", self._tile.cosines))

    @cached_property
    def nearest(self) -> Places:
        """Return each image's nearest class, (N,)."""
        self._check_texts("nearest")
        self._context.used.add(COSINES)
        return self._own("nearest", self._tile.nearest)

    @cached_property
    def classes(self) -> Vectors:
        """Return the unit vectors of the classes, float32 (K, D)."""
        self._check_texts("classes")
        return self._vectors("classes", self._context.classes)

    @cached_property
    def negatives(self) -> Vectors:
        """Return the unit vectors of the negative labels, float32 (M, D).

        Raises InputError without --negatives.
        """
        sums = self._context.negatives
        if sums is None:
            raise self._missing(NEGATIVES, "negatives")
        self._context.used.add(NEGATIVES)
        return self._vectors(NEGATIVES, sums.mined)

    @cached_property
    def bank(self) -> OwnBank:
        """Return the training images; raise InputError without --bank."""
        bank, shared = self._context.bank, self._context.shared
        if bank is None:
            raise self._missing(BANK, "a bank")
        self._context.used.add(BANK)
        vectors = self._vectors("bank.vectors", bank.vectors)
        return OwnBank(vectors, shared.copy("bank.labels", bank.labels))

    def fitted(self, fit: Callable[..., Any], *given: Any) -> Any:
        """Return `fit(batch, *given)`, computed once per run: its batch has no images.

        `given` are numbers, such as parameters of the score.
        """

        def make() -> OwnFit:
            used: set[str] = set()
            tile = self._tile
            none = Tile(tile.vectors[:0], tile.classes, tile.columns)
            context = replace(self._context, used=used, is_fit=True)
            return OwnFit(fit(Batch(self.score, none, context), *given), frozenset(used))

        found = self._context.fits.of(fit, given, make)
        self._context.used.update(found.used - {COSINES})
        return found.value

    def part(self, rows: slice) -> Batch:
        """Return some of the images, as they were before a score read them."""
        return replace(self, _rows=rows)

    def changed(self, change: Change) -> Batch:
        """Return the same batch with a change of all its vectors and cosines."""
        return replace(self, _change=change)

    def _own(self, name: str, values: npt.NDArray[Numbers]) -> npt.NDArray[Numbers]:
        """Return this batch's images of an array; those of a whole set are too many to copy."""
        if self._context.is_fit:
            raise MissingReferenceError(
                f"{self.score} reads batch.{name} in a function of batch.fitted: a fitted batch "
                "has no images; read batch.bank, batch.classes or batch.negatives there"
            )
        real = values[: self._tile.count]
        if self._tile.is_whole:
            return self._context.shared.held(name, real)
        copy = real[self._rows].copy()
        copy.flags.writeable = False
        return copy

    def _vectors(self, name: str, values: Vectors) -> Vectors:
        return self._change(name, self._context.shared.copy(name, values))

    def _check_texts(self, name: str) -> None:
        """Raise MissingReferenceError for what an image-only model does not have."""
        if not self._context.has_texts:
            raise MissingReferenceError(
                f"{self.score} reads batch.{name}, but the model has no class texts: read "
                "batch.images and batch.bank, or use a model with texts"
            )

    def _missing(self, what: str, words: str) -> MissingReferenceError:
        return MissingReferenceError(f"{self.score} needs {words}: {self._context.give[what]}")

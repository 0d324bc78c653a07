"""A bank: training images that scores compare with, and quantities that several fits share.

n images of the bank, K classes, D dimensions. Quantities are computed once per bank.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Floats, Places, Scores
from oodcache.score.formulas.tile import TILE, Tile, Vectors, over_tiles

Integers = npt.NDArray[np.int64]
Made = TypeVar("Made")
Numbers = ParamSpec("Numbers")

# Rows held in float64 at a time, because a million would not fit.
BLOCK = 4096


@dataclass(frozen=True)
class Readout:
    """The nearest class of each image of a bank, its cosine, and `Rows.energy`: (n,) each."""

    best: Places
    top: Scores
    energy: Scores


@dataclass(frozen=True)
class Labelled:
    """The labelled images of a bank: their `rows`, and `labels` as places in `classes`.

    `classes` are the classes with an image, rising.
    """

    rows: Places
    labels: Places
    classes: Places


@dataclass(frozen=True, eq=False)
class Bank:
    """Training images: unit `vectors` float32 (n, D), `labels` (n,) places in the classes, or -1.

    `name` is the bank as typed; `classes` are unit vectors (K, D).
    """

    name: str
    vectors: Vectors
    labels: Integers
    classes: Vectors
    class_names: Sequence[str]
    logit_scale: float
    note: Callable[[str], None]
    labels_are_predictions: bool = False
    _made: dict[tuple[Any, ...], Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.vectors):
            raise InputError(f"bank {self.name}: contains no images; choose another dataset")

    def computed(
        self,
        make: Callable[Concatenate[Bank, Numbers], Made],
        *numbers: Numbers.args,
        **named: Numbers.kwargs,
    ) -> Made:
        """Return `make(bank, *numbers, **named)`, computed the first time only."""
        key = make, numbers, tuple(sorted(named.items()))
        if key not in self._made:
            self._made[key] = make(self, *numbers, **named)
        found: Made = self._made[key]
        return found

    @property
    def predicted(self) -> Places:
        """Return the nearest class of each image: (n,)."""
        return self.readout(1 / self.logit_scale).best

    def with_predictions(self) -> Bank:
        """Return the bank with its nearest classes as labels, without computing them again."""
        other = replace(self, labels=self.predicted.astype(np.int64), labels_are_predictions=True)
        other._made.update({key: made for key, made in self._made.items() if key[0] is _readout})
        return other

    def readout(self, temperature: float) -> Readout:
        """Return the nearest classes, cosines and energies of one pass, at a temperature."""
        return self.computed(_readout, temperature)

    @cached_property
    def labelled(self) -> Labelled:
        """Return the labelled images."""
        rows = np.flatnonzero(self.labels >= 0)
        classes, labels = np.unique(self.labels[rows], return_inverse=True)
        return Labelled(rows, labels, classes)

    def need_labels(self, score: str) -> None:
        """Raise InputError if no image has a label, or a class has no labelled image.

        With predicted labels, classes without images are skipped instead, with a note.
        """
        have = self.labelled.classes
        if not len(have):
            raise InputError(
                f"bank {self.name}: has no labels, which {score} needs; use --bank-labels predicted"
            )
        if self.labels_are_predictions:
            self.computed(note_skipped)
        elif len(have) < len(self.classes):
            missing = np.setdiff1d(np.arange(len(self.classes)), have)
            raise InputError(
                f"bank {self.name}: has no image of class {self.class_names[missing[0]]!r} "
                f"({len(missing):,} of {len(self.classes):,} classes have none), which {score} "
                "needs; use a bank with all classes, or --bank-labels predicted"
            )

    def blocks(self, rows: Places | None = None) -> Iterator[tuple[slice, Scores]]:
        """Yield (slice, vectors) in float64, block by block, of all images or of `rows`."""
        count = len(self.vectors if rows is None else rows)
        for start in range(0, count, BLOCK):
            part = slice(start, min(start + BLOCK, count))
            yield part, self.vectors[part if rows is None else rows[part]].astype(np.float64)

    @cached_property
    def columns(self) -> Vectors:
        """Return the contiguous transpose of the classes."""
        return np.ascontiguousarray(self.classes.T)

    def over_tiles(self, work: Callable[[Tile], Made]) -> Iterator[Made]:
        """Yield `work(tile)` for each tile of the bank, in order, computed by several threads."""

        def run(start: int) -> Made:
            with np.errstate(divide="ignore", over="ignore", under="ignore"):
                return work(Tile(self.vectors[start : start + TILE], self.classes, self.columns))

        # Few may wait: each result may be as large as the classes squared.
        return over_tiles(run, range(0, len(self.vectors), TILE), ahead=8)


def add_by_class(totals: Scores, rows: Floats, classes: Places) -> None:
    """Add each of `rows` (N, D) to the row of `totals` (K, D) given by `classes` (N,)."""
    order = np.argsort(classes, kind="stable")
    ordered = classes[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    totals[ordered[starts]] += np.add.reduceat(rows[order], starts, axis=0)


def note_skipped(bank: Bank) -> None:
    """Report the classes with no predicted images, which scores of predicted classes skip."""
    missing = np.setdiff1d(np.arange(len(bank.classes)), bank.predicted)
    if len(missing):
        bank.note(
            f"bank {bank.name}: {len(missing):,} of {len(bank.classes):,} classes have no "
            f"predicted images (such as {bank.class_names[missing[0]]!r}): scores of predicted "
            "classes skip them"
        )


def _readout(bank: Bank, temperature: float) -> Readout:
    def read(tile: Tile) -> Readout:
        return Readout(tile.rows.best, tile.rows.top, tile.rows.energy(temperature))

    tiles = list(bank.over_tiles(read))
    return Readout(
        best=np.concatenate([one.best for one in tiles]),
        top=np.concatenate([one.top for one in tiles]),
        energy=np.concatenate([one.energy for one in tiles]),
    )

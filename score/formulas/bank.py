"""A bank: training images that scores compare with, and what several fits need of them.

n images of the bank, K classes, D dimensions. What is computed from a bank once is kept with it.
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

# Rows that are held in float64 at a time: a million of them never are.
BLOCK = 4096


@dataclass(frozen=True)
class Readout:
    """What the classes say of each image of a bank: (n,) each.

    `best` is the nearest class, `top` the cosine with it, `energy` temperature · log mean
    exp(cosine / temperature), as `Rows.energy`.
    """

    best: Places
    top: Scores
    energy: Scores


@dataclass(frozen=True)
class Labelled:
    """The images of a bank that have a label: their `rows`, and `labels`, places in `classes`.

    `classes` are the classes that have an image, rising.
    """

    rows: Places
    labels: Places
    classes: Places


@dataclass(frozen=True, eq=False)
class Bank:
    """Training images: unit `vectors` float32 (n, D), `labels` (n,) places in the classes, or -1.

    `name` is what was typed, `classes` are unit vectors (K, D).
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
            raise InputError(f"bank {self.name}: has no image: give a data set that has some")

    def computed(
        self,
        make: Callable[Concatenate[Bank, Numbers], Made],
        *numbers: Numbers.args,
        **named: Numbers.kwargs,
    ) -> Made:
        """Return what `make` returns of this bank and the numbers, computed the first time only."""
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
        """Return the bank with its nearest classes for labels; they are not computed again."""
        other = replace(self, labels=self.predicted.astype(np.int64), labels_are_predictions=True)
        other._made.update({key: made for key, made in self._made.items() if key[0] is _readout})
        return other

    def readout(self, temperature: float) -> Readout:
        """Return what one pass over the bank finds at a temperature."""
        return self.computed(_readout, temperature)

    @cached_property
    def labelled(self) -> Labelled:
        """Return the images that have a label."""
        rows = np.flatnonzero(self.labels >= 0)
        classes, labels = np.unique(self.labels[rows], return_inverse=True)
        return Labelled(rows, labels, classes)

    def need_labels(self, score: str) -> None:
        """Raise InputError where no image has a label, or no image has that of some class.

        Classes that nothing was predicted to be are left out instead, which is said.
        """
        have = self.labelled.classes
        if not len(have):
            raise InputError(
                f"bank {self.name}: has no labels, which {score} needs: "
                "give --bank-labels predicted"
            )
        if self.labels_are_predictions:
            self.computed(note_left_out)
        elif len(have) < len(self.classes):
            missing = np.setdiff1d(np.arange(len(self.classes)), have)
            raise InputError(
                f"bank {self.name}: has no image of class {self.class_names[missing[0]]!r} "
                f"({len(missing):,} of {len(self.classes):,} classes have none), which {score} "
                "needs: give a bank with them, or --bank-labels predicted"
            )

    def blocks(self, rows: Places | None = None) -> Iterator[tuple[slice, Scores]]:
        """Yield the vectors, all or those of `rows`, in float64, some at a time, and which."""
        count = len(self.vectors if rows is None else rows)
        for start in range(0, count, BLOCK):
            part = slice(start, min(start + BLOCK, count))
            yield part, self.vectors[part if rows is None else rows[part]].astype(np.float64)

    @cached_property
    def columns(self) -> Vectors:
        """Return the transpose of the classes, contiguous."""
        return np.ascontiguousarray(self.classes.T)

    def over_tiles(self, work: Callable[[Tile], Made]) -> Iterator[Made]:
        """Yield what `work` returns of each tile of the bank, in order; some run at once."""

        def run(start: int) -> Made:
            with np.errstate(divide="ignore", over="ignore", under="ignore"):
                return work(Tile(self.vectors[start : start + TILE], self.classes, self.columns))

        # Few may wait: a result of one may be as large as the classes squared.
        return over_tiles(run, range(0, len(self.vectors), TILE), ahead=8)


def add_by_class(totals: Scores, rows: Floats, classes: Places) -> None:
    """Add each of `rows` (N, D) to the row of `totals` (K, D) that `classes` (N,) says."""
    order = np.argsort(classes, kind="stable")
    ordered = classes[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    totals[ordered[starts]] += np.add.reduceat(rows[order], starts, axis=0)


def note_left_out(bank: Bank) -> None:
    """Say which classes no image of the bank is nearest to, if there are some."""
    missing = np.setdiff1d(np.arange(len(bank.classes)), bank.predicted)
    if len(missing):
        bank.note(
            f"bank {bank.name}: no image is nearest to {len(missing):,} of {len(bank.classes):,} "
            f"classes (one is {bank.class_names[missing[0]]!r}): scores of predicted classes leave "
            "them out"
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

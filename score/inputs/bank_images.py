"""The images of a bank: a cached training set, whole or N images per class."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Note
from oodcache.score.formulas.bank import BLOCK, Bank, add_by_class
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Vectors
from oodcache.score.inputs.labels import targets
from oodcache.score.inputs.question import OWN, PREDICTED, Question
from oodcache.score.inputs.selection import SMALLEST_MEAN, Prompted, Selection, open_set
from oodcache.score.inputs.views import Integers, View
from oodcache.score.measures.result import MEANS
from oodcache.score.onepass.onepass import Classes


@dataclass(frozen=True)
class BankImages:
    """Training images as requested: `name` is NAME or NAME:N, N images per class.

    `labels` (n,) are the classes of the images of `view`, -1 for none; None means predicted labels.
    """

    name: str
    view: View
    per_class: int | None
    labels: Integers | None
    class_names: tuple[str, ...]
    seed: int

    @property
    def whose_labels(self) -> str:
        """Return OWN or PREDICTED."""
        return PREDICTED if self.labels is None else OWN

    @property
    def targets(self) -> Integers:
        """Return the images' classes, -1 for none and for labels still to be predicted."""
        return np.full(len(self.view.rows), -1) if self.labels is None else self.labels

    def against(self, classes: Classes, note: Note) -> Bank:
        """Return the bank for these class vectors."""
        whole = self._bank(self.vectors, self.targets, classes, note)
        if self.labels is None:
            whole = whole.with_predictions()
        if self.per_class is None:
            return whole
        rows = self._drawn(self.per_class, whole.labels, note)
        drawn = self._bank(self.vectors[rows], whole.labels[rows], classes, note)
        return drawn if self.labels is not None else drawn.with_predictions()

    def prompted(self) -> Prompted:
        """Return the classes of a model without texts: the unit means of the bank's images.

        Raises InputError if the images of a class cancel out. A bank without labels is one class.
        """
        assert self.labels is not None, "predicted labels need class texts"
        labels, vectors = self.labels, self.vectors
        if self.per_class is not None:
            rows = self._drawn(self.per_class, labels, lambda text: None)
            labels, vectors = labels[rows], vectors[rows]
        if (labels < 0).all():
            labels = np.zeros_like(labels)
        means = _means(vectors, labels, len(self.class_names))
        norm = np.linalg.norm(means, axis=1, keepdims=True)
        if norm.min() < SMALLEST_MEAN:
            name = self.class_names[int(norm.argmin())]
            raise InputError(f"bank {self.name}: the images of class {name!r} cancel out")
        name, count = self.view.file.path.stem, len(self.class_names)
        vectors = (means / norm).astype(np.float32)
        return Prompted(name, MEANS, (), self.class_names, ("",) * count, vectors)

    def _bank(self, vectors: Vectors, labels: Integers, classes: Classes, note: Note) -> Bank:
        return Bank(
            name=self.name,
            vectors=vectors,
            labels=labels,
            classes=classes.vectors,
            class_names=self.class_names,
            logit_scale=classes.logit_scale,
            note=note,
        )

    def _drawn(self, per_class: int, labels: Integers, note: Note) -> Integers:
        """Return a random sample of rows, `per_class` of each class."""
        generator, rows, few = np.random.default_rng(self.seed), [], 0
        for place in range(len(self.class_names)):
            members = np.flatnonzero(labels == place)
            few += len(members) < per_class
            rows.append(generator.permutation(members)[:per_class])
        if few:
            note(
                f"--bank {self.name}: {few:,} of {len(self.class_names):,} classes have fewer than "
                f"{per_class} images; all of theirs are used"
            )
        return np.sort(np.concatenate(rows))

    @cached_property
    def vectors(self) -> Vectors:
        """Return the unit vectors of the view's images, all in memory."""
        vectors = np.empty((len(self.view.rows), self.view.file.dimension), np.float32)
        done = 0
        for block in self.view.blocks():
            vectors[done : done + len(block)] = block
            done += len(block)
        return vectors


def open_bank(question: Question, selection: Selection, note: Note) -> BankImages:
    """Return the bank of a question, NAME or NAME:N, for one of its models.

    Its labels are matched to the classes like those of the ID set; images of other classes are
    skipped. Raises InputError if the set is missing, does not match, or has no labels to draw N by.
    """
    assert question.bank is not None
    typed, seed = question.bank, question.bank_seed
    name, colon, number = typed.partition(":")
    if colon and not re.fullmatch("[1-9][0-9]{0,8}", number):
        raise InputError(f"--bank {typed}: give NAME, or NAME:N for N images per class")
    view = View(typed, open_set(question, selection, name), None)
    per_class = int(number) if colon else None
    names = tuple(selection.class_names)
    if question.bank_labels == PREDICTED:
        return BankImages(typed, view, per_class, None, names, seed)
    target = targets(view.labels, selection.match(view.file))
    others = (view.labels >= 0) & (target < 0)
    if others.all():
        raise InputError(
            f"--bank {typed}: no image has a label among the classes of "
            f"{selection.reference.path.stem}; use --bank-labels predicted, or another bank"
        )
    if others.any():
        note(f"--bank {typed}: {others.sum():,} images of other classes are skipped")
    if per_class and (target < 0).all():
        instead = "use --bank-labels predicted" if selection.texts else f"give --bank {name}"
        raise InputError(f"--bank {typed}: has no labels; {instead}")
    kept = View(typed, view.file, None, only=view.rows[~others])
    return BankImages(typed, kept, per_class, target[~others], names, seed)


def _means(vectors: Vectors, labels: Integers, classes: int) -> Scores:
    """Return the mean of the images of each class, (K, D); those with label -1 have none."""
    sums = np.zeros((classes, vectors.shape[1]))
    for start in range(0, len(vectors), BLOCK):
        block, own = vectors[start : start + BLOCK], labels[start : start + BLOCK]
        add_by_class(sums, block[own >= 0].astype(np.float64), own[own >= 0])
    means: Scores = sums / np.bincount(labels[labels >= 0], minlength=classes)[:, None]
    return means

"""A detector: one score, all that it is computed from, and the threshold of images that calibrated.

What its score is fitted to is computed again from the same arrays, which gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.format.identity import IMPORTED, OVERRIDDEN, ModelIdentity
from oodcache.detect.conformal import Threshold
from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import LEARNED
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.tile import Vectors
from oodcache.score.inputs.files import brief
from oodcache.score.inputs.selection import Prompted
from oodcache.score.onepass.onepass import Classes, fit_all, score_images
from oodcache.score.onepass.variants import Variant

PROBABLE = Variant("mcm", {"temperature": LEARNED})
PROBABLE_SIGMOID = Variant("sigmoid-mcm", {"scale": LEARNED, "bias": LEARNED})
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NegativeWords:
    """The negatives that the score sums over, in their order: unit `vectors` float32 (M, D)."""

    name: str
    words: tuple[str, ...]
    vectors: Vectors


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """The bank: unit `vectors` float32 (n, D), `labels` (n,) places in the classes, or -1."""

    name: str
    labels_are_predictions: bool
    vectors: Vectors
    labels: Integers


@dataclass(frozen=True)
class Tried:
    """A score that was tried, as it is typed, and its AUROC on the images that select."""

    score: str
    auroc: float


@dataclass(frozen=True)
class ScoreChoice:
    """How the score was chosen among several: by the AUROC of `inside` against `outside`.

    `selecting` counts the images of `inside` that chose, none of which calibrated. They are a half
    of the set that calibrates, drawn by `seed`, where `is_half`.
    """

    inside: str
    outside: str
    is_half: bool
    seed: int
    selecting: int
    tried: tuple[Tried, ...]


@dataclass(frozen=True, eq=False)
class Scorer:
    """A score and all that it is computed from; `negatives` or `bank` where it needs them."""

    model: ModelIdentity
    texts: Prompted
    variant: Variant
    negatives: NegativeWords | None = None
    bank: TrainingImages | None = None

    def ranked(self, blocks: Iterable[Vectors], rows: int) -> Scores:
        """Return the ranking form of the score for `rows` unit vectors, float32 (n, D) blocks."""
        found: Scores = score_images(
            blocks, rows, self.classes, [self.variant], fits=[self.fit]
        ).scores[0]
        return found

    def shown(self, ranked: Scores) -> Scores:
        """Return the paper's form of the score, from its ranking form."""
        return self.classes.shown(self.variant, ranked)

    @cached_property
    def classes(self) -> Classes:
        """Return what images are compared with."""
        assert self.model.logit_scale is not None  # The file's reader, or rule F8.
        return Classes(self.texts.vectors, self.model.logit_scale, self.model.logit_bias)

    @cached_property
    def fit(self) -> Any:
        """Return what the score is fitted to, None for one that needs no fit."""
        sums = bank = None
        if self.negatives is not None:
            vectors = self.negatives.vectors
            sums = NegativeSums(self.negatives.name, lambda **which: vectors)
        if self.bank is not None:
            bank = Bank(
                name=self.bank.name,
                vectors=self.bank.vectors,
                labels=self.bank.labels,
                classes=self.classes.vectors,
                class_names=self.texts.names,
                logit_scale=self.classes.logit_scale,
                note=lambda text: None,  # It was said when the detector was made.
                labels_are_predictions=self.bank.labels_are_predictions,
            )
        return fit_all([self.variant], self.classes, sums, bank)[0]


@dataclass(frozen=True, eq=False)
class Judged:
    """What a detector says of n images, an array (n,) each.

    `scores` are in the paper's form; `nearest` are places in the classes, with the `probability`
    that the model itself gives to that class.
    """

    is_in: npt.NDArray[np.bool_]
    scores: Scores
    p_values: Scores
    nearest: npt.NDArray[np.intp]
    probability: Scores


@dataclass(frozen=True, eq=False)
class SavedDetector:
    """A detector as its file has it.

    `load` is what `--model` loads again. `preprocessing` and `precision` are those of the images
    that calibrated, which were `calibrated_on`; `choice` is None where one score was given.
    """

    scorer: Scorer
    threshold: Threshold
    load: str
    preprocessing: Mapping[str, Any]
    precision: Mapping[str, Any]
    calibrated_on: str
    choice: ScoreChoice | None
    provenance: Mapping[str, Any]

    @property
    def model(self) -> ModelIdentity:
        """Return the model whose vectors it judges."""
        return self.scorer.model

    @property
    def is_imported(self) -> bool:
        """Say if another program encoded the images that calibrated, nobody knows how."""
        return IMPORTED in self.preprocessing

    @property
    def dimension(self) -> int:
        """Return how many numbers a vector has."""
        return int(self.scorer.texts.vectors.shape[1])

    def judge(self, vectors: Vectors) -> Judged:
        """Return what it says of images' unit vectors, float32 (n, D).

        The probability is σ(s·c + b) where the model has a bias, else the softmax over the classes
        at the model's own scale.
        """
        scorer = self.scorer
        probable = PROBABLE if self.model.logit_bias is None else PROBABLE_SIGMOID
        scored = score_images(
            *([vectors], len(vectors), scorer.classes, [scorer.variant, probable]),
            fits=[scorer.fit, None],
        )
        ranked = scored.scores[0]
        if np.isnan(ranked).any():
            raise InputError(f"{scorer.variant.label} gives NaN for an image: that has no rank")
        return Judged(
            is_in=self.threshold.keeps(ranked),
            scores=scorer.shown(ranked),
            p_values=self.threshold.p_values(ranked),
            nearest=scored.best,
            probability=scorer.classes.shown(probable, scored.scores[1]),
        )

    def check_model(self, found: ModelIdentity, what: str, advice: str) -> None:
        """Refuse a model that is not the one that was calibrated; `what` has or is it."""
        if found.weights != self.model.weights:
            raise InputError(
                f"{what}: weights {brief(found.weights)}, but the detector was calibrated with "
                f"{brief(self.model.weights)}: {advice}"
            )
        both = found.architecture and self.model.architecture
        if both and found.architecture != self.model.architecture:
            raise InputError(
                f"{what}: another architecture than the detector was calibrated with, though with "
                f"the same weights: {advice}"
            )

    def check_preprocessing(self, found: Mapping[str, Any], what: str, advice: str) -> None:
        """Refuse images that the model sees otherwise than those that calibrated."""
        names = sorted({*found, *self.preprocessing} - {OVERRIDDEN})
        for name in names:
            if found.get(name) != self.preprocessing.get(name):
                raise InputError(
                    f"{what}: preprocessed with {name} {found.get(name)!r}, the images that "
                    f"calibrated with {self.preprocessing.get(name)!r}: {advice}"
                )

    def check_set(self, images: ImageFile) -> None:
        """Refuse a cached data set whose vectors are not like those that calibrated."""
        again = "extract it anew as the calibration images were, or calibrate on images like these"
        self.check_model(images.identity.model, str(images.path), again)
        self.check_vectors(images.dimension, str(images.path))
        if not (self.is_imported or images.identity.is_imported):
            self.check_preprocessing(images.identity.encoding, str(images.path), again)

    def check_vectors(self, dimension: int, what: str) -> None:
        """Refuse vectors of another dimension than the classes'."""
        if dimension != self.dimension:
            raise InputError(
                f"{what}: vectors of {dimension} numbers, but the detector's have "
                f"{self.dimension}: give vectors of {self.model.label}"
            )

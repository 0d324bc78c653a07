"""A detector: one score, its inputs, and a calibrated threshold.

Fits are recomputed from the same arrays, which gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.format.identity import IMPORTED, OVERRIDDEN, ModelIdentity
from oodcache.cache.watch import Note
from oodcache.detect.conformal import Threshold
from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import BANK, GIVE, LEARNED, NEGATIVES
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.tile import Vectors
from oodcache.score.inputs.files import brief
from oodcache.score.inputs.selection import Prompted
from oodcache.score.onepass.onepass import Classes, fit_all, score_images
from oodcache.score.onepass.variants import Variant
from oodcache.score.own.batch import BatchContext
from oodcache.score.references import used_by

PROBABLE = Variant("mcm", {"temperature": LEARNED})
PROBABLE_SIGMOID = Variant("sigmoid-mcm", {"scale": LEARNED, "bias": LEARNED})
FAST = ("torchvision", "pillow")  # The decoders with --fast-decode and without.
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NegativeWords:
    """The negative labels that the score sums over: unit `vectors` float32 (M, D)."""

    name: str
    words: tuple[str, ...]
    vectors: Vectors


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """The bank: unit `vectors` float32 (n, D), `labels` (n,) class indices, or -1."""

    name: str
    labels_are_predictions: bool
    vectors: Vectors
    labels: Integers


@dataclass(frozen=True)
class Tried:
    """A score that was tried, as typed, and its AUROC on the images that choose."""

    score: str
    auroc: float


@dataclass(frozen=True)
class ScoreChoice:
    """How the score was chosen from several: by the AUROC of `inside` against `outside`.

    `selecting` counts the images of `inside` that chose; none of them calibrated. If `is_half`,
    they are a half of the calibration set, drawn with `seed`.
    """

    inside: str
    outside: str
    is_half: bool
    seed: int
    selecting: int
    tried: tuple[Tried, ...]


@dataclass(frozen=True, eq=False)
class Scorer:
    """A score and all its inputs, including `negatives` or `bank` if it needs them.

    `give` has what to type for one that a user's score reads and that is None.
    """

    model: ModelIdentity
    texts: Prompted
    variant: Variant
    negatives: NegativeWords | None = None
    bank: TrainingImages | None = None
    give: Mapping[str, str] = field(default_factory=lambda: GIVE)

    def read(self, note: Note) -> Scorer:
        """Return the scorer without the references that a user's score did not read; note those."""
        used = used_by(self.variant, self.fit)
        for what, one in ((NEGATIVES, self.negatives), (BANK, self.bank)):
            if one is not None and what not in used:
                note(f"--{what} {one.name}: unused by {self.variant.label}")
        negatives = self.negatives if NEGATIVES in used else None
        return replace(self, negatives=negatives, bank=self.bank if BANK in used else None)

    def ranked(self, blocks: Iterable[Vectors], rows: int) -> Scores:
        """Return the ranking form of the score for `rows` unit vectors, float32 (n, D) blocks."""
        found: Scores = score_images(
            blocks, rows, self.classes, [self.variant], fits=[self.fit]
        ).scores[0]
        return found

    def shown(self, ranked: Scores) -> Scores:
        """Return the published form of the score, from its ranking form."""
        return self.classes.shown(self.variant, ranked)

    @cached_property
    def classes(self) -> Classes:
        """Return the classes that images are compared with."""
        assert self.model.logit_scale is not None  # The file's reader, or rule F8.
        return Classes(self.texts.vectors, self.model.logit_scale, self.model.logit_bias)

    @cached_property
    def fit(self) -> Any:
        """Return the score's fit, None if it needs none."""
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
                note=lambda text: None,  # Already reported during calibration.
                labels_are_predictions=self.bank.labels_are_predictions,
            )
        return fit_all([self.variant], self.classes, sums, bank, give=self.give)[0]


@dataclass(frozen=True, eq=False)
class Judged:
    """A detector's judgement of n images, arrays (n,).

    `scores` are in the published form; `nearest` are class indices, with the `probability` that
    the model itself gives to that class.
    """

    is_in: npt.NDArray[np.bool_]
    scores: Scores
    p_values: Scores
    nearest: npt.NDArray[np.intp]
    probability: Scores


@dataclass(frozen=True, eq=False)
class SavedDetector:
    """A detector as in its file.

    `load` is the `--model` that loads it again. `preprocessing` and `precision` are those of the
    calibration set, `calibrated_on`; `choice` is None if a single score was given.
    `probe` are scores of a user's score that its code must give again, None if not known.
    """

    scorer: Scorer
    threshold: Threshold
    load: str
    preprocessing: Mapping[str, Any]
    precision: Mapping[str, Any]
    calibrated_on: str
    choice: ScoreChoice | None
    provenance: Mapping[str, Any]
    probe: Scores | None = None

    @property
    def model(self) -> ModelIdentity:
        """Return the model whose embeddings it judges."""
        return self.scorer.model

    @property
    def is_imported(self) -> bool:
        """Return whether the calibration set was imported, so its preprocessing is unknown."""
        return IMPORTED in self.preprocessing

    @property
    def dimension(self) -> int:
        """Return the dimension of the embeddings."""
        return int(self.scorer.texts.vectors.shape[1])

    def judge(self, vectors: Vectors) -> Judged:
        """Return the judgement of unit vectors, float32 (n, D).

        The probability is σ(s·c + b) if the model has a bias, otherwise the softmax over the
        classes at the model's own scale.
        """
        scorer = self.scorer
        probable = PROBABLE if self.model.logit_bias is None else PROBABLE_SIGMOID
        scored = score_images(
            *([vectors], len(vectors), scorer.classes, [scorer.variant, probable]),
            fits=[checked(scorer.fit), None],
        )
        ranked = scored.scores[0]
        if np.isnan(ranked).any():
            raise InputError(
                f"{scorer.variant.label} gives NaN for an image, which cannot be ranked"
            )
        return Judged(
            is_in=self.threshold.keeps(ranked),
            scores=scorer.shown(ranked),
            p_values=self.threshold.p_values(ranked),
            nearest=scored.best,
            probability=scorer.classes.shown(probable, scored.scores[1]),
        )

    def check_model(self, found: ModelIdentity, what: str, advice: str) -> None:
        """Raise InputError unless `found`, the model of `what`, is the detector's."""
        if found.weights != self.model.weights:
            raise InputError(
                f"{what}: weights {brief(found.weights)}, but the detector was calibrated with "
                f"{brief(self.model.weights)}; {advice}"
            )
        both = found.architecture and self.model.architecture
        if both and found.architecture != self.model.architecture:
            raise InputError(f"{what}: the detector's weights, but another architecture; {advice}")

    def check_preprocessing(self, found: Mapping[str, Any], what: str, advice: str) -> None:
        """Raise InputError if the preprocessing differs from the calibration set's."""
        decoders = (found.get("decoder"), self.preprocessing.get("decoder"))
        if decoders in (FAST, FAST[::-1]):
            words = ("with", "without") if decoders == FAST else ("without", "with")
            raise InputError(
                f"{what}: extracted {words[0]} --fast-decode, but the calibration set {words[1]}; "
                f"{advice}"
            )
        for name in sorted({*found, *self.preprocessing} - {OVERRIDDEN}):
            if found.get(name) != self.preprocessing.get(name):
                raise InputError(
                    f"{what}: preprocessed with {name} {found.get(name)!r}, but the calibration "
                    f"set with {self.preprocessing.get(name)!r}; {advice}"
                )

    def check_set(self, images: ImageFile) -> None:
        """Raise InputError if a cached dataset was extracted unlike the calibration set."""
        again = "extract it with the options of the calibration set, or calibrate again"
        self.check_model(images.identity.model, str(images.path), again)
        self.check_vectors(images.dimension, str(images.path))
        if not (self.is_imported or images.identity.is_imported):
            self.check_preprocessing(images.identity.encoding, str(images.path), again)

    def check_vectors(self, dimension: int, what: str) -> None:
        """Raise InputError if the dimension is not the detector's."""
        if dimension != self.dimension:
            raise InputError(
                f"{what}: embeddings of dimension {dimension}, but the detector's have "
                f"{self.dimension}; use embeddings of {self.model.label}"
            )


def checked(fit: Any) -> Any:
    """Return a fit whose score, if it is a user's, was checked when the detector was made."""
    return replace(fit, is_checked=True) if isinstance(fit, BatchContext) else fit

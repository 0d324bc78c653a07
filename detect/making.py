"""Making of a detector from the cache: its score, chosen if there are several, and threshold.

No calibration image is in the bank or among the images that choose the score.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.detect.conformal import Threshold, calibrate
from oodcache.detect.detector import (
    NegativeWords,
    ScoreChoice,
    Scorer,
    TrainingImages,
    Tried,
)
from oodcache.detect.file import LARGEST
from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import ANY, BANK, NEGATIVES
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.tile import Digests, Vectors, digests
from oodcache.score.inputs.question import Question, Template, bank_label
from oodcache.score.inputs.selection import Prompted, Selection, prompted
from oodcache.score.inputs.views import View, shared
from oodcache.score.measures.metrics import auroc
from oodcache.score.onepass.onepass import Classes, fit_all, score_images
from oodcache.score.onepass.variants import Variant
from oodcache.score.references import References


@dataclass(frozen=True)
class DetectorRequest:
    """Request for a detector: a question without OOD sets, and the threshold's `alpha`.

    `question.select_on` is the OOD set to choose the score by, if any. `select_id` are the ID
    images that choose, None for a random half of `question.id_set`.
    """

    question: Question
    alpha: float
    confidence: float | None = None
    select_id: str | None = None

    def __post_init__(self) -> None:
        _check_share("alpha", self.alpha)
        if self.confidence is not None:
            _check_share("confidence", self.confidence)

    @property
    def sets(self) -> Question:
        """Return the question with the sets that choose the score as its OOD sets."""
        others = (self.question.select_on, self.select_id)
        ood_sets = [one for one in others if one is not None]
        return replace(self.question, ood_sets=ood_sets, select_on=None)


class Calibration:
    """The steps from files to a detector, and their shared state."""

    def __init__(
        self,
        request: DetectorRequest,
        selection: Selection,
        texts: Prompted,
        references: References,
        watch: Watch,
    ) -> None:
        self._request, self._selection, self._texts = request, selection, texts
        self._references, self._watch = references, watch
        self._seed = request.question.conventions.seed
        model = selection.model
        assert model.logit_scale is not None  # Rule F8.
        self._classes = Classes(texts.vectors, model.logit_scale, model.logit_bias)
        self._bank: Bank | None = None
        if references.bank is not None:
            self._bank = references.bank.against(self._classes, watch.note)
            _check_size(references.bank.name, self._bank.vectors)

    def chosen(self, variants: Sequence[Variant]) -> tuple[View, ScoreChoice | None, Variant]:
        """Return the calibration images, how the score was chosen, and the score."""
        view, *others = self._selection.views
        if not others and self._bank is None:
            return view, None, variants[0]
        of_view = self._digests(view)
        self._check_bank(view, of_view)
        if not others:
            return view, None, variants[0]
        of_outside = self._digests(others[0])
        _check_apart(view, of_view, "--select-on", others[0], of_outside)
        self._check_bank(others[0], of_outside)
        if self._request.select_id is not None:
            selecting, calibrating = others[1], view
            of_selecting = self._digests(selecting)
            _check_apart(view, of_view, "--select-id", selecting, of_selecting)
            self._check_bank(selecting, of_selecting)
        else:
            chosen = half(of_view, self._seed)
            selecting = replace(view, only=view.rows[chosen])
            calibrating = replace(view, only=view.rows[~chosen])
            _check_half(view, chosen)
            self._watch.note(
                f"{view.name}: {chosen.sum():,} images, drawn with --seed {self._seed}, choose "
                f"the score; the other {(~chosen).sum():,} calibrate it"
            )
        tried = self._tried(variants, selecting, others[0])
        choice = ScoreChoice(
            inside=printed(selecting.name),
            outside=printed(others[0].name),
            is_half=self._request.select_id is None,
            seed=self._seed,
            selecting=len(selecting.rows),
            tried=tuple(tried),
        )
        best = max(range(len(tried)), key=lambda place: tried[place].auroc)
        return calibrating, choice, variants[best]

    def scorer(self, variant: Variant) -> Scorer:
        """Return a score with all its inputs."""
        needs, given = variant.definition.needs, self._references
        has_words = needs == NEGATIVES or (needs == ANY and given.mined is not None)
        has_bank = needs == BANK or (needs == ANY and given.bank is not None)
        return Scorer(
            model=self._selection.model,
            texts=self._texts,
            variant=variant,
            negatives=self._words(variant) if has_words else None,
            bank=self._training_images() if has_bank else None,
            give=given.give,
        )

    def threshold(self, scorer: Scorer, view: View) -> Threshold:
        with self._watch.progress(f"score {view.name}", len(view.rows), "images") as advance:

            def blocks() -> Iterator[Vectors]:
                for block in view.blocks():
                    yield block
                    advance(len(block))

            scores = scorer.ranked(blocks(), len(view.rows))
        try:
            return calibrate(scores, self._request.alpha, self._request.confidence)
        except InputError as error:
            raise InputError(f"{view.name}: {error}") from None

    def _tried(self, variants: Sequence[Variant], inside: View, outside: View) -> list[Tried]:
        fits = self._references.fit(variants, self._classes, self._watch).each

        def scores(view: View) -> Scores:
            with self._watch.progress(f"score {view.name}", len(view.rows), "images") as advance:
                found = score_images(
                    *(view.blocks(), len(view.rows), self._classes, variants), fits=fits
                )
                advance(len(view.rows))
            return found.scores

        rows = zip(variants, scores(inside), scores(outside), strict=True)
        return [Tried(one.label, auroc(id_row, ood_row)) for one, id_row, ood_row in rows]

    def _words(self, variant: Variant) -> NegativeWords:
        """Return the negative labels that a score sums over, as its parameters select them."""
        mined, which = self._references.mined, dict[str, Any]()
        assert mined is not None

        def choose(
            *, percentile: float | None = None, number: int | None = None, csp: bool = False
        ) -> Vectors:
            which.update(percentile=percentile, number=number, csp=csp)
            return mined.vectors(percentile=percentile, number=number, csp=csp)

        name = mined.negatives.name
        if variant.definition.needs == NEGATIVES:
            fit_all([variant], self._classes, NegativeSums(name, choose))
        return NegativeWords(name, tuple(mined.words(**which)), mined.vectors(**which))

    def _training_images(self) -> TrainingImages:
        bank, images = self._bank, self._references.bank
        assert bank is not None and images is not None
        name = bank_label(images.name, images.whose_labels)
        return TrainingImages(
            name, bank.labels_are_predictions, bank.vectors, bank.labels.astype(np.int64)
        )

    def _digests(self, view: View) -> Digests:
        return np.concatenate([digests(block) for block in view.blocks()])

    def _check_bank(self, view: View, own: Digests) -> None:
        """Raise InputError for images in the bank: new images would score differently."""
        if self._bank is None:
            return
        if count := shared(digests(self._bank.vectors), own):
            raise InputError(
                f"{view.name}: {count:,} of {len(own):,} images are also in the bank "
                f"{self._bank.name} (equal embeddings); use a set without them, or another --bank"
            )


def _check_share(name: str, value: object) -> None:
    if not isinstance(value, (int, float)) or not 0 < value < 1:
        raise InputError(f"{name} is {value!r}, not a share above 0 and below 1, such as 0.05")


def only(selection: Selection, templates: Sequence[Template]) -> Prompted:
    """Return the class vectors of the template; raise InputError if there are several."""
    prompts = prompted(selection, templates)
    if len(prompts) > 1:
        raise InputError(
            f"--template {templates[0]} is {len(prompts)} templates here, but a detector has one; "
            "use --template average, or one of them"
        )
    return prompts[0]


def half(of_images: Digests, seed: int) -> npt.NDArray[np.bool_]:
    """Return which images are in a random half; images with equal vectors stay together.

    `of_images` (n,) is equal for images with equal vectors. The half has at most n / 2 images.

    >>> half(np.array([7, 7, 7, 7], np.uint64), 0).sum()
    np.int64(0)
    """
    groups, group, sizes = np.unique(of_images, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(groups))
    fits = np.zeros(len(groups), bool)
    fits[order] = np.cumsum(sizes[order]) <= len(of_images) // 2
    inside: npt.NDArray[np.bool_] = fits[group]
    return inside


def printed(text: str) -> str:
    """Return a text for JSON, with bytes of paths that are not UTF-8 escaped."""
    return text.encode(errors="backslashreplace").decode()


def _check_apart(view: View, own: Digests, option: str, other: View, of_other: Digests) -> None:
    if count := shared(of_other, own):
        raise InputError(
            f"{view.name}: {count:,} of {len(own):,} images are also in {option} {other.name} "
            "(equal embeddings), but images that choose the score must not calibrate it; use "
            "another set"
        )


def _check_half(view: View, chosen: npt.NDArray[np.bool_]) -> None:
    if not chosen.any() or chosen.all():
        raise InputError(
            f"{view.name}: {len(chosen):,} images cannot be split in two, or all embeddings are "
            "equal; give more images, or a set that chooses with --select-id"
        )


def _check_size(typed: str, vectors: Vectors) -> None:
    if vectors.size > LARGEST:
        raise InputError(
            f"--bank {typed}: {len(vectors):,} images of {vectors.shape[1]} numbers are more than "
            f"the {LARGEST:,} numbers that a detector holds; limit the images per class, as in "
            f"--bank {typed.partition(':')[0]}:16"
        )

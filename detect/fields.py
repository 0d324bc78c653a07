"""Fields of a detector's file: written, and read as untrusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.format.identity import FILE_NAME, ModelIdentity
from oodcache.cache.format.json_fields import Fields
from oodcache.cache.format.rules import NORM_TOLERANCE, shown
from oodcache.detect.conformal import Threshold, place
from oodcache.detect.detector import (
    NegativeWords,
    SavedDetector,
    ScoreChoice,
    Scorer,
    TrainingImages,
    Tried,
)
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import ANY, Score
from oodcache.score.formulas.registry import SCORES
from oodcache.score.inputs.selection import COSINE_MEAN, Prompted
from oodcache.score.onepass.variants import Variant, check_score
from oodcache.score.own.function import OwnScore
from oodcache.score.own.given_again import code_of

AGAIN = "calibrate again"
NO_CODE: Mapping[str, OwnScore] = {}
Stored = Callable[[str, npt.NDArray[Any]], dict[str, Any]]


def infinite(value: float) -> float | str:
    """Return a number for JSON, which has no infinity.

    >>> infinite(0.5), infinite(-np.inf)
    (0.5, '-inf')
    """
    return value if np.isfinite(value) else str(float(value))


def of(detector: SavedDetector, stored: Stored) -> dict[str, Any]:
    """Return the fields of a detector's file; `stored` converts arrays."""
    scorer, threshold = detector.scorer, detector.threshold
    texts, words, bank = scorer.texts, scorer.negatives, scorer.bank

    def with_arrays(one: Any) -> dict[str, Any]:
        return {
            name: stored(name, value) if isinstance(value, np.ndarray) else value
            for name, value in vars(one).items()
        }

    return {
        "model": {**asdict(scorer.model), "load": detector.load},
        "images": {
            "name": detector.calibrated_on,
            "preprocessing": dict(detector.preprocessing),
            "precision": dict(detector.precision),
        },
        "score": _of_variant(scorer.variant, detector.probe, stored),
        "threshold": {
            "alpha": threshold.alpha,
            "confidence": threshold.confidence,
            "n": threshold.n,
            "k": threshold.k,
            "ranking": infinite(threshold.value),
            "shown": infinite(float(scorer.shown(np.array([threshold.value]))[0])),
            "bound": {"confidence": threshold.of_set, "refused": threshold.bound},
            "scores": stored("scores", threshold.scores),
        },
        "choice": None if detector.choice is None else asdict(detector.choice),
        "classes": with_arrays(texts),
        "negatives": None if words is None else with_arrays(words),
        "bank": None if bank is None else with_arrays(bank),
        "provenance": dict(detector.provenance),
    }


def detector(given: Fields, own: Mapping[str, OwnScore] = NO_CODE) -> SavedDetector:
    """Return the detector in the fields; raise ValueError or InputError if they are wrong.

    `own` has the user's own scores, given again.
    """
    given.expect(
        *("model", "images", "score", "threshold", "choice"),
        *("classes", "negatives", "bank", "provenance"),
    )
    of_images = given.inner("images", "name", "preprocessing", "precision")
    model, load = _model(given)
    texts = _texts(given)
    variant = _variant(given, own)
    scorer = Scorer(model, texts, variant, _negatives(given, texts), _bank(given, texts))
    needs = variant.definition.needs
    for name, found in (("negatives", scorer.negatives), ("bank", scorer.bank)):
        if needs != ANY and (found is not None) != (needs == name):
            what = "unexpected" if found is not None else "missing"
            raise ValueError(f"'{name}' is {what} for {scorer.variant.score}")
    return SavedDetector(
        scorer=scorer,
        threshold=_threshold(given),
        load=load,
        preprocessing=of_images.mapping("preprocessing"),
        precision=of_images.mapping("precision"),
        calibrated_on=of_images.text("name"),
        choice=_choice(given),
        provenance=given.mapping("provenance"),
        probe=_probe(given),
    )


def _model(given: Fields) -> tuple[ModelIdentity, str]:
    names = tuple(ModelIdentity.__dataclass_fields__)
    found = given.inner("model", *names, "load")
    model = ModelIdentity(**{name: found.values[name] for name in names})
    for name in ("name", "pretrained"):
        if not FILE_NAME.fullmatch(found.text(name)):
            raise found.wrong(name, "a name for a folder")
    if model.logit_scale is None:
        raise found.wrong("logit_scale", "a number above 0")
    return model, found.text("load")


def _texts(given: Fields) -> Prompted:
    found = given.inner("classes", *Prompted.__dataclass_fields__)
    texts = Prompted(
        *(found.text("vocabulary"), found.text("template"), found.texts("templates")),
        *(found.texts("names"), found.texts("ids", empty=True), found.array("vectors", 2)),
    )
    for name, count in (("vectors", len(texts.vectors)), ("ids", len(texts.ids))):
        _check_count(found, name, count, len(texts.names))
    may_be_shorter = texts.template == COSINE_MEAN
    check_unit(texts.vectors, "'classes.vectors'", may_be_shorter=may_be_shorter)
    return texts


def _negatives(given: Fields, texts: Prompted) -> NegativeWords | None:
    if given.values["negatives"] is None:
        return None
    found = given.inner("negatives", *NegativeWords.__dataclass_fields__)
    words = NegativeWords(found.text("name"), found.texts("words"), found.array("vectors", 2))
    _check_count(found, "vectors", len(words.vectors), len(words.words))
    _check_dimension(found, words.vectors, texts)
    check_unit(words.vectors, "'negatives.vectors'")
    return words


def _bank(given: Fields, texts: Prompted) -> TrainingImages | None:
    if given.values["bank"] is None:
        return None
    found = given.inner("bank", *TrainingImages.__dataclass_fields__)
    bank = TrainingImages(
        *(found.text("name"), found.flag("labels_are_predictions")),
        *(found.array("vectors", 2), found.array("labels", 1)),
    )
    _check_count(found, "labels", len(bank.labels), len(bank.vectors))
    _check_dimension(found, bank.vectors, texts)
    check_unit(bank.vectors, "'bank.vectors'")
    if bank.labels.min() < -1 or bank.labels.max() >= len(texts.names):
        raise ValueError(
            f"'bank.labels' runs from {bank.labels.min()} to {bank.labels.max()} with "
            f"{len(texts.names)} classes"
        )
    return bank


def _of_variant(variant: Variant, probe: Scores | None, stored: Stored) -> dict[str, Any]:
    found: dict[str, Any] = {"name": variant.score, "parameters": dict(variant.parameters)}
    if isinstance(variant.own, OwnScore):
        scores = {} if probe is None else {"scores": stored("scores", probe)}
        found["code"] = {"sha256": variant.own.sha256, **scores}
    return found


def _variant(given: Fields, own: Mapping[str, OwnScore]) -> Variant:
    with_code = "code" in given.mapping("score")
    found = given.inner("score", "name", "parameters", *(["code"] if with_code else []))
    name, parameters = found.text("name"), found.mapping("parameters")
    score: Score
    if with_code:
        score = code_of(name, _code(found).text("sha256"), own, AGAIN)
    elif own:
        raise InputError(f"made with the built-in score {shown(name)}; remove --score")
    else:
        score = SCORES[check_score(name)]
    wanted = score.parameters
    Fields(parameters, "score.parameters.", found.array_of).expect(*wanted)
    for key, value in parameters.items():
        if type(value) not in (float, int, str):
            raise ValueError(f"'score.parameters.{key}' is {shown(value)}, not a number or a word")
        if isinstance(value, str) and value not in wanted[key].words:
            raise ValueError(f"'score.parameters.{key}' is {shown(value)}, an unknown word")
        wanted[key].read(key, str(value))
    return Variant(name, dict(parameters), score if with_code else None)


def _code(score: Fields) -> Fields:
    """Return a user's score's code; detectors made before a probe existed have no `scores`."""
    return score.inner("code", "sha256", *(["scores"] if "scores" in score.mapping("code") else []))


def _probe(given: Fields) -> Scores | None:
    score = Fields(given.mapping("score"), "score.", given.array_of)
    if "code" not in score.values or "scores" not in score.mapping("code"):
        return None
    probe = _code(score).array("scores", 1)
    if np.isnan(probe).any():
        raise ValueError("'score.code.scores' has NaN")
    return probe


def _threshold(given: Fields) -> Threshold:
    names = ("alpha", "confidence", "n", "k", "ranking", "shown", "bound", "scores")
    found = given.inner("threshold", *names)
    bound = found.inner("bound", "confidence", "refused")
    alpha, n, k = found.share("alpha"), found.count("n"), found.count("k")
    confidence = None if found.values["confidence"] is None else found.share("confidence")
    scores = found.array("scores", 1)
    _check_count(found, "scores", len(scores), n)
    if np.isnan(scores).any() or (scores[1:] < scores[:-1]).any():
        raise ValueError("'threshold.scores' are not ascending numbers")
    if k > n or (confidence is None and k != place(n, alpha)):
        raise found.wrong("k", f"the rank that alpha {alpha:g} gives among {n:,} scores")
    threshold = Threshold(scores, k, alpha, confidence)
    if found.values["ranking"] != infinite(threshold.value):
        raise found.wrong("ranking", f"number {k} of the scores")
    if bound.share("confidence") != threshold.of_set:
        raise bound.wrong("confidence", f"{threshold.of_set:g}")
    bound.share("refused")
    return threshold


def _choice(given: Fields) -> ScoreChoice | None:
    if given.values["choice"] is None:
        return None
    found = given.inner("choice", *ScoreChoice.__dataclass_fields__)
    several = found.values["tried"]
    if not isinstance(several, list) or not several:
        raise found.wrong("tried", "a list of scores")
    tried = []
    for one in several:
        if not isinstance(one, dict):
            raise found.wrong("tried", "a list of objects")
        inner = Fields(one, "choice.tried.", found.array_of).expect("score", "auroc")
        if type(one["auroc"]) is not float or not 0 <= one["auroc"] <= 1:
            raise inner.wrong("auroc", "a number from 0 to 1")
        tried.append(Tried(inner.text("score"), one["auroc"]))
    return ScoreChoice(
        *(found.text("inside"), found.text("outside"), found.flag("is_half")),
        *(found.count("seed", 0), found.count("selecting"), tuple(tried)),
    )


def _check_count(found: Fields, name: str, count: int, wanted: int) -> None:
    if count != wanted:
        raise ValueError(f"'{found.where}{name}' has {count:,} rows, not {wanted:,}")


def _check_dimension(found: Fields, vectors: npt.NDArray[Any], texts: Prompted) -> None:
    if vectors.shape[1] != texts.vectors.shape[1]:
        raise ValueError(
            f"'{found.where}vectors' have dimension {vectors.shape[1]}, not "
            f"{texts.vectors.shape[1]} as the classes"
        )


def check_unit(
    vectors: npt.NDArray[Any], what: str, *, may_be_shorter: bool = False, advice: str = ""
) -> None:
    """Raise InputError, naming `what` and with `advice`, unless all rows are unit vectors."""
    with np.errstate(all="ignore"):
        norm = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
        fine = np.abs(norm - 1) <= NORM_TOLERANCE
        if may_be_shorter:
            fine |= norm < 1
    if not fine.all():
        row = int(np.argmin(fine))
        raise InputError(f"{what}: row {row} has norm {norm[row]:.4f}, not 1{advice}")

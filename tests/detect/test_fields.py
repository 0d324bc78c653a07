"""Claims about the fields of a detector's file: a wrong one is named, with what it is to be."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from samples.detect.detectors import SHORTER, made

from oodcache.cache.errors import InputError
from oodcache.cache.format.json_fields import Fields
from oodcache.detect.detector import SavedDetector
from oodcache.detect.fields import detector, of

Way = tuple[str | int, ...]


def fields(score: str = "mcm", **changes: Any) -> dict[str, Any]:
    """Return what a file says of a detector, its arrays as they are."""
    said = of(made(score, **changes).detector, lambda name, values: {"array": values})
    return dict(said)


def read(said: dict[str, Any]) -> SavedDetector:
    def array(given: Any, name: str, what: str, axes: int) -> Any:
        return given["array"]

    def plain(value: Any) -> Any:
        # As JSON has it: lists, and no tuples.
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items()}
        return json.loads(json.dumps(value)) if isinstance(value, (list, tuple)) else value

    return detector(Fields(plain(said), "", array))


@pytest.mark.parametrize("score", ["mcm:temperature=learned", "neglabel:groups=3", "vim"])
def test_what_is_said_is_read(score: str) -> None:
    found = read(fields(score))
    assert found.scorer.variant.label == score
    assert (found.threshold.k, found.threshold.n, found.threshold.alpha) == (6, 60, 0.1)
    assert found.load == "tiny"


@pytest.mark.parametrize(
    ("score", "way", "value", "words"),
    [
        ("mcm", ("model", "name"), "..", "'model.name' is '..', not a name for a folder"),
        (
            "mcm",
            ("model", "logit_scale"),
            None,
            "logit_scale' is None, not a number above 0",
        ),
        ("mcm", ("model", "logit_scale"), 0, "'model.logit_scale' is 0, not a positive number"),
        ("mcm", ("model", "load"), "", "'model.load' is '', not a text"),
        ("mcm", ("images", "preprocessing"), [], "'images.preprocessing' is [], not an object"),
        ("mcm", ("score", "name"), "mcn", "no score 'mcn'; did you mean mcm?"),
        (
            "mcm",
            ("score", "parameters"),
            {},
            "'score.parameters' has fields [], not",
        ),
        ("mcm", ("score", "parameters", "temperature"), 0.0, "temperature=0.0 is neither a number"),
        ("mcm", ("score", "parameters", "temperature"), "x", "is 'x', an unknown word"),
        ("mcm", ("score", "parameters", "temperature"), True, "is True, not a number or a word"),
        (
            "mcm",
            ("score",),
            {"name": "knn", "parameters": {"k": 5.0}},
            "'bank' is missing for knn",
        ),
        (
            "knn",
            ("score",),
            {"name": "margin", "parameters": {}},
            "'bank' is unexpected for margin",
        ),
        ("mcm", ("threshold", "alpha"), 5, "'threshold.alpha' is 5, not a number between 0 and 1"),
        ("mcm", ("threshold", "alpha"), 0.2, "'threshold.k' is 6, not the rank that alpha 0.2"),
        ("mcm", ("threshold", "confidence"), 1.0, "'threshold.confidence' is 1.0, not a number"),
        ("mcm", ("threshold", "n"), 61, "'threshold.scores' has 60 rows, not 61"),
        ("mcm", ("threshold", "k"), 61, "'threshold.k' is 61, not the rank that alpha 0.1 gives"),
        ("mcm", ("threshold", "k"), 0, "'threshold.k' is 0, not a whole number of at least 1"),
        ("mcm", ("threshold", "ranking"), 0.5, "'threshold.ranking' is 0.5, not number 6"),
        ("mcm", ("threshold", "bound", "confidence"), 0.5, "is 0.5, not 0.95"),
        (
            "mcm",
            ("threshold", "scores", "array"),
            np.arange(60.0)[::-1],
            "not ascending numbers",
        ),
        ("mcm", ("threshold", "scores", "array"), np.full(60, np.nan), "not ascending numbers"),
        ("mcm", ("classes", "names"), ["a"], "'classes.vectors' has 4 rows, not 1"),
        ("mcm", ("classes", "names"), [], "'classes.names' is [], not a list of texts"),
        ("mcm", ("classes", "ids"), [""], "'classes.ids' has 1 rows, not 4"),
        (
            "mcm",
            ("classes", "vectors", "array"),
            SHORTER,
            "row 0 has norm 0.9000, not 1",
        ),
        ("mcm", ("classes", "vectors", "array"), SHORTER * np.nan, "row 0 has norm nan, not 1"),
        ("neglabel:groups=3", ("negatives", "words"), ["a"], "'negatives.vectors' has 3 rows"),
        ("eoe", ("negatives", "vectors", "array"), SHORTER[:3], "'negatives.vectors': row 0 has"),
        (
            "eoe",
            ("negatives", "vectors", "array"),
            SHORTER[:3, :4],
            "vectors' have dimension 4, not",
        ),
        (
            "knn",
            ("bank", "labels", "array"),
            np.arange(80),
            "labels' runs from 0 to 79 with 4",
        ),
        (
            "knn",
            ("bank", "labels", "array"),
            np.arange(9),
            "labels' has 9 rows, not 80",
        ),
        ("knn", ("bank", "labels_are_predictions"), 1, "is 1, not true or false"),
        ("mcm", ("choice", "tried"), [], "'choice.tried' is [], not a list of scores"),
        ("mcm", ("choice", "tried"), [1], "'choice.tried' is [1], not a list of objects"),
        ("mcm", ("choice", "tried", 0, "auroc"), 2.0, "'choice.tried.auroc' is 2.0, not a number"),
        ("mcm", ("choice", "seed"), -1, "'choice.seed' is -1, not a whole number of at least 0"),
        ("mcm", ("provenance",), None, "'provenance' is None, not an object"),
    ],
)
def test_a_wrong_field_is_named(score: str, way: Way, value: Any, words: str) -> None:
    said: Any = fields(score)
    inner = said
    for key in way[:-1]:
        if isinstance(inner[key], tuple):
            inner[key] = list(inner[key])
        inner = inner[key]
    inner[way[-1]] = value
    with pytest.raises((ValueError, InputError)) as refused:
        read(said)
    assert words in str(refused.value)


def test_means_of_cosines_may_be_shorter_than_one() -> None:
    said = fields()
    said["classes"] |= {"template": "cosine-mean", "vectors": {"array": SHORTER}}
    assert read(said).scorer.texts.template == "cosine-mean"


def test_a_field_too_many_or_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="has fields .*'more'.*, not .*"):
        read({**fields(), "more": 1})
    said = fields()
    del said["threshold"]["k"]
    with pytest.raises(ValueError, match="'threshold' has fields"):
        read(said)

"""Claims about what a score of the registry tells of itself."""

from __future__ import annotations

import math

import pytest

from oodcache.cache.errors import InputError
from oodcache.score.formulas.definition import TEMPERATURE, Parameter, Score
from oodcache.score.formulas.registry import SCORES


def test_facts_write_defaults_as_they_are_typed() -> None:
    score = Score(
        rank=lambda tile, fitted: tile.rows.top,
        formula="f",
        ranks_by="itself",
        source="s",
        use="u",
        limits="l",
        parameters={
            "temperature": Parameter(0.01),
            "top": Parameter(100.0, whole=True),
            "scale": TEMPERATURE,
        },
    )
    assert score.facts["parameters"] == "temperature = 0.01, top = 100, scale = learned"
    assert list(score.facts) == ["formula", "ranks by", "parameters", "source", "use", "limits"]


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        (Parameter(0.0, whole=True, most=1.0), "x=y is not 0 or 1"),
        (Parameter(1.0, whole=True, most=2.0), "x=y is not 0, 1 or 2"),
        (Parameter(0.0, whole=True, most=2.0**32), "x=y is not a whole number, 0 or above"),
        (Parameter(0.0, whole=True, least=-math.inf), "x=y is not a whole number"),
        (Parameter(0.0, least=-math.inf), "x=y is not a number"),
    ],
)
def test_a_wrong_value_is_rejected_with_the_numbers_that_fit(
    parameter: Parameter, words: str
) -> None:
    with pytest.raises(InputError) as error:
        parameter.read("x", "y")
    assert str(error.value) == words


def test_a_number_that_is_too_large_is_rejected_with_the_largest() -> None:
    with pytest.raises(InputError) as error:
        Parameter(10.0, least=1, whole=True, most=65536.0).read("memory", "100000")
    assert str(error.value) == "memory=100000 is not a whole number above 0 and at most 65,536"
    with pytest.raises(InputError) as error:
        Parameter(1.0, whole=True, most=2.0).read("weighting", "3")
    assert str(error.value) == "weighting=3 is not 0, 1 or 2"


def test_facts_tell_what_a_score_needs() -> None:
    assert SCORES["knn"].facts["needs"] == "--bank DATASET, cached training images"
    negatives = "--negatives NAME, which oodcache negatives makes"
    assert SCORES["adaneg"].facts["needs"] == negatives
    assert SCORES["clipscope"].facts["needs"] == f"{negatives}, with its --nearest"
    assert SCORES["tanl"].facts["needs"] == (
        f"corpus=NAME, a cached word list, or {negatives}, and noise15, which oodcache extract "
        "makes"
    )
    assert "needs" not in SCORES["mcm"].facts

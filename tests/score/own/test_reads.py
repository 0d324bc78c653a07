"""Claims about what a user's code reads of its batch."""

from __future__ import annotations

from typing import Any

from oodcache.score.own.function import own_score
from oodcache.score.own.reads import read_by


def forest(batch: Any) -> Any:
    return isolation(batch) if batch is None else batch.bank.vectors


def isolation(batch: Any) -> Any:
    """Return scores by what is fitted on the bank."""
    return batch.fitted(forest)


def nested(batch: Any) -> Any:
    return [batch.negatives @ one for one in (lambda: batch.bank)()]


def plain(batch: Any, bank: int = 1) -> Any:
    return batch.images[:, bank]


def test_references_are_found_in_the_function_and_in_those_that_it_names() -> None:
    assert read_by(forest) == read_by(isolation) == ["bank"]
    assert read_by(nested) == ["negatives", "bank"]
    assert read_by(plain) == read_by(None) == read_by(print) == []


def test_the_description_of_a_score_says_what_to_give() -> None:
    told = own_score(isolation, "isolation").facts
    assert told["needs"] == "--bank DATASET, cached training images"
    assert "needs" not in own_score(plain, "plain").facts

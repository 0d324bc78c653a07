"""Claims about notes on a pass."""

from __future__ import annotations

import numpy as np
import pytest

from oodcache.score.onepass.onepass import Scored
from oodcache.score.onepass.telling import once, tell_constant, tell_draws, tell_time
from oodcache.score.onepass.variants import parse_all


@pytest.mark.parametrize(
    ("seconds", "said"), [(2.0, []), (60.0, ["3 templates, a pass each: about 3 minutes"])]
)
def test_the_time_of_all_passes_is_told_if_it_is_minutes(seconds: float, said: list[str]) -> None:
    told: list[str] = []
    tell_time(3, seconds, told.append)
    assert told == said


def test_a_score_of_one_number_is_told_and_no_other() -> None:
    none, digests = np.zeros(3, np.intp), np.zeros(3, np.uint64)
    every = [Scored(np.array([[1.0, 1, 1], [1, 1, last]]), none, digests) for last in (1.0, 2.0)]
    told: list[str] = []
    tell_constant(parse_all(["margin", "max-logit"]), every, told.append)
    assert told == ["margin: every image scores 1; an AUROC of 50 means nothing"]


def test_a_note_is_passed_once() -> None:
    told: list[str] = []
    note = once(told.append)
    for text in ("a", "b", "a"):
        note(text)
    assert told == ["a", "b"]


def test_notes_of_draws_are_one_with_the_range_of_their_numbers() -> None:
    told: list[str] = []
    shrunk = "bank t:4: 1,000 images: shrinkage {} is applied"
    draws = [
        [shrunk.format(0.2), "no bias: b = 0"],
        [shrunk.format("9e-05"), "no bias: b = 0", "bank t:4: few"],
        [shrunk.format(0.1), "no bias: b = 0"],
    ]
    tell_draws(draws, "t:4", told.append)
    assert told == [
        "bank t:4 (3 draws): 1,000 images: shrinkage 9e-05 to 0.2 is applied",
        "no bias: b = 0",
        "bank t:4 (1 of 3 draws): few",
    ]

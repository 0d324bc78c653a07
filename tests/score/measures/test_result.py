"""Claims about conventions: what cannot be measured is refused before anything is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.score.measures.result import Conventions


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"bootstrap": 5.5}, "bootstrap is 5.5, not a whole number from 0"),
        ({"bootstrap": -1}, "bootstrap is -1, not a whole number from 0"),
        ({"bootstrap": True}, "bootstrap is True"),
        ({"bootstrap": 5, "seed": -1}, "seed is -1, not a whole number from 0"),
        ({"seed": "0"}, "seed is '0'"),
        ({"bootstrap": 1}, "bootstrap is 1, but an interval needs 2 resamples or more: 1000"),
        ({"fpr_convention": "lax"}, "fpr_convention is 'lax', not one of strict, nearest, openood"),
        ({"tprs": (95,)}, r"tprs is \(95,\), not shares above 0 and at most 1"),
        ({"tprs": ()}, r"tprs is \(\)"),
        ({"tprs": 0.95}, "tprs is 0.95"),
        ({"tprs": "0.95"}, "tprs is '0.95'"),
        ({"tprs": (float("nan"),)}, r"tprs is \(nan,\)"),
    ],
)
def test_conventions_that_cannot_be_are_one_line(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=f"^{words}"):
        Conventions(**given)


def test_numpys_numbers_are_numbers() -> None:
    numbers: dict[str, Any] = {"bootstrap": np.int64(9), "seed": np.uint8(3), "tprs": [0.5]}
    assert Conventions(**numbers).bootstrap == 9


def test_an_array_of_tprs_is_taken_as_numbers() -> None:
    assert repr(Conventions(tprs=np.array([0.9, 0.95])).tprs) == "(0.9, 0.95)"  # type: ignore[arg-type]

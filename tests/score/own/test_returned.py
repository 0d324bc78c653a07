"""Claims about what users' functions return."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from oodcache.cache.errors import InputError
from oodcache.score.own.returned import numbers


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (np.zeros((4, 1)), "f returned shape (4, 1); expected shape (4,): one number per image"),
        (np.zeros(3), "f returned shape (3,); expected shape (4,)"),
        (0.5, "f returned shape (); expected shape (4,)"),
        (None, "f returned None; expected shape (4,)"),
        (["a"] * 4, "f returned <U1 values"),
        (np.zeros(4, complex), "f returned complex128 values"),
        ([[1], [1, 2]], "f returned list: setting an array element"),
        ([0, np.nan, 1, np.nan], "f returned NaN for 2 of 4 images, which cannot be ranked (the "),
    ],
)
def test_what_is_not_one_number_per_image_is_rejected(found: object, words: str) -> None:
    with pytest.raises(InputError) as error:
        numbers(found, 4, "f")
    assert str(error.value).startswith(words)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64, torch.int64])
def test_tensors_of_any_type_are_scores(kind: torch.dtype) -> None:
    gradient = kind.is_floating_point
    scores = numbers(torch.ones(4, dtype=kind, requires_grad=gradient), 4, "f")
    assert (scores.dtype, scores.tolist()) == (np.float64, [1.0] * 4)
    with pytest.raises(InputError, match="returned complex64 values"):
        numbers(torch.ones(4, dtype=torch.complex64), 4, "f")


def test_integers_and_floats_of_any_size_are_scores() -> None:
    for kind in (np.int8, np.float16, np.float32, bool):
        scores = numbers(np.ones(4, kind), 4, "f")
        assert (scores.dtype, scores.tolist()) == (np.float64, [1.0] * 4)

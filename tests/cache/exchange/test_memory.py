"""Claims about arrays in memory: whatever library made them, NumPy gets the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import memory

ROWS = np.array([[0.5, -0.25], [1.0, 2.0]])  # Exact in every type of float.
LISTS: list[list[float]] = ROWS.tolist()


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        (ROWS, "float64"),
        (ROWS.astype(np.float16), "float16"),
        (LISTS, "float64"),
        (tuple(map(tuple, LISTS)), "float64"),
        (list(ROWS), "float64"),
        (torch.tensor(LISTS), "float32"),
        (torch.tensor(LISTS, requires_grad=True), "float32"),
        (torch.tensor(LISTS, dtype=torch.float16), "float16"),
        (torch.tensor(LISTS, dtype=torch.bfloat16, requires_grad=True), "float32"),
        (torch.tensor(LISTS).T.contiguous().T, "float32"),
        ([torch.tensor(row, requires_grad=True) for row in LISTS], "float32"),
        (torch.nn.Parameter(torch.tensor(LISTS)), "float32"),
        (pd.DataFrame(ROWS), "float64"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_every_library_gives_the_same_numbers(given: Any, dtype: str) -> None:
    found = memory.array(given, "vectors")
    assert type(found) is np.ndarray
    assert (found.tolist(), str(found.dtype)) == (LISTS, dtype)


def test_an_array_is_not_copied() -> None:
    tensor = torch.zeros(2, 3)
    assert np.shares_memory(memory.array(ROWS, "x"), ROWS)
    assert np.shares_memory(memory.array(tensor, "x"), tensor.numpy())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([[1.0], [1.0, 2.0]], "vectors: list is no array: "),
        ([np.zeros(2), np.zeros(3)], "vectors: arrays of unequal shapes, (2,) and (3,)"),
        ([{}], "vectors: list of Python objects; give numbers"),
        (None, "vectors: NoneType of Python objects; give numbers"),
        (torch.eye(2).to_sparse(), "vectors: Tensor is no array: "),
        (np.ma.masked_array([1.0], [True]), "vectors: is a masked array; give one without gaps"),
    ],
)
def test_what_is_no_array_is_one_line(given: Any, words: str) -> None:
    with pytest.raises(InputError) as error:
        memory.array(given, "vectors")
    assert str(error.value).startswith(words)
    assert "\n" not in str(error.value)


def test_paths_and_lists_are_no_arrays() -> None:
    assert [memory.is_array(one) for one in ("a.png", [1.0], None)] == [False] * 3
    assert memory.is_array(torch.zeros(1)) and memory.is_array(np.float32(1))


@pytest.mark.parametrize(
    ("shape", "is_tensor", "is_stack"),
    [
        ((28, 28), False, False),
        ((28, 28, 3), False, False),
        ((28, 28, 1), False, False),
        ((28, 28, 4), False, False),
        ((5, 28, 28), False, True),
        ((3, 28, 28), False, True),
        ((1, 28, 28), False, True),
        ((5, 28, 28, 3), False, True),
        ((28, 28), True, False),
        ((3, 28, 28), True, False),
        ((1, 28, 28), True, False),
        ((60000, 28, 28), True, True),
        ((4, 28, 28), True, True),
        ((5, 3, 28, 28), True, True),
    ],
)
def test_pixels_are_one_image_or_several_by_where_a_library_has_channels(
    shape: tuple[int, ...], is_tensor: bool, is_stack: bool
) -> None:
    assert memory.is_stack(shape, "images", is_tensor=is_tensor) == is_stack


@pytest.mark.parametrize(
    ("shape", "is_tensor", "words"),
    [
        ((5,), False, "images is uint8 (5,): expected one image, (H, W) or (H, W, 3), or N images"),
        ((0, 9, 9), False, "images is uint8 (0, 9, 9): expected one image"),
        ((2, 3, 9, 9), False, "or (N, H, W, 3); channels come last: np.moveaxis(x, -3, -1)"),
        ((9, 9, 3), True, "or (N, 3, H, W); channels come first: x.movedim(-1, -3)"),
        ((2, 9, 9, 3), True, "images is uint8 tensor (2, 9, 9, 3): expected one image"),
        ((2, 5, 9, 9), True, "(N, H, W) or (N, 3, H, W)"),
    ],
)
def test_other_shapes_are_no_pixels(shape: tuple[int, ...], is_tensor: bool, words: str) -> None:
    with pytest.raises(InputError) as refused:
        memory.is_stack(shape, "images", is_tensor=is_tensor)
    assert words in str(refused.value)


def test_a_masked_array_without_gaps_is_its_numbers() -> None:
    for mask in (np.ma.nomask, [False, False]):
        found = memory.array(np.ma.masked_array([1.0, 2.0], mask), "vectors")
        assert type(found) is np.ndarray
        assert found.tolist() == [1, 2]

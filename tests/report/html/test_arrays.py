"""Claims about packed arrays: what is read back, number by number, is what was packed."""

from __future__ import annotations

from typing import Any

import pytest
from samples.report.arrays import numbers, unpacked

from oodcache.report.html.arrays import FEWEST, PackedArrays


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 3, 3, 250, 300], "d1"),
        ([5, 4, 3], "u1"),
        ([0, 300, 299], "u2"),
        ([0, 256], "d2"),
        ([70_000, 0], "u4"),
        ([0, 4_294_967_295], "d4"),
    ],
)
def test_whole_numbers_are_exact_in_the_smallest_type(values: list[int], kind: str) -> None:
    arrays = PackedArrays()
    arrays.numbers([1, 0])  # So that the next begins later.
    told = arrays.numbers(values)
    assert told["type"] == kind and numbers(told, arrays.bytes()) == values


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1.0, 1e6, 1e30])
def test_other_numbers_keep_five_digits_and_none(scale: float) -> None:
    arrays = PackedArrays()
    values = [None, scale, -scale / 3, 0.0, scale * 1.999999]
    told = arrays.numbers(values)
    assert told["type"] == "f4"
    found = numbers(told, arrays.bytes())
    assert found[0] is None and found[1:] == pytest.approx(values[1:], rel=2e-6, abs=0)


@pytest.mark.parametrize("value", [1e300, -1e39, 1e-300])
def test_numbers_beyond_single_precision_are_double(value: float) -> None:
    arrays = PackedArrays()
    told = arrays.numbers([value, 1.5, None])
    assert told["type"] == "f8" and numbers(told, arrays.bytes()) == [value, 1.5, None]


def test_whole_numbers_that_are_negative_or_huge_are_floats() -> None:
    arrays = PackedArrays()
    told = arrays.numbers([-1, 2**40])
    assert numbers(told, arrays.bytes()) == [-1, 2**40]


def test_levels_are_within_half_a_step() -> None:
    arrays = PackedArrays()
    values = [0.1 * one for one in range(-50, 50)]
    found = numbers(arrays.levels([None, *values]), arrays.bytes())
    assert found[0] is None and found[1:] == pytest.approx(values, abs=9.9 / 254 / 2 + 1e-9)
    assert (found[1], found[-1]) == (values[0], pytest.approx(values[-1]))


@pytest.mark.parametrize("values", [[], [None], [2.0, 2.0]])
def test_levels_of_none_or_one_number_are_it(values: list[float | None]) -> None:
    arrays = PackedArrays()
    assert numbers(arrays.levels(values), arrays.bytes()) == values


def test_only_long_lists_of_numbers_become_arrays_wherever_they_are() -> None:
    long, odd = [*range(FEWEST)], [*range(FEWEST), "x"]
    value: dict[str, Any] = {
        "a": {"type": long, "at": tuple(map(float, long))},
        "b": [odd, [1, 2], [True] * FEWEST, None, "text"],
    }
    arrays = PackedArrays()
    packed = arrays.packed(value)
    assert packed["b"] == value["b"] and packed["a"]["type"]["length"] == FEWEST
    assert unpacked(packed, arrays.bytes()) == {"a": {"type": long, "at": long}, "b": value["b"]}

"""Claims about groups of OOD sets: which averages there are, and groups that are rejected."""

from __future__ import annotations

from typing import Any

import pytest

from oodcache.cache.errors import InputError
from oodcache.score.measures.groups import averages, check, parsed

SETS = {"a": "near", "b": "near", "c": "far", "d": None}


def test_own_groups_follow_near_and_far_in_the_order_given() -> None:
    found = averages(SETS, {"mine": ["d", "a"], "one": ["c"], "all": [*SETS]})
    assert [one.name for one in found] == [
        *("average", "average-near", "average-mine", "average-one", "average-all")
    ]
    assert [one.members for one in found[2:]] == [("d", "a"), ("c",), ("a", "b", "c", "d")]
    assert [one.group for one in found] == [None, "near", "mine", "one", "all"]


def test_an_average_over_some_of_its_sets_is_not_made() -> None:
    assert averages({"a": None}, {"mine": ["a", "b"]}) == []


def test_a_typed_group_is_a_name_and_its_sets() -> None:
    assert parsed(["x=SUN, Places", "y=net:imagenet10"]) == {
        "x": ("SUN", "Places"),
        "y": ("net:imagenet10",),
    }


@pytest.mark.parametrize("typed", ["x", "=SUN", "x=", "x=SUN,", "x=,SUN"])
def test_what_is_no_group_says_how_to_write_one(typed: str) -> None:
    with pytest.raises(InputError, match=r"^--group '.*': write NAME=SET,SET"):
        parsed([typed])


def test_a_group_given_twice_is_rejected() -> None:
    with pytest.raises(InputError, match="--group x: given twice; list all its sets in one"):
        parsed(["x=SUN", "x=Places"])


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"near": ["a"]}, "--group near: the name is taken; choose another, such as my-near"),
        ({"average": ["a"]}, "--group average: the name is taken"),
        ({"average-near": ["a"]}, "--group average-near: the name is taken; choose another"),
        ({"x y": ["a"]}, "--group 'x y': is no name; use letters"),
        ({5: ["a"]}, "--group 5: is no name"),
        ({"e": ["a"]}, "--group e: its row would be called like the set average-e"),
        ({"x": ["a", "f"]}, "--group x: 'f': not among the OOD sets; the OOD sets are 'a', 'b'"),
        ({"x": ["a", "b", "a"]}, "--group x: 'a' is listed twice; give each set once"),
        ({"x": []}, r"--group x: \[\] is no list of sets"),
        ({"x": "a"}, "--group x: 'a' is no list of sets"),
        (["a"], r"groups is \['a'\], not {name: \[set, set\]}"),
    ],
)
def test_a_group_that_is_none_is_rejected_with_the_reason(own: Any, message: str) -> None:
    with pytest.raises(InputError, match="^" + message):
        check(own, [*SETS, "average-e"])


def test_a_long_list_of_unknown_sets_is_cut() -> None:
    with pytest.raises(InputError) as error:
        check({"x" * 128: [f"{'y' * 100}{place}" for place in range(500)]}, ["z" * 128] * 500)
    assert len(str(error.value).encode()) < 600

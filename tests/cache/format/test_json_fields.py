"""Claims about fields of a JSON object: each check refuses what is of another type."""

from __future__ import annotations

from typing import Any

import pytest

from oodcache.cache.format.json_fields import Fields


def field(value: Any) -> Fields:
    return Fields({"x": value}, "of.", lambda given, name, what, axes: given)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        ("text", ["a", "ü"], ["", 1, None, ["a"]]),
        ("texts", [["a"], ["a", "b"]], [[], ["a", ""], ["a", 1], "a", None, {"a": 1}]),
        ("count", [1, 7], [0, -1, 1.0, True, "1", None, 10**400]),
        ("share", [0.5], [0.0, 1.0, 1, True, "0.5", None, float("nan")]),
        ("number", [1, 0.5, -(2**63) + 1], [10**400, -(10**400), True, None, "1"]),
        ("flag", [True, False], [0, 1, None, "true"]),
        ("mapping", [{}, {"a": 1}], [[], None, 1, "a"]),
    ],
)
def test_a_check_takes_its_type_alone(check: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        found = getattr(field(value), check)("x")
        assert found == (tuple(value) if isinstance(value, list) else value)
    for value in bad:
        with pytest.raises(ValueError, match=r"^'of\.x' is .*, not "):
            getattr(field(value), check)("x")


def test_inner_fields_are_named_with_the_outer() -> None:
    with pytest.raises(ValueError, match=r"^'of\.x\.y' is 1, not a text$"):
        field({"y": 1}).inner("x", "y").text("y")
    with pytest.raises(ValueError, match=r"^'of\.x' has fields \['y'\], not \['z'\]$"):
        field({"y": 1}).inner("x", "z")


def test_a_list_may_have_empty_texts_where_that_is_said() -> None:
    assert field(["", "a"]).texts("x", empty=True) == ("", "a")


def test_a_name_with_a_line_break_stays_in_one_line() -> None:
    with pytest.raises(
        ValueError, match=r"^'of\.a\\nb' is None, not a whole number of at least 1$"
    ) as error:
        Fields({"a\nb": None}, "of.").count("a\nb")
    assert "\n" not in str(error.value)

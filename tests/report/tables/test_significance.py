"""Claims about p-values as text."""

from __future__ import annotations

import pytest

from oodcache.report.tables.significance import p_equation, p_value


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "<.001"),
        (0.000999, "<.001"),
        (0.001, ".001"),
        (0.00749, ".007"),
        (0.05, ".050"),
        (0.34, ".340"),
        (0.9999, "1.000"),
        (1.0, "1.000"),
    ],
)
def test_a_p_value_has_three_places_and_no_zero_before_them(p: float, text: str) -> None:
    assert p_value(p) == text
    assert p_equation(p) == (f"p < {text[1:]}" if p < 0.001 else f"p = {text}")

"""Claims about scales and biases that are another quantity; the numbers are worked by hand."""

from __future__ import annotations

import pytest

from oodcache.cache.format.logits import doubts


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (0.01, "looks like a temperature: its inverse is 100"),
        (0.07, "looks like a temperature: its inverse is 14.29"),
        (4.6052, "looks like a logarithm: its exponential is 100"),
        (4.7647, "looks like a logarithm: its exponential is 117.3"),
        (1e6, "looks exponentiated twice: its logarithm is 13.82"),
    ],
)
def test_a_scale_that_is_typed_wrongly_is_recognised(scale: float, words: str) -> None:
    assert doubts(scale, None, typed=True) == [f"logit scale {scale:g} {words}"]


@pytest.mark.parametrize("scale", [None, 1, 10, 14.2857, 100, 117.33, 1000])
def test_a_plausible_scale_is_not_doubted(scale: float | None) -> None:
    assert doubts(scale, -12.93, typed=True) == []


def test_a_small_learned_scale_is_not_taken_for_a_logarithm() -> None:
    assert doubts(4.6052, None) == []


@pytest.mark.parametrize(("bias", "count"), [(None, 0), (0, 0), (-17, 0), (10, 1), (-1e5, 1)])
def test_a_bias_above_0_or_far_below_is_doubted(bias: float | None, count: int) -> None:
    assert len(doubts(100, bias)) == count

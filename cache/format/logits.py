"""A model's logit scale and bias: values that look like another quantity."""

from __future__ import annotations

import math

LOWEST_SCALE, HIGHEST_SCALE = 1, 1000
LOGARITHMS = (4, 5)  # Of scales from 55 to 148: that of CLIP is 100, those of SigLIP about 115.
LOWEST_BIAS = -100


def doubts(scale: float | None, bias: float | None, *, typed: bool = False) -> list[str]:
    """Return why a scale or a bias is implausible; for a `typed` scale, also near ln 100.

    >>> doubts(100, -10, typed=True), doubts(4.6052, None)
    ([], [])
    >>> doubts(0.01, None)
    ['logit scale 0.01 looks like a temperature: its inverse is 100']
    >>> doubts(4.6052, None, typed=True)
    ['logit scale 4.6052 looks like a logarithm: its exponential is 100']
    """
    found = [] if scale is None else [_of_scale(scale, typed=typed)]
    if bias is not None and not LOWEST_BIAS <= bias <= 0:
        found.append(f"logit bias {bias:g} is unusual: those of SigLIP are about -10 to -17")
    return [one for one in found if one]


def _of_scale(scale: float, *, typed: bool) -> str:
    if scale < LOWEST_SCALE:
        return f"logit scale {scale:g} looks like a temperature: its inverse is {1 / scale:.4g}"
    if scale > HIGHEST_SCALE:
        return (
            f"logit scale {scale:g} looks exponentiated twice: its logarithm is "
            f"{math.log(scale):.4g}"
        )
    if typed and LOGARITHMS[0] <= scale <= LOGARITHMS[1]:
        return (
            f"logit scale {scale:g} looks like a logarithm: its exponential is "
            f"{math.exp(scale):.4g}"
        )
    return ""

"""Significance of a difference: the level that counts, and p-values as text."""

from __future__ import annotations

SIGNIFICANT = 0.05
_LEAST = 0.001


def p_value(p: float) -> str:
    """Return a p-value to three places, without its leading zero.

    >>> p_value(0.0071), p_value(0.0004), p_value(1.0)
    ('.007', '<.001', '1.000')
    """
    return "<.001" if p < _LEAST else f"{p:.3f}".removeprefix("0")


def p_equation(p: float) -> str:
    """Return a p-value as part of a sentence.

    >>> p_equation(0.0071), p_equation(0.0004)
    ('p = .007', 'p < .001')
    """
    text = p_value(p)
    return f"p < {text[1:]}" if text.startswith("<") else f"p = {text}"

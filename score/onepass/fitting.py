"""What scores are fitted to, once for all images: negative texts, or a bank."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.registry import SCORES
from oodcache.score.onepass.onepass import Classes
from oodcache.score.onepass.variants import Variant


def fit_all(
    variants: Sequence[Variant],
    classes: Classes,
    negatives: NegativeSums | None = None,
    bank: Bank | None = None,
    advance: Callable[[int], None] = lambda done: None,
) -> list[Any]:
    """Return what each variant's score was fitted to, None for one that needs no fit."""
    given = {"negatives": negatives, "bank": bank}
    fits: list[Any] = []
    for variant in variants:
        score = SCORES[variant.score]
        source = given.get(score.needs)
        assert not score.needs or source is not None, f"{variant.score} without {score.needs}"
        fits.append(score.fit(source, **classes.numbers(variant)) if score.fit else None)
        advance(1)
    if negatives is not None:
        negatives.prepare()
    return fits

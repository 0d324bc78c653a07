"""What scores are fitted to, once for all images: negative texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.score.negative_sums import NegativeSums
from oodcache.score.onepass import Classes
from oodcache.score.scores import SCORES
from oodcache.score.variants import Variant

MISSING = {
    "negatives": "give --negatives NAME; make them with: oodcache negatives",
    "bank": "give --bank NAME, a cached data set of training images",
}


def fit_all(
    variants: Sequence[Variant], classes: Classes, negatives: NegativeSums | None = None
) -> list[Any]:
    """Return what each variant's score was fitted to, None for one that needs no fit."""
    given = {"negatives": negatives}
    fits: list[Any] = []
    for variant in variants:
        score = SCORES[variant.score]
        source = given.get(score.needs)
        if score.needs and source is None:
            raise InputError(f"{variant.score} needs {score.needs}: {MISSING[score.needs]}")
        fits.append(score.fit(source, **classes.numbers(variant)) if score.fit else None)
    if negatives is not None:
        negatives.prepare()
    return fits

"""What tests of users' scores share: images, classes, and a function scored by the one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.tile import TILE, Vectors
from oodcache.score.onepass.onepass import Classes, fit_all, score_images
from oodcache.score.onepass.variants import Variant, parse_all
from oodcache.score.own.function import own_score


def unit(rows: int, seed: int, dimension: int = 24) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


IMAGES = unit(2 * TILE + 40, seed=0)
ONE = Classes(unit(37, seed=1), 40.0, -12.0)


def scored(
    function: Callable[..., Any],
    *typed: str,
    variants: Sequence[Variant] = (),
    images: Vectors = IMAGES,
    negatives: NegativeSums | None = None,
    bank: Bank | None = None,
    threads: int | None = None,
) -> Scores:
    """Return the scores of `images` by a function called "f", a row per variant."""
    wanted = variants or parse_all(typed, {"f": own_score(function, "f")})
    fits = fit_all(wanted, ONE, negatives, bank)
    return score_images([images], len(images), ONE, wanted, fits=fits, threads=threads).scores

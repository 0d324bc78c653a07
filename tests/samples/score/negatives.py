"""What tests of negatives share: embeddings with words, and scores computed the slow way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.tile import Vectors
from oodcache.score.onepass.onepass import Classes, fit_all, score_images
from oodcache.score.onepass.variants import parse_all

SCALE, BIAS = 40.0, -8.0


def unit(rows: int, seed: int, dimension: int = 16) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((rows, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def cosines(images: Vectors, others: Vectors) -> Scores:
    return images.astype(np.float64) @ others.astype(np.float64).T


def sums_of(negatives: Vectors) -> NegativeSums:
    """Return the sums over `negatives`; of a number the first are taken."""
    return NegativeSums("words", lambda percentile, number, csp: negatives[:number])


def scored(
    specifications: Sequence[str], images: Vectors, classes: Vectors, negatives: Vectors
) -> npt.NDArray[np.float64]:
    """Return the ranking forms by the one pass, a row a variant."""
    variants, head = parse_all(specifications), Classes(classes, SCALE, BIAS)
    fits = fit_all(variants, head, sums_of(negatives))
    return score_images([images], len(images), head, variants, fits=fits).scores

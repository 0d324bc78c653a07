"""Time our one-pass scorer against the bare matrix product under it, and against the usual way.

20,000 images × 1,000 classes × 768 dimensions, the five default scores.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import local

import numpy as np
import threadpoolctl
from scipy.special import expit, logsumexp, softmax

from bench.timing import seconds
from oodcache.score.onepass import TILE, Classes, Vectors, processors, score_images, tiles
from oodcache.score.variants import DEFAULT, parse_all

IMAGES, CLASSES, DIMENSION, RUNS = 20_000, 1_000, 768, 11
LOGIT_SCALE, LOGIT_BIAS = 112.0, -16.5


@dataclass(frozen=True)
class Comparison:
    """Median seconds of each, and the median over the rounds of ours / theirs."""

    ours_seconds: float
    product_seconds: float
    usual_seconds: float
    to_product: float
    to_usual: float


def compare(images: int = IMAGES, classes: int = CLASSES, runs: int = RUNS) -> Comparison:
    """Return the times of all three, run in turns in this process: they meet the same machine."""
    generator = np.random.default_rng(0)
    vectors, names = (_unit_rows(generator, rows) for rows in (images, classes))
    head, variants = Classes(names, LOGIT_SCALE, LOGIT_BIAS), parse_all(DEFAULT)
    rounds = np.array(
        [
            (
                seconds(lambda: score_images([vectors], images, head, variants)),
                seconds(lambda: bare_product(vectors, names)),
                seconds(lambda: the_usual_way(vectors, names)),
            )
            for _ in range(runs)
        ]
    )
    ours, product, usual = rounds.T
    return Comparison(
        ours_seconds=float(np.median(ours)),
        product_seconds=float(np.median(product)),
        usual_seconds=float(np.median(usual)),
        to_product=float(np.median(ours / product)),
        to_usual=float(np.median(ours / usual)),
    )


def bare_product(vectors: Vectors, names: Vectors) -> None:
    """Multiply in the scorer's own tiles and threads, into a buffer a thread, and do no more."""
    columns, buffers, threads = np.ascontiguousarray(names.T), local(), processors()

    def multiply(tile: Vectors) -> None:
        if not hasattr(buffers, "cosine"):
            buffers.cosine = np.empty((TILE, columns.shape[1]), np.float32)
        np.matmul(tile, columns, out=buffers.cosine)

    with threadpoolctl.threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        deque(pool.map(multiply, (tile for _, tile in tiles([vectors]))), maxlen=0)


def the_usual_way(vectors: Vectors, names: Vectors) -> None:
    """Hold the whole matrix of logits, and read every score off it by SciPy."""
    cosine = vectors @ names.T
    logits = LOGIT_SCALE * cosine
    softmax(cosine, axis=1).max(axis=1)
    softmax(logits, axis=1).max(axis=1)
    expit(logits + LOGIT_BIAS).max(axis=1)
    cosine.max(axis=1)
    logsumexp(logits, axis=1) / LOGIT_SCALE


def main() -> None:
    result = compare()
    print(f"{len(DEFAULT)} scores, {IMAGES:,} images × {CLASSES:,} classes × {DIMENSION}")
    print(f"one pass      {result.ours_seconds:7.3f} s")
    print(f"bare product  {result.product_seconds:7.3f} s   ours is {result.to_product:.2f} of it")
    print(f"usual way     {result.usual_seconds:7.3f} s   ours is {result.to_usual:.2f} of it")


def _unit_rows(generator: np.random.Generator, rows: int) -> Vectors:
    vectors = generator.standard_normal((rows, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


if __name__ == "__main__":
    main()

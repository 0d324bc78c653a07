"""Time the scores that learn from the stream against the bare products under them, for one order.

What is computed ahead of all orders is part of the time. `--images`, `--classes` and `--negatives`
set smaller sizes: python -m bench.streams --images 6000.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.scoring import bare_product, unit_rows
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.registry import SCORES
from oodcache.score.formulas.tile import Tile, Vectors, over_tiles, tiles
from oodcache.score.onepass.onepass import Classes, fit_all
from oodcache.score.onepass.variants import parse_all
from oodcache.score.streams.replay import replay

IMAGES, CLASSES, NEGATIVES, RUNS = 60_000, 1_000, 10_000, 3
QUEUE = 2_048


@dataclass(frozen=True)
class Times:
    """Median wall-clock seconds of ours, and the median over the rounds of ours / the product.

    `processor_ratio` is that of processor time, which other work on the machine moves less.
    """

    seconds: float
    ratio: float
    processor_ratio: float


def took(work: Callable[[], object]) -> tuple[float, float]:
    """Return the wall-clock and the processor seconds of one call."""
    start = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start[0], time.process_time() - start[1]


def one_order(score: str, vectors: Vectors, names: Vectors, negatives: Vectors) -> None:
    """Score a shuffled stream of all images."""
    sums = NegativeSums(
        "words", lambda percentile, number, csp: negatives, lambda near, far: negatives
    )
    (method,) = fit_all(parse_all([score]), Classes(names, 100.0, None), sums)
    columns = np.ascontiguousarray(names.T)
    parts = over_tiles(lambda tile: method.ahead(Tile(tile[1], names, columns)), tiles([vectors]))
    ahead = np.concatenate(list(parts), axis=1)
    replay(method, vectors, ahead, np.random.default_rng(0).permutation(len(vectors)))


def compare(ours: Callable[[], object], product: Callable[[], object], runs: int) -> Times:
    """Return the times of both, run in turns: they meet the same machine."""
    rounds = np.array([(took(ours), took(product)) for _ in range(runs)])
    ratios = np.median(rounds[:, 0] / rounds[:, 1], axis=0)
    return Times(float(np.median(rounds[:, 0, 0])), float(ratios[0]), float(ratios[1]))


def main(arguments: Sequence[str] = ()) -> None:
    given = read(arguments)
    generator = np.random.default_rng(0)
    vectors, names, negatives = (
        unit_rows(generator, rows) for rows in (given.images, given.classes, given.negatives)
    )
    print(f"{given.images:,} images, {given.classes:,} classes × 768, one shuffled order")
    cases = (
        ("oodd", [vectors[:QUEUE]]),
        ("oodd:base=neglabel", [negatives, vectors[:QUEUE]]),
        ("adaneg", [negatives]),
        ("adaneg:proxies=sample", [negatives]),
        ("clipscope", [negatives]),
    )
    for score, others in (one for one in cases if one[0].partition(":")[0] in SCORES):
        compared = np.concatenate([names, *others])
        found = compare(
            lambda score=score: one_order(score, vectors, names, negatives),
            lambda compared=compared: bare_product(vectors, compared),
            given.runs,
        )
        print(
            f"{score:<22} {found.seconds:7.2f} s   {found.ratio:.2f} of the bare product of "
            f"{len(compared):,} columns, {found.processor_ratio:.2f} in processor time"
        )
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{most:,.0f} MB resident at most, the product's own among them")


def read(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the sizes as typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, default in (
        *(("images", IMAGES), ("classes", CLASSES), ("negatives", NEGATIVES)),
        ("runs", RUNS),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])

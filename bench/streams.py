"""Time the scores that learn from the stream against the bare products under them, for one order.

What is computed ahead of all orders is part of the time. Each score is timed in a process of its
own, whose peak memory is its own. `--images`, `--classes`, `--negatives` and `--corpus` set smaller
sizes, `--score` names one: python -m bench.streams --images 6000 --score oodd.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.scoring import bare_product, unit_rows
from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.definition import DATASET, MINED, VOCABULARY
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.tile import Tile, Vectors, over_tiles, tiles
from oodcache.score.onepass.onepass import Classes, fit_all
from oodcache.score.onepass.variants import parse_all
from oodcache.score.streams.activated.tanl import NOISE, NOISE_IMAGES
from oodcache.score.streams.context import NamedRows
from oodcache.score.streams.replay import replay
from oodcache.score.streams.with_negatives.adaneg import AdaNeg

IMAGES, CLASSES, NEGATIVES, CORPUS, RUNS = 60_000, 1_000, 10_000, 70_000, 3
QUEUE, ORDERS = 2_048, 3
WITH_NEGATIVES = ("oodd:base=neglabel", "adaneg", "adaneg:proxies=sample", "clipscope")
# With a gap of 0 every image is confident, so all are multiplied with the whole corpus.
CONFIDENT = "tanl:gap=0"
CASES = ("oodd", *WITH_NEGATIVES, "tanl", CONFIDENT)
# It takes minutes for as many images.
MOST_CONFIDENT = 4_096


@dataclass(frozen=True)
class Vocabulary:
    """What a score compares images with: unit vectors (M, D) of each kind."""

    classes: Vectors
    negatives: Vectors
    corpus: Vectors
    noise: Vectors

    def method(self, score: str) -> Any:
        """Return the stream method of a score as typed."""
        sums = NegativeSums(
            *("words", lambda percentile, number, csp: self.negatives),
            lambda near, far: self.negatives,
        )
        named = {
            (VOCABULARY, MINED): NamedRows(self.corpus),
            (DATASET, NOISE): NamedRows(self.noise),
        }
        (found,) = fit_all(
            parse_all([score]), Classes(self.classes, 100.0, None), sums, None, named=named
        )
        return found

    def compared(self, score: str, vectors: Vectors) -> Vectors:
        """Return the vectors that a score must multiply all images with, once."""
        every = [self.classes]
        every += [self.negatives] if score in WITH_NEGATIVES else []
        every += [vectors[:QUEUE]] if score.startswith("oodd") else []
        every += [self.corpus] if score.startswith("tanl") else []
        return np.concatenate(every)


@dataclass(frozen=True)
class Times:
    """Median wall-clock seconds of ours, and the median over the rounds of ours / the product.

    `processor_ratio` is that of processor time, which other work on the machine moves less. `most`
    is the peak memory of ours in MB.
    """

    seconds: float
    ratio: float
    processor_ratio: float
    most: float


def took(work: Callable[[], object]) -> tuple[float, float]:
    """Return the wall-clock and the processor seconds of one call."""
    start = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start[0], time.process_time() - start[1]


def orders(method: Any, vectors: Vectors, names: Vectors, count: int) -> Scores:
    """Score `count` shuffled streams of all images; return what was computed ahead of them."""
    columns = np.ascontiguousarray(names.T)
    parts = over_tiles(lambda tile: method.ahead(Tile(tile[1], names, columns)), tiles([vectors]))
    ahead: Scores = np.concatenate(list(parts), axis=1)
    for seed in range(count):
        replay(method, vectors, ahead, shuffled(seed, len(vectors)))
    return ahead


def shuffled(seed: int, count: int) -> Places:
    """Return the order of a shuffled stream."""
    return np.random.default_rng(seed).permutation(count)


def compare(ours: Callable[[], object], product: Callable[[], object], runs: int) -> Times:
    """Return the times of both, run in turns: they meet the same machine."""
    rounds = [took(ours)]
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pairs = np.array([(rounds[0] if not one else took(ours), took(product)) for one in range(runs)])
    ratios = np.median(pairs[:, 0] / pairs[:, 1], axis=0)
    return Times(float(np.median(pairs[:, 0, 0])), *ratios.tolist(), most)


def mean_held(method: AdaNeg, labels: Scores) -> float:
    """Return how many images the memories hold, on average over a stream's batches."""
    counts, found = np.zeros(len(method.labels.texts), np.intp), []
    for start in range(0, len(labels), method.batch):
        batch = labels[start : start + method.batch]
        np.add.at(counts, batch[batch >= 0].astype(np.intp), 1)
        found.append(np.minimum(counts, method.held).sum())
    return float(np.mean(found))


def show(score: str, given: argparse.Namespace) -> None:
    """Print the times of one score."""
    generator = np.random.default_rng(0)
    words = given.corpus if score.startswith("tanl") else 1
    images = min(given.images, MOST_CONFIDENT) if score == CONFIDENT else given.images
    vectors, *others = (
        unit_rows(generator, rows)
        for rows in (images, given.classes, given.negatives, words, NOISE_IMAGES)
    )
    vocabulary = Vocabulary(*others)
    compared = vocabulary.compared(score, vectors)

    def ours(count: int = 1) -> Scores:
        # The method too is made anew: what it keeps belongs to the time.
        return orders(vocabulary.method(score), vectors, vocabulary.classes, count)

    found = compare(ours, lambda: bare_product(vectors, compared), given.runs)
    fewer = f" ({images:,} images)" if images < given.images else ""
    print(
        f"{score:<22}{fewer} {found.seconds:7.2f} s   {found.ratio:.2f} of the bare product of "
        f"{len(compared):,} columns, {found.processor_ratio:.2f} in processor time; "
        f"{found.most:,.0f} MB at most"
    )
    if score == "adaneg:proxies=sample":
        method = vocabulary.method(score)
        labels = orders(method, vectors, vocabulary.classes, 0)[1]
        held = mean_held(method, labels[shuffled(0, len(vectors))])
        own = 2 + held / len(compared)
        print(
            f"{'':<22} its own products are {own:.2f} × those columns ({held:,.0f} images held "
            f"on average): {found.processor_ratio / own:.2f} of them in processor time"
        )
    if given.orders:
        many = compare(lambda: ours(ORDERS), ours, given.runs)
        print(f"{'':<22} {ORDERS} orders: {many.processor_ratio:.2f} of one, processor time")


def main(arguments: Sequence[str] = ()) -> None:
    given = read(arguments)
    if given.score:
        return show(given.score, given)
    print(f"{given.images:,} images, {given.classes:,} classes × 768, one shuffled order")
    for score in CASES:
        command = [sys.executable, "-m", "bench.streams", "--score", score, *arguments]
        subprocess.run(command, check=True)
    return None


def read(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the sizes as typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, default in (
        *(("images", IMAGES), ("classes", CLASSES), ("negatives", NEGATIVES)),
        *(("corpus", CORPUS), ("runs", RUNS)),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--score", choices=CASES)
    parser.add_argument("--orders", action="store_true", help=f"Also time {ORDERS} orders.")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])

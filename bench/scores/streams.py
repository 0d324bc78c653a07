"""Time the scores that learn from the stream against the bare products under them, for one order.

What is computed ahead of all orders is part of the time. Each score is timed in a process of its
own, whose peak memory is its own. `--images`, `--classes`, `--negatives` and `--corpus` set other
sizes, `--score` names one: python -m bench.scores.streams --images 60000 --score oodd.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.figure import Figure, Target, alone, in_process, paired, told
from bench.scores.scoring import bare_product, unit_rows
from bench.timing import Times, in_turns
from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.definition import DATASET, MINED, VOCABULARY
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.tile import Tile, Vectors, over_tiles, tile_rows, tiles
from oodcache.score.onepass.onepass import Classes, fit_all
from oodcache.score.onepass.variants import parse_all
from oodcache.score.streams.activated.tanl import NOISE, NOISE_IMAGES
from oodcache.score.streams.context import NamedRows
from oodcache.score.streams.replay import replay
from oodcache.score.streams.with_negatives.adaneg import AdaNeg

IMAGES, CLASSES, NEGATIVES, CORPUS, RUNS = 8_192, 1_000, 10_000, 70_000, 3
QUEUE, ORDERS = 2_048, 3
SAMPLE = "adaneg:proxies=sample"
WITH_NEGATIVES = ("oodd:base=neglabel", "adaneg", SAMPLE, "clipscope")
# With a gap of 0 every image is confident, so all are multiplied with the whole corpus.
CONFIDENT = "tanl:gap=0"
CASES = ("oodd", *WITH_NEGATIVES, "tanl", CONFIDENT)
# It takes minutes for as many images.
MOST_CONFIDENT = 4_096
# Of the products under each score; of its own products, which are more, for SAMPLE.
AT_MOST = {"oodd": 1.5, CONFIDENT: 2.0, SAMPLE: 1.5}
OTHERS_AT_MOST, MOST_MEGABYTES = 2.5, 1_000


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


def orders(method: Any, vectors: Vectors, names: Vectors, count: int) -> Scores:
    """Score `count` shuffled streams of all images; return what was computed ahead of them."""
    columns = np.ascontiguousarray(names.T)
    given = tiles([vectors], tile_rows(len(names)))
    parts = over_tiles(lambda tile: method.ahead(Tile(tile[1], names, columns)), given)
    ahead: Scores = np.concatenate(list(parts), axis=1)
    for seed in range(count):
        replay(method, vectors, ahead, shuffled(seed, len(vectors)))
    return ahead


def shuffled(seed: int, count: int) -> Places:
    """Return the order of a shuffled stream."""
    return np.random.default_rng(seed).permutation(count)


def compare(
    ours: Callable[[], object], product: Callable[[], object], runs: int
) -> tuple[Times, float]:
    """Return the times of both, and the peak memory of ours in MB."""
    first = in_turns(ours, runs=1)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    products = in_turns(product, runs=1)
    pairs = [np.concatenate([first, products], axis=1)]
    pairs += [in_turns(ours, product, runs=runs - 1)] if runs > 1 else []
    return np.concatenate(pairs), most


def mean_held(method: AdaNeg, labels: Scores) -> float:
    """Return how many images the memories hold, on average over a stream's batches."""
    counts, found = np.zeros(len(method.labels.texts), np.intp), []
    for start in range(0, len(labels), method.batch):
        batch = labels[start : start + method.batch]
        np.add.at(counts, batch[batch >= 0].astype(np.intp), 1)
        found.append(np.minimum(counts, method.held).sum())
    return float(np.mean(found))


def measured(score: str, given: argparse.Namespace) -> list[Figure]:
    """Return the figures of one score."""
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

    times, most = compare(ours, lambda: bare_product(vectors, compared), given.runs)
    what = f"{score}, {images:,} images"
    bound = f"the bare product of {len(compared):,} columns"
    target = Target(AT_MOST.get(score, OTHERS_AT_MOST))
    figures = [paired(what, times, bound, None if score == SAMPLE else target)]
    if score == SAMPLE:
        method = vocabulary.method(score)
        labels = orders(method, vectors, vocabulary.classes, 0)[1]
        own = 2 + mean_held(method, labels[shuffled(0, images)]) / len(compared)
        bound = f"its own products, {own:.2f} × as much"
        figures.append(paired(what, times * np.array([1, own])[:, None], bound, target))
    figures.append(alone(f"{what}, most memory", most, "MB", MOST_MEGABYTES))
    if given.orders:
        many, _ = compare(lambda: ours(ORDERS), ours, given.runs)
        figures.append(paired(f"{what}, {ORDERS} orders", many, "one order"))
    return told(*figures)


def main(arguments: Sequence[str] = ()) -> list[Figure]:
    """Print and return the figures of one score, or of all, each in a process of its own."""
    given = read(arguments)
    if given.score:
        return measured(given.score, given)
    every = (in_process("bench.scores.streams", *arguments, "--score", one) for one in CASES)
    return [figure for figures in every for figure in figures]


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

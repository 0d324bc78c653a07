"""Time neglabel with 10,000 negatives in 100 groups against the bare product of those shapes."""

from __future__ import annotations

import numpy as np

from bench.figure import Figure, Target, paired, told
from bench.scores.scoring import bare_product, unit_rows
from bench.timing import in_turns
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.onepass.onepass import Classes, fit_all, score_images
from oodcache.score.onepass.variants import parse_all

IMAGES, FEWER, CLASSES, NEGATIVES, RUNS = 60_000, 20_000, 1_000, 10_000, 3
BOUND = "the bare product of those shapes"
AT_MOST = Target(1.15)


def compare(
    what: str, score: str, target: Target | None = None, images: int = FEWER, runs: int = RUNS
) -> Figure:
    """Return the figure of scores with negatives."""
    generator = np.random.default_rng(0)
    vectors, names, negatives = (
        unit_rows(generator, rows) for rows in (images, CLASSES, NEGATIVES)
    )
    head, variants = Classes(names, 100.0, None), parse_all([score])
    everything = np.concatenate([names, negatives])

    def ours() -> None:
        sums = NegativeSums("words", lambda percentile, number, csp: negatives)
        fits = fit_all(variants, head, sums)
        score_images([vectors], images, head, variants, fits=fits)

    times = in_turns(ours, lambda: bare_product(vectors, everything), runs=runs)
    named = f"{what}, {images:,} × ({CLASSES:,} + {NEGATIVES:,})"
    return paired(named, times, BOUND, target)


def main() -> list[Figure]:
    """Print and return the figures."""
    return told(
        compare("neglabel, 100 groups", "neglabel", AT_MOST, IMAGES),
        compare("neglabel, 5 seeds", "neglabel:seed=0|1|2|3|4"),
        compare("neglabel-sigmoid", "neglabel-sigmoid"),
        compare("eoe", "eoe"),
    )


if __name__ == "__main__":
    main()

"""Time neglabel with 10,000 negatives in 100 groups against the bare product of those shapes."""

import numpy as np

from bench.scoring import bare_product, unit_rows
from bench.timing import seconds
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.onepass.onepass import Classes, fit_all, score_images
from oodcache.score.onepass.variants import parse_all

IMAGES, CLASSES, NEGATIVES, RUNS = 60_000, 1_000, 10_000, 3


def compare(
    scores: tuple[str, ...] = ("neglabel",), images: int = IMAGES, runs: int = RUNS
) -> tuple[float, float]:
    """Return our median seconds, and the median over the rounds of ours / the bare product's."""
    generator = np.random.default_rng(0)
    vectors, names, negatives = (
        unit_rows(generator, rows) for rows in (images, CLASSES, NEGATIVES)
    )
    head, variants = Classes(names, 100.0, None), parse_all(scores)
    everything = np.concatenate([names, negatives])

    def ours() -> None:
        sums = NegativeSums("words", lambda percentile, number, csp: negatives)
        fits = fit_all(variants, head, sums)
        score_images([vectors], images, head, variants, fits=fits)

    rounds = np.array(
        [(seconds(ours), seconds(lambda: bare_product(vectors, everything))) for _ in range(runs)]
    )
    return float(np.median(rounds[:, 0])), float(np.median(rounds[:, 0] / rounds[:, 1]))


def main() -> None:
    print(f"{IMAGES:,} images × ({CLASSES:,} classes + {NEGATIVES:,} negatives) × 768")
    for name, scores in (
        ("neglabel, 100 groups", ("neglabel",)),
        ("the same, 5 seeds", ("neglabel:seed=0|1|2|3|4",)),
        ("neglabel-sigmoid", ("neglabel-sigmoid",)),
        ("eoe", ("eoe",)),
    ):
        took, ratio = compare(scores)
        print(f"{name:<22} {took:7.3f} s   {ratio:.2f} of the bare product of those shapes")


if __name__ == "__main__":
    main()

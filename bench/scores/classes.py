"""Time scores of 10,000 and 21,000 classes per product of their shape, against 1,000 classes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.figure import Figure, Spread, Target, told
from bench.scores.scoring import GRID, LOGIT_BIAS, LOGIT_SCALE, bare_product, unit_rows
from bench.timing import Times, in_turns
from oodcache.score.onepass.default_scores import DEFAULT
from oodcache.score.onepass.onepass import Classes, score_images
from oodcache.score.onepass.variants import parse_all

# Images of each number of classes: products of about the same time, in whole tiles.
IMAGES = {1_000: 40_960, 10_000: 4_096, 21_000: 2_048}
RUNS = 5
NO_WORSE = Target(1)


def compare() -> list[Figure]:
    """Return the figures of 5 and of 24 scores; all are run in turns."""
    works = [work for classes, images in IMAGES.items() for work in _works(images, classes)]
    times = in_turns(*works, runs=RUNS).reshape(RUNS, len(IMAGES), 3, 2)
    found = list[Figure]()
    for place, what in enumerate(("5 scores", "24 variants")):
        per_product = times[:, :, place] / times[:, :, 2]
        found += [
            _figure(f"{what}, {classes:,} classes, per product", per_product[:, [one, 0]])
            for one, classes in enumerate(IMAGES)
            if one
        ]
    return found


def _works(images: int, classes: int) -> list[Callable[[], object]]:
    generator = np.random.default_rng(0)
    vectors, names = (unit_rows(generator, rows) for rows in (images, classes))
    head = Classes(names, LOGIT_SCALE, LOGIT_BIAS)
    five, grid = parse_all(DEFAULT), parse_all(GRID)
    return [
        lambda: score_images([vectors], images, head, five),
        lambda: score_images([vectors], images, head, grid),
        lambda: bare_product(vectors, names),
    ]


def _figure(what: str, per_product: Times) -> Figure:
    ratios = per_product[:, 0] / per_product[:, 1]
    ours, theirs = np.median(per_product[:, :, 0], axis=0).tolist()
    return Figure(
        *(what, ours, "×", theirs, "1,000 classes", Spread.of(ratios[:, 0])),
        processor=float(np.median(ratios[:, 1])),
        target=NO_WORSE,
    )


def main() -> list[Figure]:
    """Print and return the figures."""
    return told(*compare())


if __name__ == "__main__":
    main()

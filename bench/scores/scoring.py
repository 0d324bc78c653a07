"""Time our one-pass scorer against the bare matrix product under it, with every kernel.

The five default scores on 20,000 images × 1,000 classes × 768 dimensions, and 24 variants on 50,000
ID and 10,000 OOD images: the scores alone, and with all metrics and DeLong intervals. Then the same
with NumPy's code alone, whatever kernel is in use.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import local

import numpy as np

from bench.figure import Figure, Target, in_process, paired, told
from bench.timing import in_turns
from oodcache.cache.watch import Watch
from oodcache.score.formulas.tile import Vectors, over_tiles, processors, tile_rows, tiles
from oodcache.score.inputs.views import tell_shared
from oodcache.score.measures.comparison import Comparison as Measuring
from oodcache.score.measures.result import STANDARD
from oodcache.score.measures.spectrum.kinds import PositiveKind, compare_kinds
from oodcache.score.measures.spectrum.positives import Positives
from oodcache.score.onepass.default_scores import DEFAULT
from oodcache.score.onepass.onepass import Classes, Scored, score_images
from oodcache.score.onepass.telling import tell_constant
from oodcache.score.onepass.variants import Variant, parse_all

IMAGES, CLASSES, DIMENSION, RUNS = 20_000, 1_000, 768, 11
ID_IMAGES, OOD_IMAGES, GRID_RUNS = 50_000, 10_000, 7
TEMPERATURES = "1|0.5|0.2|0.1|0.05|0.02|0.01|learned"
GRID = (
    f"mcm:temperature={TEMPERATURES}",
    f"energy:temperature={TEMPERATURES}",
    "sigmoid-mcm:scale=learned|10,bias=learned|none",
    "joint-energy:scale=learned|10,bias=learned|none",
)
LOGIT_SCALE, LOGIT_BIAS = 112.0, -16.5
BOUND = "the bare product"
FIVE, ALONE, WHOLE = Target(1.15), Target(1.4), Target(1.5)
# The variable forces NumPy's code where another kernel was built.
NUMPY, VARIABLE = "numpy", {"OODCACHE_KERNEL": "numpy"}


def compare(kernel: str = "") -> Figure:
    """Return the figure of the five default scores."""
    generator = np.random.default_rng(0)
    vectors, names = (unit_rows(generator, rows) for rows in (IMAGES, CLASSES))
    head, variants = Classes(names, LOGIT_SCALE, LOGIT_BIAS), parse_all(DEFAULT)
    times = in_turns(
        lambda: score_images([vectors], IMAGES, head, variants),
        lambda: bare_product(vectors, names),
        runs=RUNS,
    )
    what = f"5 scores, {IMAGES:,} × {CLASSES:,} × {DIMENSION}{kernel}"
    return paired(what, times, BOUND, None if kernel else FIVE)


def compare_grid(kernel: str = "") -> tuple[Figure, Figure]:
    """Return the figures of 24 variants, without and with their metrics."""
    generator = np.random.default_rng(0)
    inside, outside, names = (
        unit_rows(generator, rows) for rows in (ID_IMAGES, OOD_IMAGES, CLASSES)
    )
    head, variants = Classes(names, LOGIT_SCALE, LOGIT_BIAS), parse_all(GRID)

    def scores() -> tuple[Scored, Scored]:
        return (
            score_images([inside], ID_IMAGES, head, variants),
            score_images([outside], OOD_IMAGES, head, variants),
        )

    def product() -> None:
        bare_product(inside, names)
        bare_product(outside, names)

    times = in_turns(scores, lambda: measure_all(*scores(), variants), product, runs=GRID_RUNS)
    what = f"24 variants, {ID_IMAGES + OOD_IMAGES:,} × {CLASSES:,} × {DIMENSION}"
    alone, whole = (None, None) if kernel else (ALONE, WHOLE)
    return (
        paired(f"{what}, scores only{kernel}", times, BOUND, alone, other=2),
        paired(f"{what}, with metrics{kernel}", times[:, 1:], BOUND, whole),
    )


def measure_all(inside: Scored, outside: Scored, variants: Sequence[Variant]) -> None:
    """Compute what a result holds of each variant, as `evaluation` does after scoring."""
    outside.tie(inside)
    tell_constant(variants, [inside, outside], Watch().note)
    shared = tell_shared({"outside": outside.digests}, inside.digests, "inside", Watch().note)
    kinds = [PositiveKind("inside", None, shared)]
    positives = Positives.independent({"inside": len(inside.best)})
    common = {
        **dict.fromkeys(("model", "pretrained", "classes", "template")),
        **{"templates": (), "score": "", "parameters": {}},
        "fpr_convention": STANDARD.fpr_convention,
    }
    how = Measuring(STANDARD, {"outside": None})

    def of_variant(place: int) -> None:
        scores = {"inside": inside.scores[place], "outside": outside.scores[place]}
        compare_kinds(common, kinds, positives, scores, how)

    with ThreadPoolExecutor(processors()) as pool:
        deque(pool.map(of_variant, range(len(variants))), maxlen=0)


def bare_product(vectors: Vectors, names: Vectors) -> None:
    """Multiply in the scorer's own tiles and threads, into a buffer a thread, and do no more."""
    columns, buffers, rows = np.ascontiguousarray(names.T), local(), tile_rows(len(names))

    def multiply(tile: Vectors) -> None:
        if not hasattr(buffers, "cosine"):
            buffers.cosine = np.empty((rows, columns.shape[1]), np.float32)
        np.matmul(tile, columns, out=buffers.cosine)

    deque(over_tiles(multiply, (tile for _, tile in tiles([vectors], rows))), maxlen=0)


def main(arguments: Sequence[str] = ()) -> list[Figure]:
    """Print and return the figures, of NumPy's code too, which a process of its own measures."""
    kernel = ", NumPy's kernel" if NUMPY in arguments else ""
    found = told(compare(kernel), *compare_grid(kernel))
    return found if kernel else found + in_process("bench.scores.scoring", NUMPY, **VARIABLE)


def unit_rows(generator: np.random.Generator, rows: int) -> Vectors:
    vectors = generator.standard_normal((rows, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


if __name__ == "__main__":
    main(sys.argv[1:])

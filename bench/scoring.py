"""Time our one-pass scorer against the bare matrix product under it, and against the usual way.

The five default scores on 20,000 images × 1,000 classes × 768 dimensions, and 24 variants on 50,000
ID and 10,000 OOD images: the scores alone, and with all metrics and DeLong intervals. `mcm` as a
user's function, in float64 and in float32, against the built-in one.
"""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import local

import numpy as np
from scipy.special import expit, logsumexp, softmax

from bench.timing import seconds
from oodcache.cache.watch import Watch
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import TILE, Vectors, over_tiles, processors, tiles
from oodcache.score.inputs.views import tell_shared
from oodcache.score.measures.comparison import Comparison as Measuring
from oodcache.score.measures.result import STANDARD
from oodcache.score.measures.spectrum.kinds import PositiveKind, compare_kinds
from oodcache.score.measures.spectrum.positives import Positives
from oodcache.score.onepass.default_scores import DEFAULT
from oodcache.score.onepass.onepass import Classes, Scored, fit_all, score_images
from oodcache.score.onepass.telling import tell_constant
from oodcache.score.onepass.variants import Variant, parse_all
from oodcache.score.own.batch import Batch
from oodcache.score.own.function import Function, own_score

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


@dataclass(frozen=True)
class Comparison:
    """Median seconds of each, and the median over the rounds of ours / theirs."""

    ours_seconds: float
    product_seconds: float
    usual_seconds: float
    to_product: float
    to_usual: float


@dataclass(frozen=True)
class GridComparison:
    """Median seconds of each, and the median over the rounds of ours / the product."""

    scores_seconds: float
    whole_seconds: float
    product_seconds: float
    scores_to_product: float
    whole_to_product: float


def compare(images: int = IMAGES, classes: int = CLASSES, runs: int = RUNS) -> Comparison:
    """Return the times of all three, run in turns in this process: they meet the same machine."""
    generator = np.random.default_rng(0)
    vectors, names = (unit_rows(generator, rows) for rows in (images, classes))
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


def compare_grid() -> GridComparison:
    """Return the times of 24 variants, without and with their metrics, and of the product."""
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

    def whole() -> None:
        id_scored, ood_scored = scores()
        measure_all(id_scored, ood_scored, variants)

    def product() -> None:
        bare_product(inside, names)
        bare_product(outside, names)

    rounds = np.array(
        [(seconds(scores), seconds(whole), seconds(product)) for _ in range(GRID_RUNS)]
    )
    medians = np.median(rounds, axis=0)
    ratios = np.median(rounds[:, :2] / rounds[:, 2:], axis=0)
    return GridComparison(*medians.tolist(), *ratios.tolist())


def own_mcm(batch: Batch, *, temperature: float = 1.0) -> Scores:
    """Largest softmax probability, as a user writes it in float64."""
    return np.asarray(softmax(batch.cosines.astype(np.float64) / temperature, axis=1).max(axis=1))


def own_mcm_in_float32(batch: Batch, *, temperature: float = 1.0) -> Scores:
    """Largest softmax probability, as a user writes it in float32."""
    logits = batch.cosines / np.float32(temperature)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(1 / powers.sum(axis=1, dtype=np.float64))


def compare_own(function: Function) -> tuple[float, float, float]:
    """Return the seconds of the built-in `mcm` and of a user's, and the median of their ratios."""
    generator = np.random.default_rng(0)
    vectors, names = (unit_rows(generator, rows) for rows in (IMAGES, CLASSES))
    head, ours = Classes(names, LOGIT_SCALE, LOGIT_BIAS), parse_all(["mcm"])
    theirs = parse_all(["own"], {"own": own_score(function, "own")})
    fits = fit_all(theirs, head)
    rounds = np.array(
        [
            (
                seconds(lambda: score_images([vectors], IMAGES, head, ours)),
                seconds(lambda: score_images([vectors], IMAGES, head, theirs, fits=fits)),
            )
            for _ in range(RUNS)
        ]
    )
    built_in, own = np.median(rounds, axis=0).tolist()
    return built_in, own, float(np.median(rounds[:, 1] / rounds[:, 0]))


def measure_all(inside: Scored, outside: Scored, variants: Sequence[Variant]) -> None:
    """Compute what a result holds of each variant, as `evaluation` does after scoring."""
    outside.tie(inside)
    tell_constant(variants, [inside, outside], Watch().note)
    shared = tell_shared({"outside": outside.digests}, inside.digests, "inside", Watch().note)
    kinds = [PositiveKind("inside", None, shared)]
    positives = Positives.independent({"inside": ID_IMAGES})
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
    columns, buffers = np.ascontiguousarray(names.T), local()

    def multiply(tile: Vectors) -> None:
        if not hasattr(buffers, "cosine"):
            buffers.cosine = np.empty((TILE, columns.shape[1]), np.float32)
        np.matmul(tile, columns, out=buffers.cosine)

    deque(over_tiles(multiply, (tile for _, tile in tiles([vectors]))), maxlen=0)


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
    grid = compare_grid()
    print(f"24 variants, {ID_IMAGES:,} ID + {OOD_IMAGES:,} OOD images × {CLASSES:,} × {DIMENSION}")
    for name, took, ratio in (
        ("scores only", grid.scores_seconds, grid.scores_to_product),
        ("with metrics", grid.whole_seconds, grid.whole_to_product),
    ):
        print(f"{name:<13} {took:7.3f} s   {ratio:.2f} of the bare product")
    print(f"bare product  {grid.product_seconds:7.3f} s")
    for function in (own_mcm, own_mcm_in_float32):
        built_in, own, ratio = compare_own(function)
        print(f"{function.__name__}: {own:.3f} s, {ratio:.2f} of mcm's {built_in:.3f} s")


def unit_rows(generator: np.random.Generator, rows: int) -> Vectors:
    vectors = generator.standard_normal((rows, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


if __name__ == "__main__":
    main()

"""Time our scores against the usual way, the whole matrix of logits, and against pytorch-ood.

The usual way reads 5 scores and 24 variants off the matrix by SciPy. pytorch-ood, where it is
installed, computes five scores from logits in torch, and its metrics of each. 20,000 images × 1,000
classes × 768 dimensions; for metrics, half of the images are OOD.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import util
from typing import Any

import numpy as np
from scipy.special import expit, logsumexp, softmax

from bench.figure import Figure, not_run, paired, told
from bench.scores.scoring import (
    CLASSES,
    GRID,
    IMAGES,
    LOGIT_BIAS,
    LOGIT_SCALE,
    RUNS,
    measure_all,
    unit_rows,
)
from bench.timing import in_turns
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Vectors
from oodcache.score.onepass.default_scores import DEFAULT
from oodcache.score.onepass.onepass import Classes, score_images
from oodcache.score.onepass.variants import parse_all

GRID_RUNS = 3
USUAL = "the usual way: all logits, then SciPy"
PEER = "pytorch-ood"
# What pytorch-ood has of ours, in the order of `peer_scores`.
SHARED = (
    *("mcm", "mcm:temperature=learned", "max-logit"),
    *("energy:temperature=learned", "entropy:temperature=learned"),
)


def usual_five(vectors: Vectors, names: Vectors) -> list[Scores]:
    """Return the five default scores: hold the whole matrix of logits, and read each off it."""
    cosine = vectors @ names.T
    logits = LOGIT_SCALE * cosine
    return [
        softmax(cosine, axis=1).max(axis=1),
        softmax(logits, axis=1).max(axis=1),
        expit(logits + LOGIT_BIAS).max(axis=1),
        cosine.max(axis=1),
        logsumexp(logits, axis=1) / LOGIT_SCALE,
    ]


def usual_grid(vectors: Vectors, names: Vectors) -> list[Scores]:
    """Return the 24 variants of the grid, in its order, in the same way."""
    cosine = vectors @ names.T
    heads = [(scale, bias) for scale in (LOGIT_SCALE, 10.0) for bias in (LOGIT_BIAS, 0.0)]
    temperatures = (1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 1 / LOGIT_SCALE)
    return [
        *(softmax(cosine / one, axis=1).max(axis=1) for one in temperatures),
        *(one * logsumexp(cosine / one, axis=1) for one in temperatures),
        *(expit(scale * cosine + bias).max(axis=1) for scale, bias in heads),
        *(np.logaddexp(0, scale * cosine + bias).sum(axis=1) for scale, bias in heads),
    ]


def peer_scores(vectors: Any, names: Any) -> list[Any]:
    """Return pytorch-ood's outlier scores of SHARED, higher for OOD, from tensors."""
    from pytorch_ood.detector import EnergyBased, Entropy, MaxLogit, MaxSoftmax

    cosine = vectors @ names.T
    logits = LOGIT_SCALE * cosine
    return [
        MaxSoftmax.score(cosine),
        MaxSoftmax.score(logits),
        MaxLogit.score(logits),
        EnergyBased.score(logits),
        Entropy.score(logits),
    ]


def peer_metrics(scores: list[Any], is_ood: Any) -> list[Mapping[str, float]]:
    """Return pytorch-ood's metrics of each score; its labels are negative for OOD."""
    from pytorch_ood.metrics import OODMetrics

    found = []
    for one in scores:
        metrics = OODMetrics()
        metrics.update(one, -is_ood.long())
        found.append(metrics.compute())
    return found


def compare_usual(
    what: str, asked: tuple[str, ...], usual: Callable[[Vectors, Vectors], object], runs: int
) -> Figure:
    """Return the figure of scores against the usual way."""
    vectors, names = made()
    head, variants = Classes(names, LOGIT_SCALE, LOGIT_BIAS), parse_all(asked)
    times = in_turns(
        lambda: score_images([vectors], len(vectors), head, variants),
        lambda: usual(vectors, names),
        runs=runs,
    )
    return paired(what, times, USUAL)


def compare_peer() -> tuple[Figure, ...]:
    """Return the figures of five scores against pytorch-ood, without and with metrics."""
    whats = (f"{len(SHARED)} scores that pytorch-ood has", "the same with metrics")
    if util.find_spec("pytorch_ood") is None:
        return tuple(not_run(what, "pytorch-ood is not installed") for what in whats)
    import torch

    vectors, names = made()
    half = len(vectors) // 2
    inside, outside = vectors[:half], vectors[half:]
    head, variants = Classes(names, LOGIT_SCALE, None), parse_all(SHARED)
    tensors, columns = torch.from_numpy(vectors), torch.from_numpy(names)
    is_ood = torch.arange(len(vectors)) >= half

    def ours() -> None:
        found = (score_images([one], len(one), head, variants) for one in (inside, outside))
        measure_all(*found, variants)

    def theirs() -> None:
        peer_metrics(peer_scores(tensors, columns), is_ood)

    times = in_turns(
        lambda: score_images([vectors], len(vectors), head, variants),
        lambda: peer_scores(tensors, columns),
        *(ours, theirs),
        runs=RUNS,
    )
    return paired(whats[0], times[:, :2], PEER), paired(whats[1], times[:, 2:], PEER)


def made() -> tuple[Vectors, Vectors]:
    """Return random images and classes."""
    generator = np.random.default_rng(0)
    vectors, names = (unit_rows(generator, rows) for rows in (IMAGES, CLASSES))
    return vectors, names


def main() -> list[Figure]:
    """Print and return the figures."""
    shape = f"{IMAGES:,} × {CLASSES:,}"
    return told(
        compare_usual(f"5 scores, {shape}", DEFAULT, usual_five, RUNS),
        compare_usual(f"24 variants, {shape}", GRID, usual_grid, GRID_RUNS),
        *compare_peer(),
    )


if __name__ == "__main__":
    main()

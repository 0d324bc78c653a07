"""Time `mcm` as a user's function, in float64 and in float32, against the built-in one."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from bench.figure import Figure, Target, paired, told
from bench.scores.scoring import CLASSES, IMAGES, LOGIT_BIAS, LOGIT_SCALE, RUNS, unit_rows
from bench.timing import in_turns
from oodcache.score.formulas.cosines import Scores
from oodcache.score.onepass.onepass import Classes, fit_all, score_images
from oodcache.score.onepass.variants import parse_all
from oodcache.score.own.batch import Batch
from oodcache.score.own.function import Function, own_score

AT_MOST = Target(2)


def own_mcm(batch: Batch, *, temperature: float = 1.0) -> Scores:
    """Largest softmax probability, as a user writes it in float64."""
    return np.asarray(softmax(batch.cosines.astype(np.float64) / temperature, axis=1).max(axis=1))


def own_mcm_in_float32(batch: Batch, *, temperature: float = 1.0) -> Scores:
    """Largest softmax probability, as a user writes it in float32."""
    logits = batch.cosines / np.float32(temperature)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(1 / powers.sum(axis=1, dtype=np.float64))


def compare(what: str, function: Function) -> Figure:
    """Return the figure of a user's `mcm` against the built-in one."""
    generator = np.random.default_rng(0)
    vectors, names = (unit_rows(generator, rows) for rows in (IMAGES, CLASSES))
    head, ours = Classes(names, LOGIT_SCALE, LOGIT_BIAS), parse_all(["mcm"])
    theirs = parse_all(["own"], {"own": own_score(function, "own")})
    fits = fit_all(theirs, head)
    times = in_turns(
        lambda: score_images([vectors], IMAGES, head, theirs, fits=fits),
        lambda: score_images([vectors], IMAGES, head, ours),
        runs=RUNS,
    )
    return paired(what, times, "the built-in mcm", AT_MOST)


def main() -> list[Figure]:
    """Print and return both figures."""
    return told(
        compare("mcm as a function of one's own, float64", own_mcm),
        compare("mcm as a function of one's own, float32", own_mcm_in_float32),
    )


if __name__ == "__main__":
    main()

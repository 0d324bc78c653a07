"""Claims about variances: they agree with resampling the images, group by group."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from oodcache.score.measures import delong
from oodcache.score.measures.spectrum.positives import Positives
from oodcache.score.measures.spectrum.variances import around, drop_variance, pool_variance

GENERATOR = np.random.default_rng(3)
ID, V2 = GENERATOR.normal(1, 1, 70), GENERATOR.normal(0.4, 1, 140)
POOL = np.concatenate([ID, V2])
SETS = [GENERATOR.normal(-0.5, 1, 60), GENERATOR.normal(0, 1, 90)]
# Each ID image twice, a bit changed.
COPIES = np.concatenate([ID, np.repeat(ID - 0.5, 2) + GENERATOR.normal(0, 0.2, 140)])
ALONE = Positives.independent({"id": 70, "v2": 140})
WITH_SOURCES = Positives({"id": 70, "v2": 140}, np.append(np.arange(70), np.arange(140) // 2))


def resampled(
    pool: np.ndarray, sources: bool, measure: Callable[[np.ndarray, np.ndarray], float]
) -> float:
    """Return the variance of a mean over OOD sets, from resamples, by counting pairs."""
    generator = np.random.default_rng(0)
    wins = [pool[:, None] > outside for outside in SETS]
    found = []
    for _ in range(1500):
        drawn = generator.integers(70, size=70)
        copies = 70 + 2 * np.repeat(drawn, 2) + np.tile([0, 1], 70)
        others = copies if sources else 70 + generator.integers(140, size=140)
        columns = [generator.integers(one.shape[1], size=one.shape[1]) for one in wins]
        every = np.concatenate([drawn, others])
        shares = np.mean(
            [one[np.ix_(every, of)].mean(axis=1) for one, of in zip(wins, columns, strict=True)],
            axis=0,
        )
        found.append(measure(shares[:70], shares))
    return float(np.var(found))


def drop(inside: np.ndarray, whole: np.ndarray) -> float:
    return float(inside.mean() - whole.mean())


def mean_of_all(inside: np.ndarray, whole: np.ndarray) -> float:
    return float(whole.mean())


def placed(positives: np.ndarray) -> list[delong.Placements]:
    return [delong.placements(positives, one) for one in SETS]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pool", "positives"), [(POOL, ALONE), (COPIES, WITH_SOURCES)], ids=["alone", "sources"]
)
def test_variances_are_those_of_resampling(pool: np.ndarray, positives: Positives) -> None:
    sources = positives is WITH_SOURCES
    assert pool_variance(placed(pool), positives) == pytest.approx(
        resampled(pool, sources, mean_of_all), rel=0.12
    )
    assert drop_variance(placed(pool), placed(ID), positives) == pytest.approx(
        resampled(pool, sources, drop), rel=0.12
    )


def test_copies_of_id_images_make_the_drop_more_certain_and_the_pool_less() -> None:
    copies, inside = placed(COPIES), placed(ID)
    alone, grouped = pool_variance(copies, ALONE), pool_variance(copies, WITH_SOURCES)
    assert alone is not None and grouped is not None and grouped > 1.5 * alone
    alone, grouped = (drop_variance(copies, inside, one) for one in (ALONE, WITH_SOURCES))
    assert alone is not None and grouped is not None and grouped < alone / 2


def test_the_pool_of_the_id_set_alone_has_delongs_variance() -> None:
    inside = placed(ID)
    assert pool_variance(inside, Positives.independent({"id": 70})) == pytest.approx(
        delong.average_variance(inside)
    )


def test_a_set_of_one_image_has_no_variance() -> None:
    one = Positives.independent({"id": 70, "v2": 1})
    assert pool_variance(placed(POOL[:71]), one) is None
    assert around(0.1, None) is None


def test_an_interval_stays_within_possible_differences() -> None:
    low, high = around(0.9, 0.01) or (0, 0)
    assert high == 1 and low == pytest.approx(0.9 - 1.95996 * 0.1, abs=1e-5)

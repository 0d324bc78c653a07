"""Claims about the bootstrap's intervals, against resamples that are drawn and sorted in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import pytest
from samples import silent
from samples.score.metrics import fpr_at_tpr, metrics

from oodcache.score.measures import bootstrap, delong
from oodcache.score.measures.metrics import Floats, count
from oodcache.score.measures.result import FPR_CONVENTIONS, Conventions

CONVENTIONS = Conventions(bootstrap=40, seed=3, tprs=(0.95, 0.8))


@pytest.fixture(autouse=True)
def numpy_raises_where_it_would_warn() -> Iterator[None]:
    with np.errstate(all="raise"):
        yield


def samples(
    id_scores: Floats, ood_scores: Floats, name: str = "SUN", conventions: Conventions = CONVENTIONS
) -> dict[str, Floats]:
    counts = count(id_scores, ood_scores)
    return dict(bootstrap.resampled(counts, name, conventions=conventions))


def two_sides(ids: int = 60, oods: int = 45) -> tuple[Floats, Floats]:
    generator = np.random.default_rng(0)
    return generator.normal(1, 1, ids).round(1), generator.normal(0, 1, oods).round(1)


@pytest.mark.parametrize("convention", FPR_CONVENTIONS)
def test_each_resample_is_measured_as_if_it_were_the_data(convention: str) -> None:
    id_scores, ood_scores = two_sides()
    found = samples(
        id_scores, ood_scores, conventions=replace(CONVENTIONS, fpr_convention=convention)
    )
    id_ranked, ood_ranked = -np.sort(-id_scores), -np.sort(-ood_scores)
    id_draws, ood_draws = np.random.default_rng([0, 3]), np.random.default_rng([1, 3, *b"SUN"])
    for turn in range(40):
        ids = id_ranked[id_draws.integers(60, size=60)]
        oods = ood_ranked[ood_draws.integers(45, size=45)]
        expected = metrics(ids, oods)
        assert found["auroc"][turn] == expected.auroc
        assert found["aupr_in"][turn] == pytest.approx(expected.aupr_in, rel=1e-12)
        assert found["aupr_out"][turn] == pytest.approx(expected.aupr_out, rel=1e-12)
        assert found["fpr95"][turn] == fpr_at_tpr(ids, oods, convention=convention)
        at_80 = fpr_at_tpr(ids, oods, tpr=0.8, convention=convention)
        assert found["fpr_at_tpr_0.8"][turn] == at_80
    assert [*found] == ["auroc", "aupr_in", "aupr_out", "fpr95", "fpr_at_tpr_0.8"]


def test_an_interval_does_not_depend_on_the_order_of_the_images() -> None:
    id_scores, ood_scores = two_sides()
    found = samples(id_scores, ood_scores)
    again = samples(id_scores[::-1], np.random.default_rng(1).permutation(ood_scores))
    assert all((again[name] == found[name]).all() for name in found)


def test_a_rising_transform_moves_no_interval() -> None:
    id_scores, ood_scores = two_sides()
    found, moved = samples(id_scores, ood_scores), samples(id_scores**3, ood_scores**3)
    assert all((moved[name] == found[name]).all() for name in found)


def test_another_seed_or_another_set_draws_otherwise() -> None:
    id_scores, ood_scores = two_sides()
    found = samples(id_scores, ood_scores)["auroc"]
    other_seed = samples(id_scores, ood_scores, conventions=replace(CONVENTIONS, seed=4))["auroc"]
    assert (found != other_seed).any()
    assert (found != samples(id_scores, ood_scores, "Places")["auroc"]).any()


def test_two_sets_share_the_draws_of_the_id_images() -> None:
    # Against one OOD image the AUROC is the share of the drawn ID images above it.
    id_scores, one_image = np.arange(50.0), np.array([24.5])
    found = samples(id_scores, one_image, "SUN")["auroc"]
    assert (found == samples(id_scores, one_image, "Places")["auroc"]).all()
    assert len({*found.tolist()}) > 5


def test_an_average_is_the_mean_of_each_resample() -> None:
    id_scores, ood_scores = two_sides()
    sets = [samples(id_scores, ood_scores, "SUN"), samples(id_scores, ood_scores + 1, "Places")]
    found = bootstrap.averaged(sets)
    for name in found:
        assert found[name] == pytest.approx((sets[0][name] + sets[1][name]) / 2, rel=1e-15)


def test_the_interval_cuts_off_as_much_below_as_above() -> None:
    values = np.random.default_rng(0).permutation(np.arange(1001.0))
    assert bootstrap.intervals({"x": values})["x"] == pytest.approx((25, 975), rel=1e-12)
    half = bootstrap.intervals({"x": values}, confidence=0.5)["x"]
    assert half == pytest.approx((250, 750), rel=1e-12)


def test_the_bootstrap_agrees_with_delong() -> None:
    generator = np.random.default_rng(5)
    counts = count(generator.normal(1.5, 1, 800), generator.normal(0, 1, 500))
    found = bootstrap.resampled(counts, "SUN", conventions=Conventions(bootstrap=2000))["auroc"]
    assert found.var() == pytest.approx(delong.variance(counts), rel=0.1)


def test_every_resample_is_told() -> None:
    told: list[int] = []
    counts = count(*two_sides())
    bootstrap.resampled(counts, "SUN", conventions=CONVENTIONS, advance=told.append)
    assert told == [1] * 40


def test_without_resamples_there_is_nothing() -> None:
    assert samples(*two_sides(), conventions=Conventions()) == {}


def test_one_image_a_side_is_drawn_every_time() -> None:
    found = samples(np.array([np.inf]), np.array([-np.inf]))
    assert bootstrap.intervals(found)["auroc"] == (1, 1)
    assert bootstrap.intervals(found)["fpr95"] == (0, 0)


def test_every_resample_is_told_to_the_progress_and_none_where_none_is_drawn() -> None:
    counts = count(np.arange(9.0), np.arange(5.0))
    # `silent` asserts that what it is told comes to the total.
    with bootstrap.watched(silent, "mcm", 2 * CONVENTIONS.bootstrap) as advance:
        for name in ("SUN", "Places"):
            bootstrap.resampled(counts, name, conventions=CONVENTIONS, advance=advance)

    def unwanted(*_: object) -> AbstractContextManager[Callable[[int], None]]:
        raise AssertionError

    with bootstrap.watched(unwanted, "mcm", 0) as advance:
        advance(0)


def test_scoring_tells_the_resamples_of_every_set(
    write_images: Callable[..., object],
    write_texts: Callable[..., object],
    score: Callable[..., object],
) -> None:
    vectors = np.eye(4, dtype=np.float32)
    for name in ("inside", "outside", "more"):
        write_images(name, vectors)
    write_texts("names", vectors[:2])
    score(ood_sets=("outside", "more"), conventions=CONVENTIONS, progress=silent)

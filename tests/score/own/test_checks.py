"""Claims about the checks of users' scores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from samples.score.banks import made
from samples.score.own import IMAGES, ONE, scored

from oodcache.cache.errors import InputError
from oodcache.score.formulas.tile import TILE

GENERATOR = np.random.default_rng(0)
CALLS: list[int] = []


def ranks(batch: Any) -> Any:
    return batch.cosines.max(axis=1).argsort().argsort()


def less_the_mean(batch: Any) -> Any:
    return batch.cosines.max(axis=1) - 1e-3 * batch.cosines.mean()


def of_the_one_before(batch: Any) -> Any:
    top = batch.cosines.max(axis=1)
    return top + 1e-3 * np.roll(top, 1)


def of_the_first(batch: Any) -> Any:
    return batch.cosines.max(axis=1) + batch.images[0, 0]


def running(batch: Any) -> Any:
    """Remember earlier batches: the last image of the same batch scores otherwise."""
    CALLS.append(1)
    return batch.cosines.max(axis=1) + len(CALLS)


def noisy(batch: Any) -> Any:
    return batch.cosines.max(axis=1) + 1e-4 * GENERATOR.normal(size=len(batch))


@pytest.mark.parametrize("function", [ranks, less_the_mean, of_the_one_before, of_the_first])
def test_a_score_of_its_neighbours_is_rejected(function: Any) -> None:
    with pytest.raises(InputError, match="^f .* depends on other images: .* declare whole=True"):
        scored(function, "f")


@pytest.mark.parametrize("function", [noisy, running])
def test_a_random_score_is_rejected(function: Any) -> None:
    with pytest.raises(InputError, match="^f .* is random: the same batch gives one image "):
        scored(function, "f")


@pytest.mark.parametrize("count", [2, 3, 40])
def test_small_sets_are_checked_too(count: int) -> None:
    with pytest.raises(InputError, match="depends on other images"):
        scored(ranks, "f", images=IMAGES[:count])


@pytest.mark.parametrize(
    "function",
    [
        lambda batch: (batch.images @ batch.classes.T).max(axis=1),
        lambda batch: (batch.logit_scale * (batch.images @ batch.classes.T) + 100).max(axis=1),
        lambda batch: np.zeros(len(batch)),
        lambda batch: np.where(batch.cosines[:, 0] > 0, np.inf, -np.inf),
        lambda batch: batch.nearest,
        lambda batch: (batch.cosines > 0.2).any(axis=1),
    ],
)
def test_a_score_of_each_image_alone_passes(function: Any) -> None:
    assert np.isfinite(ONE.vectors).all()
    assert not np.isnan(scored(function, "f")).any()


def test_a_score_that_cannot_do_one_image_is_rejected_in_any_set() -> None:
    with pytest.raises(InputError, match=r"^f .* returned shape \(\); expected shape \(1,\)"):
        scored(lambda batch: batch.cosines.max(axis=1, keepdims=True).squeeze(), "f")


def test_a_set_of_one_image_is_scored_as_it_is() -> None:
    assert scored(ranks, "f", images=IMAGES[:1]).tolist() == [[0.0]]


def nearest(batch: Any) -> Any:
    return (batch.images @ batch.bank.vectors.T).max(axis=1)


def distance(batch: Any) -> Any:
    return -np.sqrt(np.maximum(0, 2 - 2 * nearest(batch)))


def angle(batch: Any) -> Any:
    return -np.arccos(np.minimum(1, nearest(batch)))


def distance_in_float32(batch: Any) -> Any:
    images, bank = (torch.tensor(one, dtype=torch.float32) for one in (batch.images, known(batch)))
    return -(2 - 2 * (images @ bank.T).amax(dim=1)).clamp(min=0).sqrt()


def distance_to_tensor(batch: Any) -> Any:
    """Distances by torch, which multiplies no float64 images with the user's float32."""
    images = torch.from_numpy(batch.images)
    return -(2 - 2 * (images @ torch.from_numpy(IMAGES[:TILE:2]).T).amax(dim=1)).clamp(min=0).sqrt()


def residual(batch: Any) -> Any:
    """Distance from the plane through most of the bank, as a difference of squares in float32."""
    mean = known(batch).mean(axis=0)
    axes = np.linalg.svd(known(batch)[:20] - mean, full_matrices=False)[2]
    centred = batch.images - mean
    squares = (centred**2).sum(axis=1) - ((centred @ axes.T) ** 2).sum(axis=1)
    return -np.sqrt(np.maximum(squares, 0))


def known(batch: Any) -> Any:
    return batch.bank.vectors


MAGNIFIED = [distance, angle, distance_in_float32, distance_to_tensor, residual]


def judged(function: Any) -> Any:
    """Score images of which half are in the bank, so that their distance is rounding."""
    bank = replace(made(class_count=len(ONE.vectors), dimension=24).bank, vectors=IMAGES[:TILE:2])
    return scored(function, "f", images=IMAGES[:TILE], bank=bank)


@pytest.mark.parametrize("function", MAGNIFIED)
def test_rounding_that_a_score_magnifies_is_no_dependence(function: Any) -> None:
    assert np.isfinite(judged(function)).all()


@pytest.mark.parametrize("function", MAGNIFIED)
@pytest.mark.parametrize(
    "of_others",
    [
        lambda batch: 0.1 * batch.images.mean(),
        lambda batch: 1e-4 * len(batch),
        lambda batch: 0.1 * np.roll(batch.cosines[:, 0], 1),
        lambda batch: batch.cosines[:, 0].argsort().argsort(),
    ],
)
def test_a_dependence_beside_magnified_rounding_is_rejected(function: Any, of_others: Any) -> None:
    with pytest.raises(InputError, match="depends on other images"):
        judged(lambda batch: np.asarray(function(batch)) + of_others(batch))


def test_a_small_movement_names_float64_as_a_way_out() -> None:
    with pytest.raises(InputError, match="if that is rounding, compute in float64; a score must"):
        scored(less_the_mean, "f")
    with pytest.raises(InputError, match=r"alone\); a score must not depend"):
        scored(lambda batch: batch.cosines.max(axis=1) * len(batch), "f")

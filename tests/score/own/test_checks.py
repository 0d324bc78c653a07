"""Claims about the checks of users' scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from samples.score.own import IMAGES, ONE, scored

from oodcache.cache.errors import InputError
from oodcache.score.own.checks import numbers

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


def test_a_set_of_one_image_is_scored_as_it_is() -> None:
    assert scored(ranks, "f", images=IMAGES[:1]).tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (np.zeros((4, 1)), "f returned shape (4, 1); expected shape (4,): one number per image"),
        (np.zeros(3), "f returned shape (3,); expected shape (4,)"),
        (0.5, "f returned shape (); expected shape (4,)"),
        (None, "f returned None; expected shape (4,)"),
        (["a"] * 4, "f returned <U1 values"),
        (np.zeros(4, complex), "f returned complex128 values"),
        ([[1], [1, 2]], "f returned list: setting an array element"),
        ([0, np.nan, 1, np.nan], "f returned NaN for 2 of 4 images, which cannot be ranked (the "),
    ],
)
def test_what_is_not_one_number_per_image_is_rejected(found: object, words: str) -> None:
    with pytest.raises(InputError) as error:
        numbers(found, 4, "f")
    assert str(error.value).startswith(words)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64, torch.int64])
def test_tensors_of_any_type_are_scores(kind: torch.dtype) -> None:
    gradient = kind.is_floating_point
    scores = numbers(torch.ones(4, dtype=kind, requires_grad=gradient), 4, "f")
    assert (scores.dtype, scores.tolist()) == (np.float64, [1.0] * 4)
    with pytest.raises(InputError, match="returned complex64 values"):
        numbers(torch.ones(4, dtype=torch.complex64), 4, "f")


def test_integers_and_floats_of_any_size_are_scores() -> None:
    for kind in (np.int8, np.float16, np.float32, bool):
        scores = numbers(np.ones(4, kind), 4, "f")
        assert (scores.dtype, scores.tolist()) == (np.float64, [1.0] * 4)

"""Claims about all scores of a bank: what they must not depend on, and that images do not tie."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.score.banks import (
    BANK_SCORES,
    Vectors,
    around,
    made,
    normalised,
    numbers_of,
    ranked,
    ranked_blocks,
    shown,
    unit,
)

from oodcache.cache.errors import InputError
from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.registry import SCORES

each_score = pytest.mark.parametrize("score", BANK_SCORES)
# With one class there is nothing to compare it with.
TIED = ("klm", "rmds", "probe", "probe-zero-shot", "tip", "fdbd")


@pytest.fixture(autouse=True)
def numpy_raises_where_it_would_warn() -> Iterator[None]:
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        yield


def turned(bank: Bank, images: Vectors, seed: int) -> tuple[Bank, Vectors]:
    """Return bank, classes and images after a rotation (or reflection) of exact float32 vectors.

    Coordinates are exchanged and their signs changed, and no number is rounded.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(images.shape[1])
    signs = generator.choice(np.float32([-1, 1]), images.shape[1])
    vectors, classes, some = (
        np.ascontiguousarray(one[:, order] * signs) for one in (bank.vectors, bank.classes, images)
    )
    other = made(len(vectors), len(classes), vectors=vectors, classes=classes, labels=bank.labels)
    return other.bank, some


@each_score
@settings(max_examples=settings().max_examples // 4)
@given(st.integers(1, 4), st.integers(1, 60), st.integers(0, 1000))
def test_a_rotation_of_everything_leaves_every_score(
    score: str, classes: int, images: int, seed: int
) -> None:
    bank = made(max(images, 3, classes), classes, 16, seed).bank
    some = unit(20, 16, seed)
    other, others = turned(bank, some, seed)
    before, after = ranked(score, bank, some), ranked(score, other, others)
    # Sums over classes are float32; at 1/50 their exponentials are good to the sixth digit.
    close = 1e-7 if classes < 3 or score not in ("vim", "nnguide", "klm") else 2e-5
    if score.startswith("probe"):  # The regression stops where rounding hides further progress.
        close = 1e-4
    np.testing.assert_allclose(after, before, rtol=close, atol=close)


@each_score
@settings(max_examples=settings().max_examples // 4)
@given(seed=st.integers(0, 1000))
def test_the_order_of_a_bank_does_not_matter(score: str, seed: int) -> None:
    bank = made(200, 4).bank
    order = np.random.default_rng(seed).permutation(200)
    other = made(200, 4, vectors=bank.vectors[order], labels=bank.labels[order]).bank
    some = unit(20)
    before, after = ranked(score, bank, some), ranked(score, other, some)
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9)


@each_score
@given(cuts=st.lists(st.integers(0, 1100), max_size=4))
@settings(max_examples=settings().max_examples // 5)
def test_scores_are_the_same_to_the_bit_whatever_the_blocks(score: str, cuts: list[int]) -> None:
    bank, images = made().bank, unit(1100)
    blocks = np.split(images, sorted(cuts))
    assert np.array_equal(ranked_blocks(score, bank, blocks), ranked(score, bank, images))


@each_score
@pytest.mark.parametrize("classes", [1, 2, 5, 40])
def test_equal_images_tie_wherever_they_stand_and_no_others_do(score: str, classes: int) -> None:
    bank = made(400, classes).bank
    images = np.concatenate(
        [unit(1000, seed=5), around(bank.classes, np.arange(1000) % classes, 6)]
    )
    generator = np.random.default_rng(7)
    twins = np.concatenate([images, images[::-1], images[generator.permutation(2000)]])
    found = ranked(score, bank, twins)
    all_tie = classes == 1 and score in TIED
    assert len(np.unique(found)) == (1 if all_tie else 2000)
    assert np.array_equal(found[:2000], found[2000:4000][::-1])


@each_score
def test_images_close_together_still_do_not_tie(score: str) -> None:
    bank = made(300, 5).bank
    images = around(bank.classes, np.zeros(3000, np.intp), spread=0.01)
    # At 1/50 the other classes have e^-25 of the softmax, which klm still tells apart.
    assert len(np.unique(ranked(score, bank, images))) == 3000


@each_score
def test_the_ranking_form_rises_with_the_shown_one(score: str) -> None:
    bank, images = made().bank, np.concatenate([unit(100), made(seed=4).bank.vectors])
    ranks, formula = ranked(score, bank, images), shown(score, bank, images)
    assert np.array_equal(np.argsort(ranks), np.argsort(formula))


@each_score
def test_a_row_of_zeros_is_scored_in_silence(score: str) -> None:
    for classes in (1, 2, 5):
        assert np.isfinite(
            ranked(score, made(30, classes).bank, np.zeros((2, 64), np.float32))
        ).all()


@each_score
@pytest.mark.parametrize(("classes", "dimension"), [(1, 64), (2, 64), (20, 512), (20, 768)])
def test_one_image_a_class_is_enough(score: str, classes: int, dimension: int) -> None:
    bank = made(classes, classes, dimension).bank
    numbers = {"k": 1.0}
    images = unit(30, dimension)
    if classes == 1 and score == "vim":
        with pytest.raises(InputError, match="all its images lie in 1 of 64 dimensions"):
            ranked(score, bank, images, **numbers)
        return
    found = ranked(score, bank, images, **numbers)
    assert np.isfinite(found).all()
    assert len(np.unique(found)) == (1 if classes == 1 and score in TIED else 30)


@each_score
def test_float32_ties_of_the_two_nearest_classes_are_told_apart(score: str) -> None:
    pair = np.zeros((2, 64))
    pair[0, 0] = pair[1, 1] = 1
    classes = normalised(pair)
    bank = made(50, 2, classes=classes, vectors=around(classes, np.arange(50) % 2)).bank
    tilted = np.zeros((40, 64))
    tilted[:, 0] = 0.5
    tilted[:, 1] = 0.5 + np.arange(1, 41) * 2e-7
    tilted[:, 2] = 0.7
    images = normalised(tilted)
    assert len(np.unique(images, axis=0)) == 40
    assert len(np.unique(ranked(score, bank, images))) == 40


@each_score
def test_images_like_those_of_the_bank_score_higher_than_random_ones(score: str) -> None:
    bank = made(600, 4).bank
    inside = around(bank.classes, np.arange(200) % 4, seed=9)
    outside = unit(200)
    assert np.median(ranked(score, bank, inside)) > np.median(ranked(score, bank, outside))


@each_score
def test_no_images_have_no_scores(score: str) -> None:
    assert ranked(score, made().bank, unit(0)).shape == (0,)


@each_score
def test_what_is_said_of_a_score_is_whole(score: str) -> None:
    told = BANK_SCORES[score]
    assert told.needs == "bank"
    assert told.fit is not None
    assert set(told.defaults) == set(numbers_of(score))
    assert all(told.facts.values())
    assert SCORES[score] is told

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import threadpoolctl
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.score.cosines import ranked
from samples.score.negatives import sums_of
from scipy.special import logsumexp, softmax

from oodcache.score.formulas.class_scores import CLASS_SCORES
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import Score
from oodcache.score.formulas.tile import Tile, Vectors, tile_rows
from oodcache.score.onepass.default_scores import DEFAULT
from oodcache.score.onepass.onepass import Classes, Scored, fit_all, score_images
from oodcache.score.onepass.variants import parse_all

# At 0.5, 0.7 and 0.9 some softmaxes are nearly uniform and others are not.
TEMPERATURES = "temperature=0.001|learned|0.1|0.5|0.7|0.9|1|50"
VARIANTS = parse_all(
    [
        *(*DEFAULT, "mcm:temperature=0.1|30", "energy:temperature=1"),
        *(f"{score}:{TEMPERATURES}" for score in ("mcm", "energy", "entropy", "variance", "gen")),
        "gen:top=1|5",
        "margin",
        *(
            f"{score}:scale=learned|1|0.1|1000,bias=learned|none|5|-50|60"
            for score in ("sigmoid-mcm", "joint-energy", "sigmoid-sum")
        ),
    ]
)
SCALE, BIAS = 112.0, -16.5


def unit(rows: int, seed: int, dimension: int = 24) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


CLASSES = Classes(unit(37, seed=1), SCALE, BIAS)
# Rows of a tile with so few classes.
TILE = tile_rows(len(CLASSES.vectors))
IMAGES = unit(2 * TILE + 40, seed=0)


def score(images: Vectors, *cuts: int, threads: int | None = None) -> Scored:
    """Score `images` read in blocks that end at `cuts`."""
    edges = [0, *cuts, len(images)]
    blocks = (images[first:last].copy() for first, last in pairwise(edges))
    return score_images(blocks, len(images), CLASSES, VARIANTS, threads=threads)


WHOLE = score(IMAGES)


def assert_same_bits(found: Scored, expected: Scored) -> None:
    assert found.scores.tobytes() == expected.scores.tobytes()
    assert found.best.tobytes() == expected.best.tobytes()


def direct(images: Vectors) -> Scores:
    """Compute every ranking form the usual way: the whole matrix, in float64."""
    cosine = images.astype(np.float64) @ CLASSES.vectors.astype(np.float64).T
    ordered = np.sort(cosine, axis=1)
    top, others = ordered[:, -1], ordered[:, :-1]

    def lead(temperature: float) -> Scores:
        mean_of_others = logsumexp(others / temperature, axis=1) - np.log(others.shape[1])
        return np.asarray(top - temperature * mean_of_others)

    def energy(temperature: float) -> Scores:
        total = logsumexp(cosine / temperature, axis=1) - np.log(cosine.shape[1])
        return np.asarray(temperature * total)

    learned = 1 / SCALE
    return np.stack(
        [lead(1), lead(learned), top, top, energy(learned), lead(0.1), lead(30), energy(1)]
    )


@settings(max_examples=settings().max_examples // 4)
@given(st.lists(st.integers(0, len(IMAGES)), max_size=6).map(sorted), st.integers(1, 4))
def test_scores_are_the_same_bits_for_any_read_blocks_and_threads(
    cuts: list[int], threads: int
) -> None:
    assert_same_bits(score(IMAGES, *cuts, threads=threads), WHOLE)


@pytest.mark.parametrize("rows", [1, 7, 100, TILE])
def test_blocks_of_one_size_give_the_same_bits(rows: int) -> None:
    assert_same_bits(score(IMAGES, *range(rows, len(IMAGES), rows)), WHOLE)


@pytest.mark.parametrize("rows", [1, 2, TILE - 1, TILE, TILE + 1, 2 * TILE, len(IMAGES)])
def test_the_first_rows_score_the_same_bits_however_many_follow(rows: int) -> None:
    found = score(IMAGES[:rows])
    assert np.array_equal(found.scores, WHOLE.scores[:, :rows])
    assert np.array_equal(found.best, WHOLE.best[:rows])


def test_scores_are_those_of_the_whole_matrix_in_float64() -> None:
    expected = direct(IMAGES)
    np.testing.assert_allclose(WHOLE.scores[: len(expected)], expected, atol=1e-6)


def test_every_score_is_that_of_the_cosines_in_float64() -> None:
    cosine = IMAGES.astype(np.float64) @ CLASSES.vectors.astype(np.float64).T
    for variant, scores in zip(VARIANTS, WHOLE.scores, strict=True):
        numbers = CLASSES.numbers(variant)
        expected = ranked(variant.score, cosine, **numbers)
        # A cosine's rounding moves a logit as much as the scale or 1/temperature is large.
        sharp = max(numbers.get("scale", 1.0), 1 / numbers.get("temperature", 1.0))
        np.testing.assert_allclose(
            scores, expected, rtol=1e-6, atol=1e-6 + 3e-7 * sharp, err_msg=variant.label
        )


def test_the_best_class_is_the_nearest_one() -> None:
    cosine = IMAGES.astype(np.float64) @ CLASSES.vectors.astype(np.float64).T
    assert np.array_equal(WHOLE.best, cosine.argmax(axis=1))


def test_scores_are_in_the_order_of_the_variants_and_float64() -> None:
    assert WHOLE.scores.shape == (len(VARIANTS), len(IMAGES))
    assert WHOLE.scores.dtype == np.float64
    reordered = score_images([IMAGES], len(IMAGES), CLASSES, VARIANTS[::-1])
    assert np.array_equal(reordered.scores, WHOLE.scores[::-1])


@pytest.mark.slow
def test_a_score_does_not_depend_on_what_else_is_asked_for() -> None:
    for place, variant in enumerate(VARIANTS):
        alone = score_images([IMAGES], len(IMAGES), CLASSES, [variant])
        assert alone.scores[0].tobytes() == WHOLE.scores[place].tobytes(), variant.label


def test_images_of_equal_embeddings_tie_exactly_in_any_company() -> None:
    generator = np.random.default_rng(3)
    images, sources = unit(3 * TILE + 77, seed=5), unit(30, seed=6)
    # Among strangers all over the pass, and in a tile that they fill alone.
    scattered = generator.permutation(len(images))[:600]
    places = np.concatenate([scattered, np.arange(TILE, 2 * TILE), [0, len(images) - 1]])
    which = np.full(len(images), -1)
    which[places] = np.arange(len(places)) % len(sources)
    images[which >= 0] = sources[which[which >= 0]]
    for classes in (1, 2, 8, 37, 64):
        head = Classes(unit(classes, seed=1), SCALE, BIAS)
        found = score_images(np.array_split(images, 7), len(images), head, VARIANTS)
        for source in range(len(sources)):
            equal = which == source
            assert len(np.unique(found.best[equal])) == 1
            for variant, scores in zip(VARIANTS, found.scores[:, equal], strict=True):
                assert len(np.unique(scores)) == 1, (classes, variant.label)


def test_an_image_ties_with_the_first_that_has_its_vector_whatever_was_computed() -> None:
    # Digests of which float64 holds no last digit, and one above all others.
    a, b, c = (2**64 - one for one in (10, 9, 1))
    scores = [np.arange(5.0) + number for number in (0, 10)]
    first = Scored(np.stack(scores), np.arange(5), np.array([a, b, a, a, b], np.uint64))
    other = Scored(-np.ones((2, 3)), np.full(3, 9), np.array([c, b, 0], np.uint64))
    other.tie(first)
    first.tie(first)
    assert first.scores.tolist() == [[0, 1, 0, 0, 1], [10, 11, 10, 10, 11]]
    assert first.best.tolist() == [0, 1, 0, 0, 1]
    assert other.scores.tolist() == [[-1, 1, -1], [-1, 11, -1]]
    assert other.best.tolist() == [9, 1, 9]


@pytest.mark.parametrize("classes", [2, 20, 37])
def test_images_tie_only_if_their_embeddings_do(classes: int) -> None:
    images = unit(3000, seed=8, dimension=384)
    head = Classes(unit(classes, seed=9, dimension=384), SCALE, BIAS)
    # At that scale logits lie far from 0 on either side: the sum is a whole number in float64.
    variants = [one for one in VARIANTS if not one.label.startswith("sigmoid-sum:scale=1000")]
    variants += parse_all(["sigmoid-sum:scale=1000,bias=1000", "joint-energy:scale=1e4,bias=0"])
    found = score_images([images], len(images), head, variants)
    for variant, scores in zip(variants, found.scores, strict=True):
        assert len(np.unique(scores)) == len(images), variant.label


def test_sigmoid_sum_ties_where_logits_lie_far_from_nil_on_either_side() -> None:
    cosine = np.array([[0.5, 0.4, -0.5], [0.3, 0.25, -0.2]])
    assert len(np.unique(ranked("sigmoid-sum", cosine, scale=1000.0, bias=0.0))) == 1
    assert len(np.unique(ranked("sigmoid-sum", cosine, scale=100.0, bias=0.0))) == 2


def test_twin_classes_leave_no_margin_to_the_images_nearest_to_them() -> None:
    order = np.r_[36, 0:36, 3, 20]
    head = Classes(np.ascontiguousarray(CLASSES.vectors[order]), SCALE, BIAS)
    found = score_images([IMAGES], len(IMAGES), head, parse_all(["margin"])).scores[0]
    of_twins = np.isin(WHOLE.best, [3, 20])
    assert 20 < of_twins.sum() < 500
    assert np.array_equal(found == 0, of_twins)
    alone = WHOLE.scores[[one.label for one in VARIANTS].index("margin")]
    assert np.array_equal(found[~of_twins], alone[~of_twins])


def test_mcm_at_the_learned_scale_orders_images_as_scipys_softmax() -> None:
    cosine = IMAGES.astype(np.float64) @ CLASSES.vectors.astype(np.float64).T
    shown = softmax(SCALE * cosine, axis=1).max(axis=1)
    order = np.argsort(WHOLE.scores[1])
    assert (np.diff(shown[order]) > -1e-5).all()


def test_no_rows_give_no_scores() -> None:
    found = score_images([], 0, CLASSES, VARIANTS)
    assert found.scores.shape == (len(VARIANTS), 0)
    assert found.best.shape == (0,)


def test_one_class_and_rows_of_zeros_score_without_a_warning() -> None:
    images = np.concatenate([np.zeros((3, 24), np.float32), IMAGES[:5]])
    head = Classes(unit(1, seed=2), SCALE, None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = score_images([images], 8, head, VARIANTS)
    assert not np.isnan(found.scores).any()
    assert (found.best == 0).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("temperature", ["5e-324", "1e-40", "0.001", "1e39", "1e300"])
def test_no_temperature_warns_or_gives_nan(temperature: str) -> None:
    softmax_scores = ("mcm", "energy", "entropy", "variance", "gen")
    variants = parse_all([f"{score}:temperature={temperature}" for score in softmax_scores])
    found = score_images([IMAGES], len(IMAGES), CLASSES, variants)
    assert np.isfinite(found.scores).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", ["5e-324", "1e-38", "0.001", "1e4", "1e39", "1e300"])
def test_no_scale_or_bias_warns_or_gives_nan(scale: str) -> None:
    sigmoid_scores = ("sigmoid-mcm", "joint-energy", "sigmoid-sum")
    variants = parse_all(
        [f"{score}:scale={scale},bias=0|1e4|-1e4|-1e39|1e300" for score in sigmoid_scores]
    )
    found = score_images([IMAGES], len(IMAGES), CLASSES, variants)
    assert np.isfinite(found.scores).all()


def test_an_error_within_a_tile_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> None:
        raise ArithmeticError("no such tile")

    monkeypatch.setattr("oodcache.score.formulas.tile.Rows", broken)
    with pytest.raises(ArithmeticError, match="no such tile"):
        score(IMAGES)


def test_an_error_of_the_reader_reaches_the_caller() -> None:
    def blocks() -> Iterator[Vectors]:
        yield IMAGES[:TILE]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        score_images(blocks(), len(IMAGES), CLASSES, VARIANTS)


@pytest.mark.parametrize("fails", [False, True])
def test_blas_has_its_threads_back_afterwards(fails: bool) -> None:
    def blas_threads() -> list[int]:
        pools = threadpoolctl.threadpool_info()
        return [pool["num_threads"] for pool in pools if pool["user_api"] == "blas"]

    with threadpoolctl.threadpool_limits(3, "blas"):
        before = blas_threads()
        if fails:
            with pytest.raises(ValueError, match="matmul"):
                score_images([IMAGES[:, :5]], len(IMAGES), CLASSES, VARIANTS)
        else:
            score(IMAGES)
        assert blas_threads() == before


def test_blas_has_one_thread_within() -> None:
    seen = []

    def blocks() -> Iterator[Vectors]:
        pools = threadpoolctl.threadpool_info()
        seen.extend(pool["num_threads"] for pool in pools if pool["user_api"] == "blas")
        yield IMAGES

    score_images(blocks(), len(IMAGES), CLASSES, VARIANTS)
    assert set(seen) == {1}


def test_the_blocks_given_stay_as_they_are() -> None:
    images = IMAGES.copy()
    score_images([images], len(images), CLASSES, VARIANTS)
    assert np.array_equal(images, IMAGES)


def test_scores_of_classes_alone_are_fitted_to_nothing() -> None:
    assert fit_all(parse_all(["mcm", "energy"]), CLASSES) == [None, None]


def test_each_variant_of_a_score_is_fitted_apart() -> None:
    fits = fit_all(parse_all(["neglabel:groups=1|2", "max-logit"]), CLASSES, sums_of(unit(9, 1)))
    assert [one is None for one in fits] == [False, False, True]
    assert fits[0] != fits[1]


def test_a_score_fitted_to_the_classes_alone_needs_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A score with `fit` and no `needs`: minus the distance from the centre of the classes."""

    def rank(tile: Tile, centre: Vectors) -> Scores:
        found: Scores = -np.linalg.norm(tile.precise - centre, axis=1)
        return found

    central = Score(
        **{"rank": rank, "fit": lambda vectors: vectors.mean(axis=0), "formula": "-|z - m|"},
        **dict.fromkeys(("ranks_by", "source", "use", "limits"), "made up"),
    )
    monkeypatch.setitem(CLASS_SCORES, "central", central)
    variants = parse_all(["central", "mcm"])
    fits = fit_all(variants, CLASSES)
    found = score_images([IMAGES], len(IMAGES), CLASSES, variants, fits=fits)
    expected = -np.linalg.norm(IMAGES - CLASSES.vectors.mean(axis=0), axis=1)
    np.testing.assert_allclose(found.scores[0], expected, atol=1e-6)
    assert np.array_equal(found.scores[1], WHOLE.scores[0])


@pytest.mark.usefixtures("tally")
def test_a_stream_score_is_made_with_its_base_as_it_is_shown() -> None:
    vectors, classes = unit(20, 1), Classes(unit(5, 2), SCALE, BIAS)
    method, fit = fit_all(
        parse_all(["tally:base=neglabel:groups=3,batch=7", "neglabel:groups=3"]),
        *(classes, sums_of(unit(30, 3))),
    )
    tile = Tile(vectors, classes.vectors, np.ascontiguousarray(classes.vectors.T))
    one = parse_all(["neglabel:groups=3"])[0]
    shown = classes.shown(one, one.rank(tile, classes.numbers(one), fit))
    assert method.batch == 7
    np.testing.assert_array_equal(method.ahead(tile), shown[None])

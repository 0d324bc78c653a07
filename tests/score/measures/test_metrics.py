import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.score.metrics import Metrics, aupr_in, aupr_out, fpr_at_tpr, metrics
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from oodcache.cache.errors import InputError
from oodcache.score.measures.metrics import Floats, auroc, count, merge, threshold_at_tpr
from oodcache.score.measures.result import FPR_CONVENTIONS

WORKED_ID = np.array([*(np.arange(95, 77, -1) / 100), 0.60, 0.20])
WORKED_OOD = np.array([0.87, 0.70, 0.65, 0.50, 0.40, 0.30, 0.25, 0.10, 0.09, 0.08])
TWO_SIDED = [metrics, auroc, aupr_in, aupr_out, fpr_at_tpr]

# Few distinct values, so that most examples have ties, within a side and across.
tied_scores = st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=40).map(np.array)
any_float = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, np.inf, -np.inf, 5e-324])
any_scores = st.lists(any_float, min_size=1, max_size=30).map(np.array)
single_scores = st.lists(st.floats(allow_nan=False, width=32), min_size=1, max_size=30).map(
    lambda values: np.array(values, dtype=np.float32)
)


@pytest.fixture(autouse=True)
def numpy_raises_where_it_would_warn() -> Iterator[None]:
    with np.errstate(all="raise"):
        yield


def slow_auroc(id_scores: Floats, ood_scores: Floats) -> float:
    """Count every pair, as the definition says; twice, so that a tie is one and not a half."""
    above = id_scores[:, None] > ood_scores[None, :]
    equal = id_scores[:, None] == ood_scores[None, :]
    return (2 * int(above.sum()) + int(equal.sum())) / (2 * above.size)


def slow_aupr(positives: Floats, negatives: Floats) -> float:
    """Return the mean over the positives of the precision at their score, exact until the end."""
    precisions = [
        Fraction(int((positives >= s).sum()), int((positives >= s).sum() + (negatives >= s).sum()))
        for s in positives
    ]
    return float(sum(precisions) / len(positives))


def slow_threshold(id_scores: Floats, tpr: float) -> float:
    """Try the ID scores from the highest down; the share kept is compared in decimal."""
    for score in sorted(id_scores.tolist(), reverse=True):
        if Fraction(int((id_scores >= score).sum()), len(id_scores)) >= Fraction(str(tpr)):
            return float(score)
    raise AssertionError("the lowest score keeps all")


def slow_fpr(id_scores: Floats, ood_scores: Floats, tpr: float) -> float:
    return float(np.mean(ood_scores >= slow_threshold(id_scores, tpr)))


def slow_nearest_fpr(id_scores: Floats, ood_scores: Floats, tpr: float) -> float:
    """Walk up from the lowest ID score, as Hendrycks' code does, but compare in fractions."""
    best: tuple[Fraction, float] | None = None
    for score in sorted({*id_scores.tolist(), *ood_scores.tolist()}):
        share = Fraction(int((id_scores >= score).sum()), len(id_scores))
        distance = abs(share - Fraction(str(tpr)))
        if score >= id_scores.min() and (best is None or distance < best[0]):
            best = distance, float(np.mean(ood_scores >= score))
    assert best is not None
    return best[1]


def slow_interpolated_fpr(id_scores: Floats, ood_scores: Floats, tpr: float) -> float:
    """Try every step of the curve, the last first; a flat step at `tpr` gives its right end."""
    scores = sorted({*id_scores.tolist(), *ood_scores.tolist()}, reverse=True)
    ids, oods, share = len(id_scores), len(ood_scores), Fraction(str(tpr))
    points = [(Fraction(0), Fraction(0))]
    for score in scores:
        id_kept, ood_kept = int((id_scores >= score).sum()), int((ood_scores >= score).sum())
        points.append((Fraction(ood_kept, oods), Fraction(id_kept, ids)))
    for (left, low), (right, high) in zip(points[-2::-1], points[:0:-1], strict=True):
        if low <= share <= high:
            return float(
                right if low == high else left + (right - left) * (share - low) / (high - low)
            )
    raise AssertionError("the curve runs from 0 to 1")


def sklearn_openood_fpr(id_scores: Floats, ood_scores: Floats, tpr: float) -> float:
    is_ood = np.repeat([0, 1], [len(id_scores), len(ood_scores)])
    fpr, found, _ = roc_curve(is_ood, -np.concatenate([id_scores, ood_scores]))
    return float(fpr[np.argmax(found >= tpr)])


SLOW_FPR = {
    "strict": slow_fpr,
    "nearest": slow_nearest_fpr,
    "openood": sklearn_openood_fpr,
    "interpolated": slow_interpolated_fpr,
}


def slow_metrics(id_scores: Floats, ood_scores: Floats) -> Metrics:
    together = [*id_scores.tolist(), *ood_scores.tolist()]
    return Metrics(
        auroc=slow_auroc(id_scores, ood_scores),
        aupr_in=slow_aupr(id_scores, ood_scores),
        aupr_out=slow_aupr(-ood_scores, -id_scores),
        fpr95=slow_fpr(id_scores, ood_scores, 0.95),
        ties=len(together) - len(set(together)),
    )


def assert_same(found: Metrics, expected: Metrics) -> None:
    """AUROC, FPR and ties come from integers and must be equal; a mean of floats may round."""
    assert (found.auroc, found.fpr95, found.ties) == (
        expected.auroc,
        expected.fpr95,
        expected.ties,
    )
    assert found.aupr_in == pytest.approx(expected.aupr_in, rel=0, abs=1e-12)
    assert found.aupr_out == pytest.approx(expected.aupr_out, rel=0, abs=1e-12)


def sklearn_three(id_scores: Floats, ood_scores: Floats) -> tuple[float, float, float]:
    is_id = np.repeat([1, 0], [len(id_scores), len(ood_scores)])
    together = np.concatenate([id_scores, ood_scores])
    with np.errstate(all="ignore"):  # it subtracts neighbours, which overflows at the extremes
        return (
            roc_auc_score(is_id, together),
            average_precision_score(is_id, together),
            average_precision_score(1 - is_id, -together),
        )


def test_strict_fpr_of_the_worked_case_is_30_percent() -> None:
    # 19 of 20 must stay: the threshold is .60, which .87, .70 and .65 of the OOD reach.
    assert threshold_at_tpr(WORKED_ID) == 0.60
    assert fpr_at_tpr(WORKED_ID, WORKED_OOD) == 0.30


def test_auroc_of_the_worked_case_is_what_a_hand_counts() -> None:
    # .87 loses to 8 and ties with 1; nine others lose to 18; .60 beats 7 of them and .20 beats 3.
    assert auroc(WORKED_ID, WORKED_OOD) == (8.5 + 9 * 18 + 7 + 3) / 200
    assert metrics(WORKED_ID, WORKED_OOD).ties == 1


def test_four_images_give_the_values_worked_by_hand() -> None:
    # Down the ranking: ID, OOD, ID, OOD.
    found = metrics(np.array([0.9, 0.5]), np.array([0.7, 0.1]))
    assert_same(
        found,
        Metrics(auroc=3 / 4, aupr_in=(1 + 2 / 3) / 2, aupr_out=(1 + 2 / 3) / 2, fpr95=0.5, ties=0),
    )


def test_tied_images_enter_the_precision_together() -> None:
    # Both ID images are found at .5, together with one of the two OOD images.
    assert aupr_in(np.array([0.5, 0.5]), np.array([0.5, 0.1])) == 2 / 3


@pytest.mark.parametrize(
    ("id_score", "ood_score", "expected"),
    [
        (0.9, 0.1, Metrics(auroc=1.0, aupr_in=1.0, aupr_out=1.0, fpr95=0.0, ties=0)),
        (0.1, 0.9, Metrics(auroc=0.0, aupr_in=0.5, aupr_out=0.5, fpr95=1.0, ties=0)),
        (0.5, 0.5, Metrics(auroc=0.5, aupr_in=0.5, aupr_out=0.5, fpr95=1.0, ties=1)),
    ],
)
def test_one_image_a_side_is_enough(id_score: float, ood_score: float, expected: Metrics) -> None:
    assert metrics(np.array([id_score]), np.array([ood_score])) == expected


def test_scores_that_are_all_equal_tell_nothing() -> None:
    expected = Metrics(auroc=0.5, aupr_in=0.7, aupr_out=0.3, fpr95=1.0, ties=9)
    assert metrics(np.full(7, 2.5), np.full(3, 2.5)) == expected


@given(tied_scores, tied_scores)
def test_tied_scores_give_the_definitions(id_scores: Floats, ood_scores: Floats) -> None:
    assert_same(metrics(id_scores, ood_scores), slow_metrics(id_scores, ood_scores))


@given(any_scores, any_scores)
def test_any_float64_gives_the_definitions(id_scores: Floats, ood_scores: Floats) -> None:
    assert_same(metrics(id_scores, ood_scores), slow_metrics(id_scores, ood_scores))


@given(single_scores, single_scores)
def test_any_float32_gives_the_definitions(id_scores: Floats, ood_scores: Floats) -> None:
    assert_same(metrics(id_scores, ood_scores), slow_metrics(id_scores, ood_scores))


@given(single_scores, any_scores)
def test_sides_of_different_precision_are_compared_exactly(
    id_scores: Floats, ood_scores: Floats
) -> None:
    expected = slow_metrics(id_scores.astype(np.float64), ood_scores)
    assert_same(metrics(id_scores, ood_scores), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("decimals", [1, 3, 17])
@pytest.mark.parametrize(("id_images", "ood_images"), [(1, 1), (1, 500), (500, 1), (5000, 3000)])
def test_scikit_learn_agrees_to_1e_12(
    id_images: int, ood_images: int, decimals: int, dtype: type[np.floating]
) -> None:
    generator = np.random.default_rng(0)
    id_scores = generator.normal(1, 1, id_images).round(decimals).astype(dtype)
    ood_scores = generator.normal(0, 1, ood_images).round(decimals).astype(dtype)
    found = auroc(id_scores, ood_scores), aupr_in(id_scores, ood_scores)
    found_three = (*found, aupr_out(id_scores, ood_scores))
    assert found_three == pytest.approx(sklearn_three(id_scores, ood_scores), rel=0, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scikit_learn_agrees_at_the_ends_of_the_range(dtype: type[np.floating]) -> None:
    limits = np.finfo(dtype)
    corners = [limits.max, limits.min, limits.tiny, limits.smallest_subnormal, 0.0, 1.0]
    pool = np.array([*corners, *(-np.array(corners, dtype=dtype))], dtype=dtype)
    generator = np.random.default_rng(1)
    id_scores, ood_scores = generator.choice(pool, 70), generator.choice(pool, 40)
    assert_same(metrics(id_scores, ood_scores), slow_metrics(id_scores, ood_scores))
    found = metrics(id_scores, ood_scores)
    three = (found.auroc, found.aupr_in, found.aupr_out)
    assert three == pytest.approx(sklearn_three(id_scores, ood_scores), rel=0, abs=1e-12)


def test_negative_zero_ties_with_zero() -> None:
    found = metrics(np.array([0.0, -0.0]), np.array([-0.0, 0.0]))
    assert found == Metrics(auroc=0.5, aupr_in=0.5, aupr_out=0.5, fpr95=1.0, ties=3)


def test_infinities_rank_at_the_ends_and_tie_with_themselves() -> None:
    found = metrics(np.array([np.inf, np.inf, 0.0]), np.array([np.inf, -np.inf]))
    assert found.auroc == (2 * 1.5 + 1) / 6
    assert found.ties == 2


def test_denormals_are_told_apart() -> None:
    smallest = np.finfo(np.float32).smallest_subnormal
    assert auroc(np.array([2 * smallest]), np.array([smallest])) == 1.0


def test_neighbours_in_float64_do_not_tie_where_float32_would() -> None:
    assert auroc(np.array([np.nextafter(1.0, 2.0)]), np.array([1.0])) == 1.0


def test_auroc_does_not_lose_one_pair_in_a_hundred_billion() -> None:
    images = 320_000
    id_scores, ood_scores = np.arange(images) + images - 1.0, np.arange(images) + 0.0
    pairs = images * images
    assert auroc(id_scores, ood_scores) == (2 * pairs - 1) / (2 * pairs) < 1.0


@given(tied_scores, tied_scores)
def test_auroc_of_swapped_sides_is_the_complement(id_scores: Floats, ood_scores: Floats) -> None:
    swapped = auroc(ood_scores, id_scores)
    assert auroc(id_scores, ood_scores) + swapped == pytest.approx(1, rel=0, abs=1e-15)


@given(tied_scores, tied_scores)
def test_aupr_out_is_aupr_in_of_swapped_and_negated_sides(
    id_scores: Floats, ood_scores: Floats
) -> None:
    assert aupr_out(id_scores, ood_scores) == aupr_in(-ood_scores, -id_scores)


@pytest.mark.parametrize(
    "rising",
    [np.exp, np.arctan, lambda x: 4 * x - 7, lambda x: x**3, np.float32],
)
@given(id_scores=tied_scores, ood_scores=tied_scores)
def test_a_strictly_rising_transform_changes_nothing(
    rising: Callable[[Floats], Floats], id_scores: Floats, ood_scores: Floats
) -> None:
    assert metrics(rising(id_scores), rising(ood_scores)) == metrics(id_scores, ood_scores)


@given(any_scores, any_scores, st.randoms(use_true_random=False))
def test_the_order_of_the_images_does_not_matter(
    id_scores: Floats, ood_scores: Floats, random: object
) -> None:
    generator = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    shuffled = metrics(generator.permutation(id_scores), generator.permutation(ood_scores))
    assert shuffled == metrics(id_scores, ood_scores)


@given(tied_scores, tied_scores)
def test_every_image_twice_changes_only_the_ties(id_scores: Floats, ood_scores: Floats) -> None:
    once, twice = (
        metrics(np.tile(id_scores, times), np.tile(ood_scores, times)) for times in (1, 2)
    )
    assert twice.ties == once.ties + len(id_scores) + len(ood_scores)
    assert (twice.auroc, twice.fpr95) == (once.auroc, once.fpr95)
    aupr = (once.aupr_in, once.aupr_out)
    assert (twice.aupr_in, twice.aupr_out) == pytest.approx(aupr, rel=0, abs=1e-14)


@given(any_scores, any_scores)
def test_each_metric_alone_is_the_one_of_all_together(
    id_scores: Floats, ood_scores: Floats
) -> None:
    found = metrics(id_scores, ood_scores)
    assert auroc(id_scores, ood_scores) == found.auroc
    assert aupr_in(id_scores, ood_scores) == found.aupr_in
    assert aupr_out(id_scores, ood_scores) == found.aupr_out
    assert fpr_at_tpr(id_scores, ood_scores) == found.fpr95


@given(tied_scores, tied_scores, st.integers(1, 100))
def test_fpr_at_any_tpr_gives_the_definition(
    id_scores: Floats, ood_scores: Floats, percent: int
) -> None:
    tpr = percent / 100
    assert fpr_at_tpr(id_scores, ood_scores, tpr=tpr) == slow_fpr(id_scores, ood_scores, tpr)
    assert threshold_at_tpr(id_scores, tpr=tpr) == slow_threshold(id_scores, tpr)


@pytest.mark.parametrize("convention", FPR_CONVENTIONS)
@given(
    id_scores=tied_scores | any_scores.filter(lambda scores: np.isfinite(scores).all()),
    ood_scores=tied_scores,
    percent=st.integers(1, 100) | st.just(95),
)
def test_each_fpr_convention_gives_its_definition(
    convention: str, id_scores: Floats, ood_scores: Floats, percent: int
) -> None:
    tpr = percent / 100
    with np.errstate(all="ignore"):  # scikit-learn subtracts neighbours
        expected = SLOW_FPR[convention](id_scores, ood_scores, tpr)
    assert fpr_at_tpr(id_scores, ood_scores, tpr=tpr, convention=convention) == expected


@pytest.mark.parametrize("convention", FPR_CONVENTIONS)
@pytest.mark.parametrize("decimals", [0, 1, 2, 3, 9])
def test_each_fpr_convention_gives_its_definition_for_many_images(
    decimals: int, convention: str
) -> None:
    generator = np.random.default_rng(decimals)
    for ids, oods in [(400, 300), (20, 1000), (1000, 20)]:
        id_scores = generator.normal(1, 1, ids).round(decimals)
        ood_scores = generator.normal(0, 1, oods).round(decimals)
        for tpr in (0.05, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0):
            expected = SLOW_FPR[convention](id_scores, ood_scores, tpr)
            assert fpr_at_tpr(id_scores, ood_scores, tpr=tpr, convention=convention) == expected


@pytest.mark.parametrize(("images", "place"), [(1, 0), (2, 1), (40, 39)])
def test_openood_leaves_out_what_scikit_learn_leaves_out(images: int, place: int) -> None:
    # All OOD below all ID: the corner (0, 1) is kept, points on the way there are left out.
    id_scores, ood_scores = np.arange(50.0) + 100, np.arange(float(images))
    for tpr in (0.01, 0.5, 0.95):
        found = fpr_at_tpr(id_scores, ood_scores, tpr=tpr, convention="openood")
        assert found == sklearn_openood_fpr(id_scores, ood_scores, tpr)
    mixed = np.sort(np.concatenate([ood_scores, ood_scores[place:] + 0.5]))
    found = fpr_at_tpr(mixed, ood_scores, tpr=0.5, convention="openood")
    assert found == sklearn_openood_fpr(mixed, ood_scores, 0.5)


@pytest.mark.parametrize(
    ("convention", "expected"),
    [("strict", 0.30), ("nearest", 0.70), ("interpolated", 0.70), ("openood", 0.60)],
)
def test_the_worked_case_has_four_answers(convention: str, expected: float) -> None:
    assert fpr_at_tpr(WORKED_ID, WORKED_OOD, convention=convention) == expected


def test_nearest_takes_the_lower_of_two_thresholds_that_are_as_near() -> None:
    # .9 and 1 of ten are as near to .95, which floats deny.
    id_scores = np.arange(10.0)
    ood_scores = np.array([0.5, 0.0])
    assert fpr_at_tpr(id_scores, ood_scores, convention="nearest") == 1.0


def test_nearest_does_not_look_below_the_lowest_id_score() -> None:
    assert fpr_at_tpr(np.array([1.0]), np.array([0.5, 2.0]), convention="nearest") == 0.5
    assert fpr_at_tpr(np.ones(9), np.zeros(3), tpr=1.0, convention="nearest") == 0.0


def test_interpolated_at_all_of_id_is_the_end_of_the_curve() -> None:
    assert fpr_at_tpr(np.ones(3), np.zeros(2), tpr=1.0, convention="interpolated") == 1.0


def test_interpolated_lies_on_the_line_through_a_tie() -> None:
    # One step takes in all four ID images and half of OOD: at half of it, a quarter.
    found = fpr_at_tpr(np.ones(4), np.array([1.0, 0.0]), tpr=0.5, convention="interpolated")
    assert found == 0.25


@pytest.mark.parametrize("convention", FPR_CONVENTIONS)
def test_one_image_a_side_has_an_fpr_in_every_convention(convention: str) -> None:
    for id_score, ood_score, expected in [(1.0, 0.0, 0), (0.0, 1.0, 1), (1.0, 1.0, 1)]:
        ids, oods = np.array([id_score]), np.array([ood_score])
        found = fpr_at_tpr(ids, oods, convention=convention)
        assert found == (
            0.95 if (convention, id_score) == ("interpolated", ood_score) else expected
        )


def test_an_unknown_convention_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError) as error:
        fpr_at_tpr(WORKED_ID, WORKED_OOD, convention="loose")
    assert str(error.value) == (
        "FPR convention is 'loose', expected one of strict, nearest, openood, interpolated"
    )


@pytest.mark.parametrize("convention", FPR_CONVENTIONS)
@given(id_scores=tied_scores, ood_scores=tied_scores)
def test_a_rising_transform_moves_no_fpr(
    convention: str, id_scores: Floats, ood_scores: Floats
) -> None:
    moved = fpr_at_tpr(np.exp(id_scores), np.exp(ood_scores), convention=convention)
    assert moved == fpr_at_tpr(id_scores, ood_scores, convention=convention)


@given(tied_scores, tied_scores)
def test_one_sorted_side_serves_many_others(id_scores: Floats, ood_scores: Floats) -> None:
    merged = merge(np.sort(id_scores), np.sort(ood_scores))
    counted = count(id_scores, ood_scores)
    assert merged.scores.tolist() == counted.scores.tolist()
    assert merged.id_kept.tolist() == counted.id_kept.tolist()


@pytest.mark.parametrize("percent", range(1, 101))
def test_a_tpr_of_whole_images_keeps_that_many_whatever_the_float_product(percent: int) -> None:
    # 0.55 * 100 is 55.00000000000001, 0.07 * 100 is 7.000000000000001.
    scores = np.arange(100.0)
    assert threshold_at_tpr(scores, tpr=percent / 100) == 100 - percent


def test_a_tpr_below_one_image_keeps_one() -> None:
    assert threshold_at_tpr(np.array([1.0, 2.0]), tpr=1e-9) == 2.0
    assert fpr_at_tpr(np.array([1.0, 2.0]), np.array([1.5]), tpr=1e-9) == 0.0


def test_counts_are_the_points_of_the_roc_curve() -> None:
    counts = count(np.array([0.9, 0.7, 0.5]), np.array([0.7, 0.1]))
    assert counts.scores.tolist() == [0.9, 0.7, 0.5, 0.1]
    assert counts.id_kept.tolist() == [0, 1, 2, 3, 3]
    assert counts.ood_kept.tolist() == [0, 0, 1, 1, 2]


def test_the_arrays_given_are_left_as_they_were() -> None:
    id_scores, ood_scores = np.array([0.1, 0.9, 0.5]), np.array([0.6, 0.2])
    id_scores.flags.writeable = ood_scores.flags.writeable = False
    metrics(id_scores, ood_scores)
    threshold_at_tpr(id_scores)
    assert id_scores.tolist() == [0.1, 0.9, 0.5]
    assert ood_scores.tolist() == [0.6, 0.2]


def test_strided_and_byteswapped_scores_count_as_their_values() -> None:
    table = np.random.default_rng(2).normal(size=(50, 3))
    expected = metrics(table[:, 0].copy(), table[:, 1].copy())
    assert metrics(table[:, 0], table[:, 1].astype(">f8")) == expected


@pytest.mark.parametrize("metric", TWO_SIDED)
def test_nan_is_refused_with_its_side_and_number(metric: Callable[..., object]) -> None:
    whole, holed = np.array([0.5, 0.6, 0.7]), np.array([0.5, np.nan, np.nan])
    with pytest.raises(InputError) as id_error:
        metric(holed, whole)
    with pytest.raises(InputError) as ood_error:
        metric(whole, holed)
    advice = "are NaN, which cannot be ranked; score these images again or remove them"
    assert str(id_error.value) == f"2 of 3 ID scores {advice}"
    assert str(ood_error.value) == f"2 of 3 OOD scores {advice}"


@pytest.mark.parametrize("metric", TWO_SIDED)
def test_an_empty_side_is_refused_by_name(metric: Callable[..., object]) -> None:
    whole, empty = np.array([0.5]), np.array([])
    with pytest.raises(InputError, match=r"^no ID scores: a metric needs at least one image$"):
        metric(empty, whole)
    with pytest.raises(InputError, match=r"^no OOD scores: a metric needs at least one image$"):
        metric(whole, empty)


def test_the_threshold_refuses_nan_and_nothing() -> None:
    with pytest.raises(InputError, match=r"^1 of 1 ID scores are NaN"):
        threshold_at_tpr(np.array([np.nan]))
    with pytest.raises(InputError, match=r"^no ID scores"):
        threshold_at_tpr(np.array([]))


@pytest.mark.parametrize(
    ("scores", "found"),
    [
        (np.zeros((4, 1)), "float64 of shape (4, 1)"),
        (np.float32(0.5), "float32 of shape ()"),
        (np.array(["0.5"]), "<U3 of shape (1,)"),
        (np.array([0.5 + 1j]), "complex128 of shape (1,)"),
    ],
)
def test_what_is_not_one_number_an_image_is_refused(scores: Floats, found: str) -> None:
    with pytest.raises(InputError) as error:
        metrics(np.array([0.5]), scores)
    assert str(error.value) == f"OOD scores are {found}, expected one number per image"


@pytest.mark.parametrize("tpr", [0.0, -0.1, 1.01, 95, float("nan")])
def test_a_tpr_that_is_no_share_is_refused(tpr: float) -> None:
    with pytest.raises(InputError, match=r"^tpr is \S+, expected a share above 0 and at most 1$"):
        fpr_at_tpr(WORKED_ID, WORKED_OOD, tpr=tpr)


def test_importing_the_metrics_imports_neither_scikit_learn_nor_scipy_nor_h5py() -> None:
    program = (
        "import sys, oodcache.score.measures.metrics; "
        "print({'sklearn', 'scipy', 'h5py'} & {*sys.modules})"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "set()\n"

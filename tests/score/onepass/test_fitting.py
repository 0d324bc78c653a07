"""Claims about what scores are fitted to."""

from __future__ import annotations

from samples.score.negatives import sums_of, unit

from oodcache.score.onepass.fitting import fit_all
from oodcache.score.onepass.onepass import Classes
from oodcache.score.onepass.variants import parse_all

CLASSES = Classes(unit(5, 0), 40.0, None)


def test_scores_of_classes_alone_are_fitted_to_nothing() -> None:
    assert fit_all(parse_all(["mcm", "energy"]), CLASSES) == [None, None]


def test_each_variant_of_a_score_is_fitted_apart() -> None:
    fits = fit_all(parse_all(["neglabel:groups=1|2", "max-logit"]), CLASSES, sums_of(unit(9, 1)))
    assert [one is None for one in fits] == [False, False, True]
    assert fits[0] != fits[1]

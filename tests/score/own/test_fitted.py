"""Claims about what users' scores fit once per run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from samples.score.banks import made
from samples.score.own import IMAGES, ONE, scored, unit

from oodcache.cache.errors import InputError
from oodcache.score.formulas.bank import Bank
from oodcache.score.onepass.onepass import fit_all, score_images
from oodcache.score.onepass.variants import parse_all
from oodcache.score.own.batch import MissingReferenceError
from oodcache.score.own.function import own_score
from oodcache.score.references import used_by

CALLS: list[tuple[int, int]] = []


def bank() -> Bank:
    classes = ONE.vectors
    names = [f"class {place}" for place in range(len(classes))]
    given: dict[str, Any] = {"classes": classes, "class_names": names, "vectors": unit(60, 3)}
    return made(60, len(classes), 24, **given).bank


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def mean(batch: Any, power: int = 1) -> Any:
    CALLS.append((power, len(batch)))
    return batch.bank.vectors.mean(axis=0) * power


def along(batch: Any, *, power: int = 1) -> Any:
    return batch.images.astype(np.float64) @ batch.fitted(mean, power)


@pytest.mark.parametrize("threads", [1, 4])
def test_a_fit_is_made_once_for_all_batches_without_their_images(threads: int) -> None:
    of_bank = bank()
    found = scored(along, "f", bank=of_bank, threads=threads)
    expected = IMAGES.astype(np.float64) @ of_bank.vectors.mean(axis=0)
    np.testing.assert_allclose(found[0], expected, rtol=1e-9)
    assert CALLS == [(1, 0)]


def test_numbers_of_a_fit_are_fitted_apart() -> None:
    found = scored(along, "f:power=1|3", bank=bank())
    assert sorted(CALLS) == [(1, 0), (3, 0)]
    np.testing.assert_allclose(3 * found[0], found[1], atol=1e-7)


def first(batch: Any) -> Any:
    return batch.images.astype(np.float64) @ batch.fitted(mean)


def second(batch: Any) -> Any:
    return -first(batch)


def test_scores_that_share_a_fit_are_all_known_to_read_the_bank() -> None:
    own = {name: own_score(function, name) for name, function in (("a", first), ("b", second))}
    variants = parse_all(["a", "b"], own)
    fits = fit_all(variants, ONE, None, bank())
    score_images([IMAGES], len(IMAGES), ONE, variants, fits=fits)
    assert len(CALLS) == 1
    assert [used_by(*each) for each in zip(variants, fits, strict=True)] == [{"bank"}] * 2


def test_a_whole_set_is_no_part_of_a_fit() -> None:
    def whole(batch: Any) -> Any:
        return batch.images.astype(np.float64) @ batch.fitted(mean)

    whole.whole = True  # type: ignore[attr-defined]
    scored(whole, "f", bank=bank())
    assert CALLS == [(1, 0)]


def test_a_function_that_is_made_at_each_call_is_rejected() -> None:
    def careless(batch: Any) -> Any:
        return batch.images @ batch.fitted(lambda some: some.bank.vectors[0])

    with pytest.raises(InputError, match="<lambda> is another function at each call, and would"):
        scored(careless, "f", bank=bank())


def test_a_fit_without_its_bank_says_what_to_give() -> None:
    with pytest.raises(MissingReferenceError, match="f needs a bank: give --bank NAME"):
        scored(along, "f")

"""Claims about users' functions as scores."""

from __future__ import annotations

import functools
import operator
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from samples.score.banks import made
from samples.score.negatives import sums_of
from samples.score.own import IMAGES, ONE, scored, unit

from oodcache.cache.errors import InputError
from oodcache.score.formulas.tile import TILE, tile_rows
from oodcache.score.measures.metrics import auroc
from oodcache.score.onepass.onepass import fit_all, score_images
from oodcache.score.onepass.variants import parse_all
from oodcache.score.own.function import own_score

Function = Callable[..., Any]


def top5_gap(batch: Any, *, k: int = 5) -> Any:
    """Largest cosine less the mean of the next k."""
    nearest = np.sort(batch.cosines, axis=1)[:, ::-1]
    return nearest[:, 0] - nearest[:, 1 : k + 1].mean(axis=1)


def test_a_function_gives_its_scores_to_every_image_of_all_tiles() -> None:
    found = scored(top5_gap, "f:k=3|10", "f")
    ordered = np.sort(IMAGES.astype(np.float64) @ ONE.vectors.astype(np.float64).T)[:, ::-1]
    for scores, k in zip(found, (3, 10, 5), strict=True):
        expected = ordered[:, 0] - ordered[:, 1 : k + 1].mean(axis=1)
        np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_mcm_of_a_user_has_the_auroc_of_ours() -> None:
    def softmax(batch: Any, *, temperature: float = 1.0) -> Any:
        logits = batch.cosines.astype(np.float64) / temperature
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (powers / powers.sum(axis=1, keepdims=True)).max(axis=1)

    own = {"f": own_score(softmax, "f")}
    typed = ["temperature=1|0.1|learned"]
    theirs = parse_all([f"f:{one}" for one in typed], own)
    both = [*theirs, *parse_all([f"mcm:{one}" for one in typed])]
    sides = [
        scored(softmax, variants=both, images=images)
        for images in (IMAGES, unit(700, seed=9) + 0.2 * ONE.vectors[0])
    ]
    areas = [auroc(inside, outside) for inside, outside in zip(*sides, strict=True)]
    assert areas[:3] == pytest.approx(areas[3:], abs=1e-5)
    assert len({round(one, 3) for one in areas[3:]}) > 1


def test_built_in_scores_keep_their_bits_beside_one_that_reads_cosines() -> None:
    alone = parse_all(["mcm", "energy", "gen", "margin"])
    expected = score_images([IMAGES], len(IMAGES), ONE, alone).scores
    found = scored(top5_gap, variants=[*parse_all(["f"], {"f": own_score(top5_gap, "f")}), *alone])
    assert found[1:].tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", ["images", "cosines"])
def test_a_function_that_writes_through_torch_changes_no_other_score(name: str) -> None:
    def centred(batch: Any) -> Any:
        values = torch.from_numpy(getattr(batch, name))
        values -= values.mean(dim=1, keepdim=True)
        return values.max(dim=1).values

    def plain(batch: Any) -> Any:
        return batch.cosines.max(axis=1) + batch.images[:, 0]

    alone = parse_all(["mcm", "margin"])
    expected = score_images([IMAGES], len(IMAGES), ONE, alone).scores
    own = {name: own_score(one, name) for name, one in (("f", centred), ("g", plain))}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = scored(centred, variants=[*parse_all(["f", "g"], own), *alone])
    assert found[2:].tobytes() == expected.tobytes()
    assert found[1].tobytes() == scored(plain, "f")[0].tobytes()


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("name", ["classes", "negatives", "bank.vectors"])
def test_a_function_that_changes_what_others_read_is_rejected(name: str, whole: bool) -> None:
    bank = made(images=40, class_count=len(ONE.vectors), dimension=ONE.vectors.shape[1]).bank
    words = unit(9, seed=4)

    def writing(batch: Any) -> Any:
        torch.from_numpy(operator.attrgetter(name)(batch)).mul_(-1)
        return batch.cosines.max(axis=1)

    writing.whole = whole  # type: ignore[attr-defined]
    before = [one.copy() for one in (ONE.vectors, words, bank.vectors)]
    with pytest.raises(InputError) as error:
        scored(writing, "f", negatives=sums_of(words), bank=bank)
    line = f"f ({__file__}, line {writing.__code__.co_firstlineno}) changed batch.{name}, "
    assert str(error.value) == f"{line}which other scores read: copy it"
    for was, values in zip(before, (ONE.vectors, words, bank.vectors), strict=True):
        np.testing.assert_array_equal(was, values)


def test_a_change_after_the_first_batch_is_rejected_too() -> None:
    def late(batch: Any) -> Any:
        if 1 < len(batch) < TILE // 2:
            torch.from_numpy(batch.classes).zero_()
        return batch.cosines.max(axis=1) + batch.classes[0, 0]

    with pytest.raises(InputError, match="^f changed batch.classes, which other scores read"):
        scored(late, "f")


def test_a_score_of_whole_sets_that_changes_them_is_rejected() -> None:
    def standard(batch: Any) -> Any:
        torch.from_numpy(batch.images).zero_()
        return batch.cosines.max(axis=1)

    standard.whole = True  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="changed batch.images, which other scores read: copy it"):
        scored(standard, "f")


def test_a_function_sees_real_images_and_what_the_model_is() -> None:
    seen: list[Any] = []

    def look(batch: Any) -> Any:
        seen.append(batch)
        return batch.cosines[:, 0]

    scored(look, "f")
    first = max(seen, key=len)
    rows = tile_rows(len(ONE.vectors))
    assert {len(one) for one in seen} == {rows, rows // 2, 1, len(IMAGES) % rows}
    assert (first.logit_scale, first.logit_bias) == (ONE.logit_scale, ONE.logit_bias)
    np.testing.assert_array_equal(first.classes, ONE.vectors)
    np.testing.assert_allclose(first.cosines, first.images @ first.classes.T, atol=1e-6)
    np.testing.assert_array_equal(first.nearest, first.cosines.argmax(axis=1))
    for values in (first.cosines, first.images, first.classes, first.nearest):
        assert not values.flags.writeable


def test_parameters_arrive_with_the_type_of_their_default() -> None:
    seen: list[Any] = []

    def typed(
        batch: Any,
        *,
        k: int = 5,
        share: float = 0.5,
        flip: bool = False,
        temperature: Any = "learned",
        bias: Any = "learned",
        scale: int = 1,
    ) -> Any:
        seen.append((k, share, flip, temperature, bias, scale))
        return batch.cosines[:, 0]

    scored(typed, "f:k=3,flip=1,share=2,scale=learned,bias=none", images=IMAGES[:4])
    expected = (3, 2.0, True, 1 / ONE.logit_scale, 0.0, ONE.logit_scale)
    assert seen[0] == expected
    assert [*map(type, seen[0])] == [int, float, bool, float, float, float]
    scored(typed, "f", images=IMAGES[:4])
    assert seen[-1] == (5, 0.5, False, 1 / ONE.logit_scale, ONE.logit_bias, 1.0)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("f:k=2.5", "k=2.5 is not a whole number"),
        ("f:flip=2", "flip=2 is not 0 or 1"),
        ("f:share=x", "share=x is not a number"),
        ("f:n=3", "'n=3' sets no parameter of f (parameters: k, share, flip)"),
    ],
)
def test_a_wrong_parameter_is_rejected_with_what_is_accepted(typed: str, words: str) -> None:
    def typed_one(batch: Any, *, k: int = 5, share: float = 0.5, flip: bool = True) -> Any:
        return batch.cosines[:, 0]

    with pytest.raises(InputError) as error:
        parse_all([typed], {"f": own_score(typed_one, "f")})
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda: 0, "takes no batch of images; write def NAME(batch, *, key=number)"),
        (lambda *batches: 0, "its first parameter is *batches, not the batch"),
        (lambda *, batch=1: 0, "its first parameter is batch=1, not the batch"),
        (lambda batch, **k: 0, "**k is no keyword with a number as default"),
        (lambda batch, k: 0, "parameter k has no default"),
        (lambda batch, *, how="max": 0, "how='max' is no default of a score"),
        (lambda batch, *, k="learned": 0, "k='learned' is no default of a score"),
        (lambda batch, *, k=None: 0, "k=None is no default of a score"),
        (lambda batch, *, k=float("nan"): 0, "k=nan is no default of a score"),
    ],
)
def test_a_function_that_is_no_score_is_rejected_in_one_line(
    function: Function, words: str
) -> None:
    with pytest.raises(InputError) as error:
        own_score(function, "f")
    assert str(error.value).startswith("f: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_mistake_of_a_function_is_one_line_with_its_name_file_and_line() -> None:
    def broken(batch: Any) -> Any:
        return batch.cosines @ np.ones(3)

    with pytest.raises(InputError) as error:
        scored(broken, "f")
    line = broken.__code__.co_firstlineno + 1
    assert str(error.value).startswith(f"f ({__file__}, line {line}) raised ValueError: matmul: ")
    assert "\n" not in str(error.value)


def test_a_score_that_a_detector_was_made_with_is_called_once_per_batch() -> None:
    sizes: list[int] = []

    def ranks(batch: Any) -> Any:
        sizes.append(len(batch))
        return batch.cosines[:, 0].argsort()

    variants = parse_all(["f"], {"f": own_score(ranks, "f")})
    fits = [replace(one, is_checked=True) for one in fit_all(variants, ONE)]
    score_images([IMAGES[:9]], 9, ONE, variants, fits=fits)
    assert sizes == [9]


def test_one_thread_at_a_time_calls_functions() -> None:
    inside, most = [], []

    def slow(batch: Any) -> Any:
        inside.append(threading.get_ident())
        time.sleep(0.002)
        most.append(len(inside))
        inside.pop()
        return batch.cosines[:, 0]

    scored(slow, "f", threads=8)
    assert max(most) == 1


def test_a_whole_score_gets_all_images_of_a_set_at_once() -> None:
    sizes: list[int] = []

    def standard(batch: Any) -> Any:
        sizes.append(len(batch))
        top = batch.cosines.max(axis=1)
        assert np.array_equal(top, batch.cosines[np.arange(len(batch)), batch.nearest])
        return (top - top.mean()) / top.std()

    standard.whole = True  # type: ignore[attr-defined]
    found = scored(standard, "f")[0]
    assert sizes == [len(IMAGES)]
    top = (IMAGES @ ONE.vectors.T).max(axis=1)
    np.testing.assert_allclose(found, (top - top.mean()) / top.std(), atol=1e-4)


def test_a_whole_score_may_tell_equal_images_apart() -> None:
    def place(batch: Any) -> Any:
        return np.arange(len(batch))

    place.whole = True  # type: ignore[attr-defined]
    variants = [*parse_all(["f"], {"f": own_score(place, "f")}), *parse_all(["mcm"])]
    found = scored(place, variants=variants, images=np.repeat(IMAGES[:1], 5, axis=0))
    assert found[0].tolist() == [0, 1, 2, 3, 4]
    assert len(set(found[1])) == 1


def test_a_function_reads_the_negatives_and_the_bank_as_built_in_scores_do() -> None:
    bank = made(images=40, class_count=len(ONE.vectors), dimension=ONE.vectors.shape[1]).bank
    words = unit(9, seed=4)

    def against(batch: Any) -> Any:
        assert not batch.negatives.flags.writeable
        assert not batch.bank.vectors.flags.writeable
        np.testing.assert_array_equal(batch.bank.labels, bank.labels)
        near = (batch.images @ batch.bank.vectors.T).max(axis=1)
        return near - (batch.images @ batch.negatives.T).max(axis=1)

    found = scored(against, "f", negatives=sums_of(words), bank=bank)[0]
    expected = (IMAGES @ bank.vectors.T).max(axis=1) - (IMAGES @ words.T).max(axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("bank", "f needs a bank: give --bank NAME"),
        ("negatives", "f needs negatives: give --negatives NAME"),
    ],
)
def test_what_is_read_and_not_given_is_asked_for(what: str, words: str) -> None:
    def reading(batch: Any) -> Any:
        getattr(batch, what)

    with pytest.raises(InputError) as error:
        scored(reading, "f")
    assert str(error.value) == words


def test_the_description_is_the_docstring() -> None:
    facts = own_score(top5_gap, "f", sha256="12").facts
    assert facts["docstring"] == "Largest cosine less the mean of the next k."
    assert facts["parameters"] == "k = 5"
    assert (facts["code"], facts["SHA-256"]) == (__file__, "12")
    assert own_score(functools.partial(top5_gap, k=2), "f").formula == "none"

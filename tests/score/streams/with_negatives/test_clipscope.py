"""Claims about CLIPScope: its scores are those of the published algorithm, image by image."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.tile import Tile, Vectors
from oodcache.score.streams.context import StreamContext
from oodcache.score.streams.method import Arrived
from oodcache.score.streams.replay import replay
from oodcache.score.streams.with_negatives.clipscope import (
    CLIPSCOPE_SCORES,
    Clipscope,
    PredictionCounts,
    before,
)

CLASSES, WORDS, IMAGES, DIMENSION = 5, 30, 60, 12
DEFAULTS = {"near": 0.0, "far": 0.0, "form": 0.0, "temperature": 1 / 20, "bias": -8.0}
ORDERS = ("as made", "shuffled", "one class after the other")


def unit(count: int, seed: int) -> Vectors:
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSION))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


CLASS_TEXTS, WORD_TEXTS, PICTURES = unit(CLASSES, 1), unit(WORDS, 2), unit(IMAGES, 3)
# Equal images: only those before distinguish them.
PICTURES[20:25] = PICTURES[7]


def ordered(order: str) -> Places:
    if order == "shuffled":
        return np.random.default_rng(5).permutation(IMAGES)
    nearest = (PICTURES @ CLASS_TEXTS.T).argmax(axis=1)
    return np.arange(IMAGES) if order == "as made" else np.argsort(nearest, kind="stable")


def method(classes: Vectors = CLASS_TEXTS, **parameters: float) -> Clipscope:
    def ends(near: int | None, far: int | None) -> Vectors:
        assert near is far is None
        return WORD_TEXTS

    sums = NegativeSums("words", lambda **chosen: WORD_TEXTS[:10], ends)
    made_by = CLIPSCOPE_SCORES["clipscope"].stream
    assert made_by is not None
    context = StreamContext(classes, 20.0, None, sums, None, None, base=NotImplemented)
    found: Clipscope = made_by(context, **{**DEFAULTS, **parameters})
    sums.prepare()
    return found


def ahead(one: Clipscope, images: Vectors, classes: Vectors = CLASS_TEXTS) -> Scores:
    return one.ahead(Tile(images, classes, np.ascontiguousarray(classes.T)))


def replayed(order: Places, classes: Vectors = CLASS_TEXTS, **parameters: float) -> Scores:
    one = method(classes, **parameters)
    return replay(one, PICTURES, ahead(one, PICTURES, classes), order).scores


def slow(
    order: Places,
    classes: Vectors = CLASS_TEXTS,
    *,
    form: float = 0,
    temperature: float = DEFAULTS["temperature"],
    bias: float = DEFAULTS["bias"],
) -> npt.NDArray[np.float64]:
    """Return the published score of each image in an order, one after the other."""
    texts = [one.astype(np.longdouble) for one in (*classes, *WORD_TEXTS)]
    counts, found = [1] * len(classes), []
    for place in order.tolist():
        logits = np.array([PICTURES[place].astype(np.longdouble) @ text for text in texts])
        logits = logits / np.longdouble(temperature)
        terms = 1 / (1 + np.exp(-logits - np.longdouble(bias))) if form else np.exp(logits)
        inside = terms[: len(classes)]
        probabilities = inside / inside.sum()
        predicted = int(np.argmax(probabilities))
        share_inside = inside.sum() / terms.sum()
        frequency = counts[predicted] / np.longdouble(sum(counts))
        found.append(float(probabilities[predicted] * share_inside / frequency))
        counts[predicted] += 1
    return np.array(found)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"temperature": 1 / 200},
        {"form": 1.0},
        {"form": 1.0, "bias": 3.0},
        {"form": 1.0, "temperature": 1 / 100, "bias": -40.0},
    ],
)
def test_scores_are_those_of_the_published_algorithm(order: str, changed: dict[str, float]) -> None:
    places = ordered(order)
    expected = slow(places, **changed)
    scale = 1 / changed.get("temperature", DEFAULTS["temperature"])
    ranked = replayed(places, **changed)
    # Cosines with words are float32.
    assert np.allclose(ranked, np.log(expected), rtol=0, atol=1e-6 * scale)
    shown = CLIPSCOPE_SCORES["clipscope"].shown(ranked, CLASSES, **DEFAULTS)
    assert np.allclose(shown, expected, rtol=1e-6 * scale)


def test_of_two_equal_classes_the_first_is_predicted_and_one_class_is_always() -> None:
    twice = np.concatenate([CLASS_TEXTS[2:], CLASS_TEXTS[2:]])
    for classes in (twice, CLASS_TEXTS[:1]):
        places = ordered("shuffled")
        expected = np.log(slow(places, classes))
        assert np.allclose(replayed(places, classes), expected, rtol=0, atol=2e-5)


def test_an_image_counts_less_the_more_of_its_class_came_before() -> None:
    found = replayed(np.full(4, 7))
    shares = np.array([1 / 5, 2 / 6, 3 / 7, 4 / 8])
    assert np.allclose(found + np.log(shares), found[0] + np.log(1 / 5), rtol=0, atol=1e-12)


def test_a_stream_of_one_image_has_its_share_times_the_number_of_classes() -> None:
    for place in (0, 7, 31):
        texts = np.concatenate([CLASS_TEXTS, WORD_TEXTS]).astype(np.float64)
        terms = np.exp(20 * (texts @ PICTURES[place]))
        expected = np.log(CLASSES * terms[:CLASSES].max() / terms.sum())
        assert np.allclose(replayed(np.array([place])), expected, rtol=0, atol=2e-5)


def test_no_scores_depend_on_how_many_images_a_step_has() -> None:
    one, places = method(), ordered("shuffled")
    values = ahead(one, PICTURES)[:, places]
    whole = one.start().step(Arrived(PICTURES[places], values, 0))
    for size in (1, 7, 59):
        memory = one.start()
        parts = [
            memory.step(Arrived(PICTURES[places[at : at + size]], values[:, at : at + size], at))
            for at in range(0, IMAGES, size)
        ]
        assert np.array_equal(np.concatenate(parts), whole)
    kept = replay(one, PICTURES, ahead(one, PICTURES), places, keep=IMAGES)
    assert np.array_equal(kept.scores, whole)
    assert len(kept.moments) == len(kept.held) == IMAGES


def test_sigmoids_tend_to_the_softmax_as_the_bias_falls() -> None:
    places = ordered("shuffled")
    softmax = replayed(places)
    apart = [
        np.abs(replayed(places, form=1, bias=bias) - softmax).max() for bias in (-8, -30, -60, -900)
    ]
    assert apart[0] > 0.1
    assert apart[1] < 1e-3
    assert max(apart[2:]) < 1e-5


def test_a_bias_cancels_in_the_softmax_form() -> None:
    places = ordered("shuffled")
    assert np.array_equal(replayed(places, bias=5.0), replayed(places, bias=-70.0))


def test_scores_that_underflow_keep_their_order() -> None:
    images = np.concatenate([WORD_TEXTS[:1]] * 20) + 0.01 * unit(20, 9)
    images = (images / np.linalg.norm(images, axis=1, keepdims=True)).astype(np.float32)
    one = method(temperature=1 / 4000)
    found = replay(one, images, ahead(one, images), np.arange(20)).scores
    assert found.max() < -800
    assert len(np.unique(found)) == 20


def test_values_before_are_counted_as_by_hand() -> None:
    values = np.random.default_rng(0).integers(0, 6, 200)
    expected = [int(np.sum(values[:at] == values[at])) for at in range(200)]
    assert before(values).tolist() == expected
    assert before(values[:0]).tolist() == []


def test_a_memory_holds_no_image_and_counts_fast() -> None:
    draw: Any = np.random.default_rng(0)
    values = np.stack([draw.normal(size=60_000), draw.integers(0, 1000, 60_000)])
    memory = PredictionCounts(1000)
    begun = time.process_time()
    memory.step(Arrived(np.empty((60_000, 1), np.float32), values, 0))
    assert time.process_time() - begun < 0.2
    assert len(memory.held().inside) == len(memory.held().outside) == 0

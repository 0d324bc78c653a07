"""Claims about the memories of labels: the images of least entropy, and their proxies."""

from __future__ import annotations

import numpy as np
import pytest

from oodcache.score.formulas.tile import Vectors
from oodcache.score.streams.with_negatives.label_memory import (
    LabelMemory,
    SampleProxies,
    TaskProxies,
)


def unit(count: int, seed: int) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(count, 8))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def filled(size: int, count: int = 60) -> tuple[LabelMemory, Vectors, list[int], list[float]]:
    """Return a memory of 5 labels that was offered images in batches of 7."""
    draw = np.random.default_rng(0)
    labels, entropies = draw.integers(0, 5, count), draw.permutation(count) / count
    labels[labels == 3] = 2
    vectors, memory = unit(count, 1), LabelMemory(5, size)
    for first in range(0, count, 7):
        some = np.arange(first, min(count, first + 7))
        memory.offer(labels[some], entropies[some], vectors[some], some)
    return memory, vectors, labels.tolist(), entropies.tolist()


@pytest.mark.parametrize("size", [1, 4, 60])
def test_a_memory_holds_the_images_of_least_entropy(size: int) -> None:
    memory, vectors, labels, entropies = filled(size)
    for label in range(5):
        own = [place for place, one in enumerate(labels) if one == label]
        least = sorted(sorted(own, key=lambda place: entropies[place])[:size])
        assert memory.positions(slice(label, label + 1)).tolist() == least
        held = memory.of(np.array([label]), len(least))[0]
        assert sorted(held.tolist()) == sorted(vectors[least].tolist())


def test_an_image_of_equal_entropy_replaces_none() -> None:
    memory = LabelMemory(1, 2)
    zero, vectors = np.zeros(4, np.intp), unit(4, 0)
    changed = memory.offer(zero[:2], np.array([0.5, 0.5]), vectors[:2], np.arange(2))
    assert changed.tolist() == [0]
    changed = memory.offer(zero[:1], np.array([0.5]), vectors[2:3], np.array([2]))
    assert changed.tolist() == []
    memory.offer(zero[:1], np.array([0.4]), vectors[3:], np.array([3]))
    # The first of those with the largest entropy left.
    assert memory.positions(slice(None)).tolist() == [1, 3]


def test_a_memory_without_room_takes_nothing() -> None:
    memory = LabelMemory(2, 0)
    assert not len(memory.offer(np.zeros(3, np.intp), np.zeros(3), unit(3, 0), np.arange(3)))
    assert memory.positions(slice(None)).tolist() == []


@pytest.mark.parametrize("sharpness", [None, 0.0, 5.5, 3000.0])
def test_proxies_are_normalised_sums_of_text_and_images(sharpness: float | None) -> None:
    memory, _, _, _ = filled(4)
    texts, images = unit(5, 2), unit(9, 3)
    proxies = (
        TaskProxies(texts, memory) if sharpness is None else SampleProxies(texts, memory, sharpness)
    )
    proxies.renew(np.arange(5))
    expected = np.empty((5, 9))
    for label in range(5):
        held = memory.of(np.array([label]), int(memory.counts[label]))[0]
        entries = np.concatenate([texts[label : label + 1], held]).astype(np.longdouble)
        for place, image in enumerate(images.astype(np.longdouble)):
            weights = np.exp(-np.longdouble(sharpness or 0) * (1 - entries @ image))
            total = weights @ entries
            expected[label, place] = float(total @ image / np.sqrt(total @ total))
    room = np.empty((3, 9), np.float32)
    found = proxies.cosines(slice(1, 4), np.ascontiguousarray(images.T), room)
    assert memory.counts.tolist() == [4, 4, 4, 0, 4]
    assert found.dtype == np.float32
    assert np.allclose(found, expected[1:4], rtol=0, atol=1e-6)


@pytest.mark.parametrize("sharpness", [None, 0.0])
def test_a_text_and_its_opposite_have_no_direction(sharpness: float | None) -> None:
    texts, memory = unit(1, 0), LabelMemory(1, 1)
    changed = memory.offer(np.zeros(1, np.intp), np.zeros(1), -texts, np.zeros(1, np.intp))
    proxies = (
        TaskProxies(texts, memory) if sharpness is None else SampleProxies(texts, memory, sharpness)
    )
    proxies.renew(changed)
    cosines = proxies.cosines(
        slice(0, 1), np.ascontiguousarray(unit(3, 1).T), np.empty((1, 3), np.float32)
    )
    assert np.isfinite(cosines).all() and (np.abs(cosines) <= 1).all()

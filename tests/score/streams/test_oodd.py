"""Claims about OODD: its published algorithm, image by image, gives the same scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.score.banks import normalised, unit
from scipy.special import logsumexp, softmax

from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.tile import Tile
from oodcache.score.onepass.onepass import Classes, fit_all
from oodcache.score.onepass.variants import parse
from oodcache.score.streams import oodd
from oodcache.score.streams.method import Grouping, Noting
from oodcache.score.streams.oodd import Oodd
from oodcache.score.streams.replay import Replayed, replay

Vectors = Any


def literally(
    base: Scores,
    vectors: Vectors,
    *,
    queue: int,
    k: int,
    batch: int,
    ranked: Scores | None = None,
) -> Scores:
    """Return the scores of a stream: a sorted list of the lowest, and every cosine sorted."""
    wide, memory = vectors.astype(np.float64), list[tuple[float, int]]()
    ranked = base if ranked is None else ranked
    found = []
    for start in range(0, len(base), batch):
        arrived = range(start, min(start + batch, len(base)))
        memory = sorted(memory + [(ranked[one], one) for one in arrived])[:queue]
        for one in arrived:
            cosines = sorted((float(wide[one] @ wide[other]) for _, other in memory), reverse=True)
            found.append(base[one] - (cosines[min(k, len(cosines)) - 1] if cosines else 0))
    return np.array(found)


def unread(tile: Tile) -> tuple[Scores, Scores]:
    """Stand for a base whose scores are given."""
    raise AssertionError("the base scores are given")


def replayed(
    base: Scores,
    vectors: Vectors,
    places: Places | None = None,
    *,
    keep: bool = False,
    ranked: Scores | None = None,
    advance: Callable[[int], None] = lambda done: None,
    **given: int,
) -> Replayed:
    """Return the replay of images whose base scores are known, in the order of `places`."""
    method = Oodd(unread, **given)
    order = np.arange(len(base)) if places is None else places
    forms = np.stack([base if ranked is None else ranked, base])
    moments = len(order) if keep else 0  # At most as many: one for each batch.
    return replay(method, vectors, forms, order, advance=advance, keep=moments)


def stream(count: int, seed: int = 0, dimension: int = 16) -> tuple[Scores, Vectors]:
    """Return base scores and vectors: OOD images, a third, are like each other, and lower."""
    draw = np.random.default_rng(seed)
    outside = draw.random(count) < 1 / 3
    middle = np.where(outside[:, None], np.eye(dimension)[0], 0)
    vectors = normalised(draw.standard_normal((count, dimension)) / 3 + middle)
    return draw.standard_normal(count) - 2 * outside, vectors


def by_hand(vectors: Vectors, names: Vectors, scale: float) -> tuple[Scores, Scores]:
    """Return log-odds of the largest probability, from its complement, and the probability."""
    logits = np.sort(scale * vectors.astype(np.float64) @ names.T.astype(np.float64))
    ranked: Scores = -logsumexp(logits[:, :-1] - logits[:, -1:], axis=1)
    return ranked, softmax(logits, axis=1)[:, -1]


@given(
    st.integers(1, 45),
    st.integers(0, 50),
    st.integers(1, 7),
    st.integers(1, 20),
    st.sampled_from([4, 8, 512]),
    st.booleans(),
    st.integers(0, 99),
)
def test_scores_are_those_of_the_published_algorithm(
    count: int, queue: int, k: int, batch: int, tile: int, ties: bool, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    base, vectors = stream(count, seed, 3)
    if ties:  # Few different images, and few different base scores.
        vectors = vectors[draw.integers(0, 4, count) % count]
        base = draw.integers(0, 3, count) / 2
    order = draw.permutation(count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oodd, "TILE", tile)
        patch.setattr(oodd, "MOST_AT_ONCE", 2 * tile)
        found = replayed(base, vectors, order, queue=queue, k=k, batch=batch)
    expected = literally(base[order], vectors[order], queue=queue, k=k, batch=batch)
    np.testing.assert_allclose(found.scores, expected, rtol=0, atol=1e-14)


def test_so_they_are_once_the_queue_has_overflown_for_long() -> None:
    base, vectors = stream(400)
    found = replayed(base, vectors, queue=60, k=5, batch=64)
    expected = literally(base, vectors, queue=60, k=5, batch=64)
    np.testing.assert_allclose(found.scores, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_and_batches_at_once_move_no_bit(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, vectors = stream(700)
    alone = replayed(base, vectors, queue=200, batch=50, keep=True)
    monkeypatch.setattr(oodd, "processors", lambda: threads)
    monkeypatch.setattr(oodd, "TILE", 128)
    steps = list[int]()
    together = replayed(base, vectors, queue=200, batch=50, advance=steps.append)
    assert len(alone.moments) == 14 and len(steps) == (7 if threads == 1 else 2)
    assert np.array_equal(together.scores, alone.scores)


def test_an_empty_queue_gives_its_base() -> None:
    base, vectors = stream(100)
    assert replayed(base, vectors, queue=0).scores.tolist() == base.tolist()


def test_a_queue_as_long_as_the_stream_meets_all_images_before() -> None:
    base, vectors = stream(150)
    found = replayed(base, vectors, queue=150, k=2, batch=10)
    wide = vectors.astype(np.float64)
    for one in range(150):
        before = np.sort(wide[: one // 10 * 10 + 10] @ wide[one])
        np.testing.assert_allclose(found.scores[one], base[one] - before[-2], atol=1e-14)
    assert np.array_equal(found.scores, replayed(base, vectors, queue=999, k=2, batch=10).scores)


def test_order_within_a_batch_moves_nothing() -> None:
    base, vectors = stream(300)
    order = np.concatenate([np.random.default_rng(1).permutation(30) + 30 * n for n in range(10)])
    found = replayed(base, vectors, queue=40, batch=30).scores
    assert np.array_equal(replayed(base, vectors, order, queue=40, batch=30).scores, found[order])


def test_alone_an_image_that_enters_meets_itself_first() -> None:
    base, vectors = np.arange(9.0)[::-1].copy(), unit(9)
    found = replayed(base, vectors, queue=3, k=1, batch=1)
    np.testing.assert_allclose(found.scores, base - 1, atol=1e-6)
    rising = replayed(base[::-1].copy(), vectors, queue=1, k=1, batch=1)
    expected = np.arange(9) - vectors.astype(np.float64) @ vectors[0].astype(np.float64)
    np.testing.assert_allclose(rising.scores, expected, atol=1e-14)


def test_what_it_holds_are_the_lowest_so_far() -> None:
    base, vectors = stream(400)
    for start, held in zip(
        range(0, 400, 50), replayed(base, vectors, queue=70, batch=50, keep=True).held, strict=True
    ):
        assert held.outside.tolist() == sorted(np.argsort(base[: start + 50])[:70].tolist())
        assert not len(held.inside) and held.threshold is None


def test_cosines_see_neither_scale_nor_bias() -> None:
    (base, vectors), names = stream(200), unit(7, 16)
    found = []
    for classes in (Classes(names, 100.0, -16.0), Classes(names, 1.0, None)):
        (method,) = fit_all(parse("oodd:queue=50"), classes)
        found.append(replay(method, vectors, np.stack([base, base]), np.arange(200)).scores)
    assert np.array_equal(*found)


def test_a_base_is_taken_in_both_its_forms() -> None:
    vectors, names = unit(9, 16), unit(7, 16, seed=1)
    tile = Tile(vectors, names, np.ascontiguousarray(names.T))
    (method,) = fit_all(parse("oodd:base=mcm:temperature=learned"), Classes(names, 10.0, None))
    found, expected = method.ahead(tile), by_hand(vectors, names, 10)
    np.testing.assert_allclose(found[1], expected[1], 1e-6)
    assert np.argsort(found[0]).tolist() == np.argsort(expected[0]).tolist()


def test_a_base_that_saturates_still_picks_the_queue_by_its_rank() -> None:
    names = unit(5, 16, seed=1)
    vectors = normalised(names[np.arange(80) % 5] + unit(80, 16) / 3)
    ranked, base = by_hand(vectors, names, 400)
    assert np.sum(base == 1) > 40
    tile = Tile(vectors, names, np.ascontiguousarray(names.T))
    label = "oodd:base=mcm:temperature=learned,queue=60,batch=8"
    (method,) = fit_all(parse(label), Classes(names, 400.0, None))
    found = replay(method, vectors, method.ahead(tile), np.arange(80)).scores
    expected = literally(base, vectors, queue=60, k=5, batch=8, ranked=ranked)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    by_arrival = literally(base, vectors, queue=60, k=5, batch=8)
    assert np.abs(found - by_arrival).max() > 0.01


def test_it_notes_the_spreads_of_base_and_cosine() -> None:
    method = Oodd(unread, queue=1)
    assert isinstance(method, Noting) and isinstance(method, Grouping)
    note = method.note(np.array([[7.0, 8.0], [1.0, 3.0]]), np.array([0.75, 2.25]))
    assert note.endswith("standard deviations: base 1, cosine 0.25")


def test_it_notes_a_queue_that_holds_the_whole_stream() -> None:
    def end(images: int) -> str:
        note = Oodd(unread, queue=2048).note(np.ones((2, images)), np.zeros(images))
        return note.partition("; its queue of ")[2]

    assert end(1037) == (
        "2,048 holds the whole stream, ID images too: set a shorter one, such as oodd:queue=100"
    )
    assert end(2).endswith("oodd:queue=1")

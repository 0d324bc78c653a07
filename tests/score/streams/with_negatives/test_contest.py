"""Claims about contests: sums of terms without underflow, in parts of one side each."""

from __future__ import annotations

import numpy as np
import pytest

from oodcache.score.kernel.label_sums import Exponential, Sigmoid, Term
from oodcache.score.streams.with_negatives.contest import SLICE, Contest, Workers


def cosines(labels: int, images: int = 6) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.random.default_rng(0).uniform(-0.3, 0.9, (labels, images)).astype(np.float32)


def test_parts_have_each_label_once_with_its_side() -> None:
    contest = Contest(SLICE + 1, (3, 2 * SLICE), Exponential(1.0))
    edges = [(part.labels.start, part.labels.stop) for part in contest.parts]
    assert edges == [
        *((0, SLICE), (SLICE, 2 * SLICE), (2 * SLICE, 3 * SLICE), (3 * SLICE, 3 * SLICE + 4))
    ]
    sides = np.concatenate([part.first + part.sides for part in contest.parts])
    assert sides.tolist() == [0] * (SLICE + 1) + [1] * 3 + [2] * 2 * SLICE
    assert [part.span for part in contest.parts] == [
        *(slice(0, 1), slice(0, 3), slice(2, 3), slice(2, 3))
    ]


@pytest.mark.parametrize(
    "term", [Exponential(0.1), Exponential(1e-4), Sigmoid(30.0, -9.0), Sigmoid(600.0, -300.0)]
)
def test_the_outcome_is_the_mean_share_of_the_classes(term: Term) -> None:
    sizes = (3, 600, SLICE, 1)
    contest = Contest(2, sizes, term)
    cosine = cosines(2 + sum(sizes))
    exact = cosine.astype(np.longdouble)
    if isinstance(term, Exponential):
        terms = np.exp(exact / np.longdouble(term.temperature))
    else:
        terms = 1 / (1 + np.exp(-(exact * term.scale + term.bias)))
    inside, *groups = np.split(terms, [2, 5, 605, 605 + SLICE])
    sums = [(inside.sum(axis=0), one.sum(axis=0)) for one in groups]
    share, missing = (np.mean([of[k] / (of[0] + of[1]) for of in sums], axis=0) for k in (0, 1))
    odds = contest.log_odds([contest.log_sums(part, cosine[part.labels]) for part in contest.parts])
    assert np.allclose(odds, np.log(share / missing).astype(float), rtol=0, atol=1e-6)


def test_workers_return_results_in_the_order_of_the_parts() -> None:
    parts = Contest(20 * SLICE, (), Exponential(1.0)).parts
    found = Workers().each(lambda part, room: np.array([float(part.labels.start)]), parts, 3)
    assert np.concatenate(found).tolist() == [part.labels.start for part in parts]

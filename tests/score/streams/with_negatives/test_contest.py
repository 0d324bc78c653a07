"""Claims about contests: sums of terms without underflow, in parts of one side each."""

from __future__ import annotations

import numpy as np
import pytest

from oodcache.score.streams.with_negatives.contest import SLICE, Contest, SidePart, Workers


def cosines(labels: int, images: int = 6) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.random.default_rng(0).uniform(-0.3, 0.9, (labels, images)).astype(np.float32)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(
    ("scale", "bias"),
    [(1.0, None), (100.0, None), (1e5, None), (100.0, -20.0), (100.0, -900.0), (5.0, 60.0)],
)
def test_log_sums_are_those_of_extended_precision(
    axis: int, scale: float, bias: float | None
) -> None:
    cosine = cosines(700)
    logits = cosine.astype(np.longdouble) * scale + (bias or 0)
    # exp of a longdouble reaches e^11356: sums of exponentials are relative to the largest.
    top = logits.max(axis=0) if bias is None else np.zeros(6)
    terms = np.exp(logits - top) if bias is None else 1 / (1 + np.exp(-logits))
    expected = top + np.log(terms.sum(axis=0))
    given = cosine if axis == 0 else np.ascontiguousarray(cosine.T)
    found = Contest(700, (), scale, bias).log_sum(given, axis=axis)
    assert np.allclose(found, expected.astype(float), rtol=1e-6, atol=2e-6)


def test_parts_have_each_label_once_and_labels_of_one_side() -> None:
    contest = Contest(SLICE + 1, (3, 2 * SLICE), 1.0)
    assert contest.parts == (
        SidePart(0, slice(0, SLICE)),
        SidePart(0, slice(SLICE, SLICE + 1)),
        SidePart(1, slice(SLICE + 1, SLICE + 4)),
        SidePart(2, slice(SLICE + 4, 2 * SLICE + 4)),
        SidePart(2, slice(2 * SLICE + 4, 3 * SLICE + 4)),
    )


def test_the_outcome_is_the_mean_share_of_the_classes() -> None:
    cosine = cosines(2 + 3 + 600)
    terms = np.exp(10 * cosine.astype(float))
    inside = terms[:2].sum(axis=0)
    shares = [inside / (inside + one.sum(axis=0)) for one in (terms[2:5], terms[5:])]
    odds = Contest(2, (3, 600), 10.0).of_columns(np.ascontiguousarray(cosine.T))
    assert np.allclose(1 / (1 + np.exp(-odds)), np.mean(shares, axis=0), rtol=1e-6)


def test_workers_return_results_in_the_order_of_the_parts() -> None:
    parts = Contest(20 * SLICE, (), 1.0).parts
    found = Workers().each(lambda part, room: np.array([float(part.labels.start)]), parts, 3)
    assert np.concatenate(found).tolist() == [part.labels.start for part in parts]

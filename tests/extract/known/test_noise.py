from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oodcache.extract.known.noise import EACH, KINDS, NoiseContents, NoiseImage
from oodcache.extract.sources import datasets

SHAPE = (3, 40, 50)


def drawn(kind: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return the three images of a kind."""
    first = EACH * KINDS.index(kind)
    images = [NoiseContents().read(row) for row in range(first, first + EACH)]
    return np.stack([one.drawn(SHAPE) for one in images if isinstance(one, NoiseImage)])


def test_there_are_three_images_of_each_kind_without_a_data_root() -> None:
    listing = datasets.list_images(datasets.find("noise15", Path("nowhere")))
    assert (listing.name, listing.rows) == ("noise15", 15)
    assert listing.images.label_names == KINDS
    assert listing.images.labels.tolist() == [kind for kind in range(5) for _ in range(3)]
    assert len({*listing.images.paths}) == 15


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_from_0_to_1_the_same_each_time_and_all_different(kind: str) -> None:
    found = drawn(kind)
    assert found.dtype == np.float32 and found.shape == (3, *SHAPE)
    assert 0 <= found.min() < 1e-3 and 1 - 1e-3 < found.max() <= 1
    assert np.array_equal(found, drawn(kind))
    assert not np.array_equal(found[0], found[1]) and not np.array_equal(found[1], found[2])


@pytest.mark.parametrize("kind", ["gaussian", "poisson", "gamma"])
def test_the_three_of_a_kind_are_scaled_together(kind: str) -> None:
    found = drawn(kind)
    assert (found.min(), found.max()) == (0, 1)
    ranges = np.ptp(found, axis=(1, 2, 3))
    assert ranges.min() < 1  # Alone, each would be stretched by its own extremes.


def test_each_kind_has_its_distribution() -> None:
    assert drawn("uniform").mean() == pytest.approx(0.5, abs=0.01)
    assert drawn("uniform").var() == pytest.approx(1 / 12, abs=0.005)
    assert {*np.unique(drawn("salt-and-pepper")).tolist()} == {0.0, 1.0}
    assert drawn("salt-and-pepper").mean() == pytest.approx(0.5, abs=0.01)
    # Whole numbers of mean and variance 5, divided by the largest; none is missing below it.
    levels = np.unique(drawn("poisson"))
    step = float(levels[1])
    counts = drawn("poisson") / step
    assert counts.mean() == pytest.approx(5, abs=0.1) and counts.var() == pytest.approx(5, abs=0.3)
    # Mean over deviation: 2 / sqrt(2) of Gamma(2, 1); the least is nearly 0.
    gamma = drawn("gamma")
    assert gamma.mean() / gamma.std() == pytest.approx(2**0.5, abs=0.03)
    # A Gaussian's fourth moment is 3 times the square of its variance.
    gaussian = drawn("gaussian")
    centred = gaussian - gaussian.mean()
    assert (centred**4).mean() / (centred**2).mean() ** 2 == pytest.approx(3, abs=0.1)

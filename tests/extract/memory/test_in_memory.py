"""Claims about images in memory that can be indexed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.extract.memory.in_memory import Indexed, listed
from oodcache.extract.memory.row_labels import RowNotes
from oodcache.extract.memory.tally import Element
from oodcache.extract.model.pixels import decode
from oodcache.extract.sources.listing import ImageListing

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3), np.uint8)


def listing(sample: Any, count: int = 3, **notes: Any) -> ImageListing:
    return listed("pets", Indexed(count, sample), RowNotes(**notes), Watch())


def plain(row: int) -> Element:
    return Element(PIXELS[row])


def test_each_row_gives_its_own_image() -> None:
    found = listing(plain)
    assert found.rows == 3
    for row in range(3):
        image = decode(found.contents.read(row)).image
        assert np.array_equal(np.asarray(image), PIXELS[row])
        assert found.contents.is_there(row)


def test_a_bad_image_keeps_its_row_and_raises_when_it_is_read() -> None:
    def sample(row: int) -> Element:
        if row == 1:
            raise OSError("truncated")
        return plain(row)

    found = listing(sample)
    assert found.rows == 3
    with pytest.raises(OSError, match="truncated"):
        found.contents.read(1)
    assert found.fingerprint != listing(plain).fingerprint


def test_what_is_no_image_is_refused_with_its_row() -> None:
    with pytest.raises(InputError, match="images.2. is None"):
        listing(lambda row: plain(row) if row < 2 else Element(None))


def test_images_that_change_between_two_reads_are_refused() -> None:
    count = iter(range(100))
    found = listing(lambda row: Element(PIXELS[0] + next(count)))
    with pytest.raises(InputError, match="images.0. had other pixels when it was read again"):
        found.contents.read(0)


def test_the_number_of_labels_is_checked_before_any_image_is_read() -> None:
    def sample(row: int) -> Element:
        raise AssertionError

    with pytest.raises(InputError, match="labels has 1 entries for 3 images"):
        listing(sample, labels=[0])

"""Claims about too many bad images: refused at the very one that is too many, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.run.tolerance import Tolerance
from oodcache.extract.sources import datasets
from oodcache.extract.sources.listing import ImageListing


@pytest.fixture
def listing(photos: Path) -> ImageListing:
    """Twelve images."""
    return datasets.list_images(datasets.find(f"c={photos}", photos))


def bad(count: int) -> dict[int, str]:
    return dict.fromkeys(range(count), "OSError: torn")


def test_the_share_is_one_of_all_images_not_of_those_so_far(listing: ImageListing) -> None:
    tolerance = Tolerance(listing, 0.25)
    tolerance.add(range(0, 3), bad(3))
    tolerance.add(range(3, 11), {})
    with pytest.raises(InputError) as refused:
        tolerance.add(range(11, 12), bad(1))
    assert str(refused.value) == (
        "c: stopped: 4 of 12 images so far cannot be read, such as 'dog/5.png' (OSError: torn); "
        "more than --max-bad 0.25 of all 12; finished shards are kept; once they can be read, use "
        "--retry-failed, or --overwrite if file sizes change"
    )


def test_the_first_bad_image_is_too_many_where_none_is_put_up_with(listing: ImageListing) -> None:
    tolerance = Tolerance(listing, 0)
    tolerance.add(range(0, 5), {})
    with pytest.raises(InputError, match="1 of 7 images so far cannot be read, such as 'cat/5."):
        tolerance.add(range(5, 7), bad(1))


def test_images_of_earlier_runs_count(listing: ImageListing) -> None:
    with pytest.raises(InputError, match="2 of 6 images so far cannot be read, in an earlier run"):
        Tolerance(listing, 0.1, 6, 2)
    with pytest.raises(InputError, match="3 of 7 images so far"):
        Tolerance(listing, 0.2, 6, 2).add(range(6, 7), bad(1))


def test_all_may_be_bad_where_that_is_put_up_with(listing: ImageListing) -> None:
    Tolerance(listing, 1).add(range(12), bad(12))

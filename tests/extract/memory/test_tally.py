"""Claims about the tally of images in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from oodcache.extract.memory.row_labels import RowNotes
from oodcache.extract.memory.tally import Element, Tally
from oodcache.extract.sources.folders import FolderContents
from oodcache.extract.sources.listing import ImageListing

NOTHING = FolderContents(Path(), [])
DIGESTS = (b"a" * 32, b"b" * 32)


def counted(samples: Sequence[Element], digests: Sequence[bytes] = DIGESTS, **notes: Any) -> Tally:
    tally = Tally(RowNotes(**notes))
    for sample, digest in zip(samples, digests, strict=True):
        tally.add(sample, digest)
    return tally


def listing(*labels_and_paths: tuple[object, str | None], **given: Any) -> ImageListing:
    samples = [Element(None, label, path) for label, path in labels_and_paths]
    return counted(samples, **given).listing("pets", NOTHING)


def test_rows_are_called_by_their_number_unless_all_have_paths_of_their_own() -> None:
    assert listing((None, None), (None, None)).images.paths == [b"0", b"1"]
    assert listing((None, "x/a.png"), (None, None)).images.paths == [b"0", b"1"]
    assert listing((None, "x/a.png"), (None, "x/a.png")).images.paths == [b"0", b"1"]
    assert listing((None, "x/a.png"), (None, "x/b.png")).images.paths == [b"a.png", b"b.png"]
    named = listing((None, "x/a.png"), (None, "x/b.png"), paths=["p", Path("q/r")])
    assert named.images.paths == [b"p", b"q/r"]


def test_labels_of_the_user_come_before_those_of_the_dataset() -> None:
    assert listing(("cat", None), ("dog", None)).images.label_names == ("cat", "dog")
    named = listing(("cat", None), ("dog", None), labels=[0, 0], label_names=["ox"])
    assert (named.images.labels.tolist(), named.images.label_names) == ([0, 0], ("ox",))


def test_the_dataset_s_own_names_are_those_that_occur_as_in_a_folder() -> None:
    tally = Tally(RowNotes(), ("ox", "dog", "ant", "cat"))
    for label in (1, -1, 3):
        tally.add(Element(None, label), DIGESTS[0])
    found = tally.listing("pets", NOTHING).images
    assert (found.labels.tolist(), found.label_names) == ([1, -1, 0], ("cat", "dog"))


def test_the_fingerprint_changes_with_pixels_order_labels_and_paths() -> None:
    plain = ((None, None), (None, None))
    some = [
        listing(*plain),
        listing(*plain, digests=DIGESTS[::-1]),
        listing(*plain, labels=["cat", "dog"]),
        listing(*plain, labels=["dog", "cat"]),
        listing(*plain, labels=[0, 1]),
        listing(*plain, labels=["0", "1"], label_names=["0", "1"]),
        listing(*plain, paths=["a", "b"]),
        listing(*plain, paths=["b", "a"]),
    ]
    assert len({one.fingerprint for one in some}) == len(some)


def test_the_fingerprint_of_equal_images_is_equal() -> None:
    first, second = (listing(("cat", "x/a"), ("dog", "x/b")) for _ in range(2))
    assert first.fingerprint == second.fingerprint
    assert first.origin == {"name": "pets", "fingerprint": first.fingerprint}


@pytest.mark.parametrize("count", [1, 3])
def test_a_listing_has_a_row_for_each_image(count: int) -> None:
    found = counted([Element(None)] * count, [b"a" * 32] * count).listing("pets", NOTHING)
    assert found.rows == count

"""The images of a known data set counted, as extract lists them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from oodcache.extract.sources import datasets
from oodcache.extract.sources.listing import LIST, ImageSource


@dataclass(frozen=True)
class Counted:
    """How many images a set has, of how many; of a list, how many of its files are not there."""

    name: str
    root: Path
    images: int
    expected: int
    missing: int = 0

    @property
    def is_whole(self) -> bool:
        """Return whether the images are as many as they should be, and all there."""
        return self.images == self.expected and not self.missing


def count(source: ImageSource) -> Counted:
    """Return how many images a known set has; refuse one that has none."""
    listing = datasets.list_images(source)
    assert source.expected is not None, "only known sets are counted"
    missing = 0
    if source.form == LIST:
        missing = sum(not listing.contents.is_there(row) for row in range(listing.rows))
    return Counted(source.name, source.root, listing.rows, source.expected, missing)

"""The tolerance for unreadable images: a run stops as soon as it is exceeded."""

from __future__ import annotations

import os
from collections.abc import Mapping

from oodcache.cache.errors import InputError
from oodcache.extract.sources.listing import ImageListing


class Tolerance:
    """A count of a dataset's unreadable images, of which at most the share `max_bad` is accepted.

    `rows` images are already done, `failed` of them unreadable.
    """

    def __init__(self, listing: ImageListing, max_bad: float, rows: int = 0, failed: int = 0):
        self._listing, self._max_bad = listing, max_bad
        self._rows, self.failed = rows, failed
        self._check("in an earlier run")

    def add(self, rows: range, errors: Mapping[int, str]) -> None:
        """Count `rows`, of which those at the places in `errors` are bad for the reason there.

        Raises InputError if too many images are now unreadable.
        """
        self._rows += len(rows)
        self.failed += len(errors)
        if errors:
            place, reason = next(iter(errors.items()))
            path = os.fsdecode(self._listing.images.paths[rows[place]])
            self._check(f"such as {path!r} ({reason})")

    def count(self, rows: int, failed: int) -> None:
        """Count a finished shard; raise InputError if too many images are now unreadable."""
        self._rows += rows
        self.failed += failed
        self._check("in finished shards")

    def _check(self, which: str) -> None:
        if self.failed > self._max_bad * self._listing.rows:
            raise InputError(
                f"{self._listing.name}: stopped: {self.failed:,} of {self._rows:,} images so far "
                f"cannot be read, {which}; more than --max-bad {self._max_bad:g} of all "
                f"{self._listing.rows:,}; finished shards are kept; once they can be read, use "
                "--retry-failed, or --overwrite if file sizes change"
            )

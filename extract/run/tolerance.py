"""How many bad images a run puts up with; more stop it as soon as they are met."""

from __future__ import annotations

import os
from collections.abc import Mapping

from oodcache.cache.errors import InputError
from oodcache.extract.sources.listing import ImageListing


class Tolerance:
    """A count of a data set's bad images, of which a share of `max_bad` is put up with.

    `rows` images are there already, `failed` of them bad.
    """

    def __init__(self, listing: ImageListing, max_bad: float, rows: int = 0, failed: int = 0):
        self._listing, self._max_bad = listing, max_bad
        self._rows, self.failed = rows, failed
        self._check("those of an earlier run")

    def add(self, rows: range, errors: Mapping[int, str]) -> None:
        """Count these rows of the data set too; raise InputError if too many are bad by now.

        `errors` has the reason of each bad one, by its place among them.
        """
        self._rows += len(rows)
        self.failed += len(errors)
        if errors:
            place, reason = next(iter(errors.items()))
            path = os.fsdecode(self._listing.images.paths[rows[place]])
            self._check(f"such as {path!r} ({reason})")

    def count(self, rows: int, failed: int) -> None:
        """Count a whole shard that was made; raise InputError if too many are bad by now."""
        self._rows += rows
        self.failed += failed
        self._check("those of whole shards")

    def _check(self, which: str) -> None:
        if self.failed > self._max_bad * self._listing.rows:
            raise InputError(
                f"{self._listing.name}: stopped: {self.failed:,} of {self._rows:,} images so far "
                f"are bad, {which}; more than --max-bad {self._max_bad:g} of all "
                f"{self._listing.rows:,}; whole shards stay; once they can be read: "
                "--retry-failed, or --overwrite if their sizes change"
            )

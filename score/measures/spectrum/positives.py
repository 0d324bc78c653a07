"""Positives: the images that count as ID in a row, of one set or of the full spectrum of sets.

Covariate-shifted ID (csid) images show the ID classes in another style or under corruption. In the
full spectrum they count as ID, image by image, together with the ID set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from oodcache.cache.errors import InputError
from oodcache.score.measures.spectrum.spectrum import CSID, FULL

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Positives:
    """Positive images, set after set: the ID set first, or a csid set alone.

    `sizes` counts them by set. `groups` (N,) are resampled whole: each image of the first set has
    its own place there as its group, and a csid image made from one has the place of that. Groups
    without such a source have numbers from the size of the first set, and are of one set.
    """

    sizes: Mapping[str, int]
    groups: Integers

    @classmethod
    def independent(cls, sizes: Mapping[str, int]) -> Positives:
        """Return sets of images that are each drawn alone."""
        return cls(sizes, np.arange(sum(sizes.values())))

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Return the places of each set's images."""
        stops = np.cumsum([*self.sizes.values()]).tolist()
        return {
            name: slice(stop - size, stop)
            for (name, size), stop in zip(self.sizes.items(), stops, strict=True)
        }

    @property
    def first(self) -> int:
        """Return the number of images of the first set."""
        return next(iter(self.sizes.values()))

    @property
    def are_independent(self) -> bool:
        """Return whether each image is a group of its own."""
        return len(np.unique(self.groups)) == len(self.groups)

    def alone(self, name: str) -> Positives:
        """Return one set alone, whose groups are no longer those of a source.

        >>> both = Positives({"a": 2, "b": 3}, np.array([0, 1, 1, 1, 2]))
        >>> both.alone("b").groups
        array([0, 0, 1])
        """
        _, groups = np.unique(self.groups[self.slices[name]], return_inverse=True)
        return Positives({name: self.sizes[name]}, groups.astype(np.int64))

    def draws(self, rank: Integers, seed: int) -> Iterator[Integers]:
        """Yield how often each image is drawn, (N,), resample after resample, without end.

        As many images of the first set are drawn as it has, and as many groups of every other set
        as have no source there. `rank` are the places of the first set's images by falling score:
        a draw is of a rank, as in a bootstrap of that set alone. The draws depend on the seed and
        the names of csid sets.
        """
        own = {name: _beyond(self.groups[place], self.first) for name, place in self._others()}
        drawing = {name: np.random.default_rng([2, seed, *_bytes(name)]) for name in own}
        inside = np.random.default_rng([0, seed])
        times = np.zeros(int(self.groups.max()) + 1, np.int64)
        while True:
            times[rank] = np.bincount(
                inside.integers(self.first, size=self.first), minlength=self.first
            )
            for name, groups in own.items():
                if count := len(groups):
                    drawn = drawing[name].integers(count, size=count)
                    times[groups] = np.bincount(drawn, minlength=count)
            yield times[self.groups]

    def drawn_alone(self, seed: int) -> Iterator[Integers]:
        """Yield how often each image of the only set is drawn, as many groups as there are."""
        (name,) = self.sizes
        drawing = np.random.default_rng([2, seed, *_bytes(name)])
        count = int(self.groups.max()) + 1
        while True:
            drawn = drawing.integers(count, size=count)
            yield np.bincount(drawn, minlength=count)[self.groups]

    def _others(self) -> list[tuple[str, slice]]:
        return [*self.slices.items()][1:]


def check_id(id_set: str, csid: Sequence[str]) -> None:
    """Raise InputError for an ID set named like rows on csid images, if there are any."""
    if csid and (id_set == FULL or f"{id_set}:".startswith(CSID)):
        raise InputError(f"--id {id_set!r} is reserved for rows on csid images; use another name")


def _beyond(groups: Integers, first: int) -> Integers:
    """Return the groups without a source in the first set, each once."""
    found = np.unique(groups)
    return found[found >= first]


def _bytes(name: str) -> bytes:
    return name.encode(errors="surrogatepass")

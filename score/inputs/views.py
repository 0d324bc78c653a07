"""The images of a data set that are scored: all, or those of a subset's classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.subsets import Subset
from oodcache.cache.watch import Note

Vectors = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Digests = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class View:
    """Some images of a file, under the name that was typed, such as "imagenet-val:imagenet10".

    Those of `subset`, all where it is None, or the rows that `only` names. What could not be
    decoded is not scored. `numbers` are the subset's classes where the file's labels are numbers.
    """

    name: str
    file: ImageFile
    subset: Subset | None
    only: Integers | None = None
    numbers: tuple[str, ...] | None = None

    @cached_property
    def selected(self) -> npt.NDArray[np.bool_]:
        """Say of each of the file's rows if it is in the view, decoded or not."""
        if self.subset is None:
            return np.ones(self.file.rows, bool)
        labels = self.file.label_names
        wanted = self.subset.ids if self.numbers is None else self.numbers
        if missing := [one for one in wanted if one not in labels]:
            raise InputError(
                f"{self.file.path}: has no label {missing[0]!r} of {self.subset.name} "
                f"({len(missing)} of its {len(wanted)} are missing)"
            )
        return np.isin(self.file.label, [labels.index(one) for one in wanted])

    @cached_property
    def rows(self) -> Integers:
        """Return the file's rows that are scored, rising."""
        if self.only is not None:
            return self.only
        return np.flatnonzero(self.selected & self.file.ok)

    @property
    def failed(self) -> int:
        """Return how many images of the view could not be decoded."""
        return int(np.count_nonzero(self.selected & ~self.file.ok))

    @property
    def labels(self) -> Integers:
        """Return the label of each image that is scored: an index into the file's, or -1."""
        return self.file.label[self.rows]

    @property
    def group(self) -> str | None:
        """Return "near" or "far", None where nobody says which."""
        told = self.file.identity.source.get("group", names.GROUPS.get(self.file.path.stem))
        return told if told in ("near", "far") else None

    def paths(self) -> list[bytes]:
        """Return the path of each image that is scored, below its data set's root."""
        paths = self.file.paths()
        return [paths[row] for row in self.rows.tolist()]

    def blocks(self) -> Iterator[Vectors]:
        """Yield the unit vectors in order, float32 (n, D); blocks without a row are not read."""
        for first, block in self.file.blocks_with(self.rows):
            start, stop = np.searchsorted(self.rows, (first, first + len(block)))
            # Most blocks are wanted whole: no copy of those.
            yield block if stop - start == len(block) else block[self.rows[start:stop] - first]


def digests(block: Vectors) -> Digests:
    """Return 64 bits for each row: equal for equal vectors, and almost never for others.

    The sum of the vector's bits, two numbers at a time, times random odd numbers, modulo 2^64.
    """
    if block.shape[1] % 2:
        block = np.pad(block, ((0, 0), (0, 1)))
    words = np.ascontiguousarray(block).view(np.uint64)
    factors = np.random.default_rng(0).integers(0, 2**64, words.shape[1], np.uint64) | np.uint64(1)
    # Without an array of products: the vectors of a bank may be gigabytes.
    sums: Digests = np.einsum("ij,j->i", words, factors)
    return sums ^ (sums >> np.uint64(32))


def tell_shared(sets: Mapping[str, Digests], of: Digests, what: str, note: Note) -> dict[str, int]:
    """Return how many images of each set have a vector that is in `of` too, and say which have."""
    found = {name: shared(of, own) for name, own in sets.items()}
    for name, count in found.items():
        if count:
            note(f"{name}: {count:,} images have the very vector of an image of {what}")
    return found


def shared(inside: Digests, outside: Digests) -> int:
    """Return how many OOD images have a vector that an ID image has too."""
    return int(np.count_nonzero(np.isin(outside, inside)))

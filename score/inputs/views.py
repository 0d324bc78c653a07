"""The scored images of a dataset: all, or those of a subset's classes."""

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
from oodcache.score.formulas.tile import Digests, Vectors
from oodcache.score.inputs.labels import composed

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """Some images of a file, under the name as typed, such as "imagenet-val:imagenet10".

    They are those of `subset` (all if None), or the rows `only`, except images that could not be
    decoded. `numbers` are the subset's classes if the file's labels are class numbers.
    """

    name: str
    file: ImageFile
    subset: Subset | None
    only: Integers | None = None
    numbers: tuple[str, ...] | None = None

    @cached_property
    def selected(self) -> npt.NDArray[np.bool_]:
        """Return for each of the file's rows whether it is in the view, decoded or not."""
        if self.subset is None:
            return np.ones(self.file.rows, bool)
        labels = [composed(name) for name in self.file.label_names]
        wanted = self.subset.ids if self.numbers is None else self.numbers
        if missing := [one for one in wanted if one not in labels]:
            raise InputError(
                f"{self.file.path}: has no label {missing[0]!r} of {self.subset.name} "
                f"({len(missing)} of {len(wanted)} are missing)"
            )
        # Two folders that differ only in how a letter is composed are one class.
        kept = {*wanted}
        places = [place for place, name in enumerate(labels) if name in kept]
        return np.isin(self.file.label, places)

    @cached_property
    def rows(self) -> Integers:
        """Return the scored rows of the file, rising."""
        if self.only is not None:
            return self.only
        return np.flatnonzero(self.selected & self.file.ok)

    @property
    def failed(self) -> int:
        """Return the number of images that could not be decoded."""
        return int(np.count_nonzero(self.selected & ~self.file.ok))

    @property
    def labels(self) -> Integers:
        """Return the label of each scored image: an index into the file's, or -1."""
        return self.file.label[self.rows]

    @property
    def group(self) -> str | None:
        """Return "near" or "far", None if unknown."""
        group = self.file.identity.source.get("group", names.GROUPS.get(self.file.path.stem))
        return group if group in ("near", "far") else None

    def paths(self) -> list[bytes]:
        """Return the path of each scored image, relative to its dataset's root."""
        paths = self.file.paths()
        return [paths[row] for row in self.rows.tolist()]

    def blocks(self) -> Iterator[Vectors]:
        """Yield the unit vectors in order, float32 (n, D); unscored blocks are skipped."""
        for first, block in self.file.blocks_with(self.rows):
            start, stop = np.searchsorted(self.rows, (first, first + len(block)))
            # Most blocks are complete, and need no copy.
            yield block if stop - start == len(block) else block[self.rows[start:stop] - first]


Views = tuple[View, ...]


def divided(views: Views, ood_sets: int, csid: int) -> tuple[Views, View | None, Views]:
    """Return the views of ID and OOD, of the set that picks settings if any, and of csid sets.

    `views` are the ID set, the OOD sets, the csid sets, and perhaps the one that picks. Raises
    InputError if one has no image.
    """
    for view in views:
        if not len(view.rows):
            raise InputError(f"{view.name}: none of its images could be decoded")
    measured = 1 + ood_sets + csid
    tuning = views[measured] if len(views) > measured else None
    return views[: 1 + ood_sets], tuning, views[1 + ood_sets : measured]


def tell_shared(sets: Mapping[str, Digests], of: Digests, what: str, note: Note) -> dict[str, int]:
    """Return how many images of each set have the same vector as one of `of`, with notes."""
    found = {name: shared(of, own) for name, own in sets.items()}
    for name, count in found.items():
        if count:
            note(f"{name}: {count:,} images have the same vector as an image of {what}")
    return found


def repeated(digests: Digests) -> int:
    """Return how many images have the same vector as an earlier one."""
    rising = np.sort(digests)
    return int(np.count_nonzero(rising[1:] == rising[:-1]))


def shared(inside: Digests, outside: Digests) -> int:
    """Return how many OOD images have the same vector as an ID image."""
    if not len(inside):
        return 0
    # np.isin would sort the images' places along with them, at ten times the cost.
    inside, outside = np.sort(inside), np.sort(outside)
    nearest = np.minimum(inside.searchsorted(outside), len(inside) - 1)
    return int(np.count_nonzero(inside[nearest] == outside))

"""Sources: the ID images that csid images were made from, as far as file names show.

ImageNet-C stores each ID image once for every corruption and severity, under its own file name and
class folder. Such images are not independent of the ID set, nor of one another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from oodcache.score.measures.spectrum.positives import Integers, Positives

ENOUGH = 0.5  # The share of a set's images with a source, below which names agree by chance.
Key = tuple[str, ...]


@dataclass(frozen=True)
class NamedImages:
    """A set's images: their `paths`, and the class of each, (n,), -1 if it is not known."""

    paths: Sequence[bytes]
    classes: Integers


def grouped(sets: Mapping[str, NamedImages]) -> tuple[Positives, dict[str, int]]:
    """Return the positives, the ID set first, and how many of each csid set have a source in it.

    A csid image's source is the ID image of its class and file name, or, if ID images share file
    names, of its folder too; without a class it needs a name that is no number. A set of which less
    than half have a source has none. Its other images of one class and file name are a group.
    """
    inside, *others = sets.values()
    first = len(inside.paths)
    key = _key(inside.paths)
    places = {} if key is None else {key(path): place for place, path in enumerate(inside.paths)}
    groups: list[Integers] = [np.arange(first)]
    count, found = first, {}
    for name, images in zip([*sets][1:], others, strict=True):
        source = _sources(images, inside, places, key)
        found[name] = int(np.count_nonzero(source >= 0))
        own = _by_name(images, key or _with_folder)
        _, dense = np.unique(own, return_inverse=True)
        groups.append(np.where(source >= 0, source, count + dense))
        count += len(own)
    sizes = {name: len(images.paths) for name, images in sets.items()}
    return Positives(sizes, _dense(np.concatenate(groups), first)), found


def _sources(
    images: NamedImages,
    inside: NamedImages,
    places: Mapping[Key, int],
    key: Callable[[bytes], Key] | None,
) -> Integers:
    """Return the place of each image's source, -1 for none; too few of them are none."""
    if key is None:
        return np.full(len(images.paths), -1)
    found = np.array([places.get(key(path), -1) for path in images.paths], np.int64)
    own = inside.classes[found]
    unknown = (images.classes < 0) | (own < 0)
    # A number names images of any two datasets.
    numbers = np.array([key(path)[-1].isdigit() for path in images.paths])
    found[np.where(unknown, numbers, images.classes != own)] = -1
    is_enough = np.count_nonzero(found >= 0) >= ENOUGH * len(found)
    return found if is_enough else np.full(len(found), -1)


def _by_name(images: NamedImages, key: Callable[[bytes], Key]) -> Integers:
    """Return a number for each class and file name that several images share."""
    names: dict[tuple[Key, int], int] = {}
    pairs = zip(map(key, images.paths), images.classes.tolist(), strict=True)
    return np.array([names.setdefault(one, len(names)) for one in pairs], np.int64)


def _key(paths: Sequence[bytes]) -> Callable[[bytes], Key] | None:
    """Return what names an image uniquely: its file's name, or with its folder; None if neither."""
    for key in (_file, _with_folder):
        if max(Counter(map(key, paths)).values()) == 1:
            return key
    return None


def _file(path: bytes) -> Key:
    return (PurePosixPath(path.decode(errors="surrogateescape")).stem,)


def _with_folder(path: bytes) -> Key:
    whole = PurePosixPath(path.decode(errors="surrogateescape"))
    return whole.parent.name, whole.stem


def _dense(groups: Integers, first: int) -> Integers:
    """Return the groups without a source renumbered, without gaps."""
    beyond = groups >= first
    _, dense = np.unique(groups[beyond], return_inverse=True)
    groups[beyond] = first + dense
    return groups

"""Near-duplicates: pairs of cached images whose vectors have a high cosine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.shards.shard_set import open_images
from oodcache.cache.store import store
from oodcache.cache.text import listed, meant
from oodcache.cache.watch import Watch

Vectors = NDArray[np.float32]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
MOST_PAIRS = 1_000_000
OUTER, INNER = 8192, 2048  # Rows of a tile of cosines: 67 MB.
# A float32 product of unit vectors is off by less, for any dimension that a model has.
ROUNDING = 1e-4
AT_ONCE = 4096  # Pairs whose cosines are computed again in float64.


@dataclass(frozen=True)
class CachedSet:
    """A cached dataset among those that are searched, by name."""

    name: str
    file: ImageFile


@dataclass(frozen=True)
class DuplicatePair:
    """Two images and their cosine, 1 if their vectors are equal; `second` is the one to drop.

    An image is its dataset and its path.
    """

    cosine: float
    first: tuple[str, bytes]
    second: tuple[str, bytes]


@dataclass(frozen=True)
class _RowPairs:
    """Pairs of rows of two datasets: `first` and `second` int64 (P,), `cosine` float64 (P,)."""

    sets: tuple[CachedSet, CachedSet]
    first: Rows
    second: Rows
    cosine: Floats


def exact(threshold: float) -> str:
    """Return a threshold as it was typed, not rounded.

    >>> exact(0.999999999), exact(1.0)
    ('0.999999999', '1')
    """
    return repr(threshold).removesuffix(".0")


def cached_sets(cache: Path, model: str, typed: Sequence[str]) -> list[CachedSet]:
    """Return a model's datasets by name; raise InputError for one that is not cached, or twice."""
    label = store.find_model(cache, model)
    there = [one.name for one in store.known(cache, label) if one.kind == "images"]
    for place, name in enumerate(typed):
        if name not in there:
            what = f"{cache / label}: no images {name!r}"
            hint = meant(name, there)
            raise InputError(
                f"{what}; {hint}the datasets are {listed(there)}; list them with: oodcache cache ls"
            )
        if name in typed[:place]:
            raise InputError(f"{name!r} is given twice; give it alone to search within it")
    found = [CachedSet(name, open_images(names.image_path(cache, label, name))) for name in typed]
    for one in found[1:]:
        if one.file.dimension != found[0].file.dimension:
            raise InputError(
                f"{one.file.path}: vectors of {one.file.dimension} numbers, but those of "
                f"{found[0].file.path} have {found[0].file.dimension}; extract one of them again"
            )
    return found


def duplicates(
    sets: Sequence[CachedSet], threshold: float, watch: Watch, *, within: bool = False
) -> list[DuplicatePair]:
    """Return all pairs with a cosine of at least `threshold`, the most similar first.

    Pairs are between every two datasets, the earlier one first; a single dataset is searched
    within itself, as are all of them with `within`, and the earlier row is first. Images that could
    not be decoded have no pair. Pairs of equal cosine are in the order of the datasets and rows.
    Raises InputError for more than MOST_PAIRS pairs.
    """
    searched = [*combinations(sets, 2)]
    if within or len(sets) == 1:
        searched = [*((one, one) for one in sets), *searched]
    total = sum(first.file.rows * second.file.rows for first, second in searched)
    every: list[_RowPairs] = []
    with watch.progress("compare", total, "pairs") as advance:
        for pair in searched:
            left = MOST_PAIRS - sum(len(one.cosine) for one in every)
            every.append(_between(*pair, threshold, advance, left))
    return _named(every)


def _between(
    first: CachedSet,
    second: CachedSet,
    threshold: float,
    advance: Callable[[int], None],
    most: int,
) -> _RowPairs:
    """Return the pairs of two datasets, or within one; memory holds one tile of cosines."""
    rows: list[Rows] = [np.empty((2, 0), np.int64)]
    cosines: list[Floats] = [np.empty(0)]
    is_within, count = first is second, 0
    for start, outer in _blocks(first.file, OUTER):
        for place, inner in _blocks(second.file, INNER):
            if not is_within or place + len(inner) > start + 1:
                product = outer @ inner.T
                # An image that is not ok has a zero vector, and no pair at any threshold.
                product[~first.file.ok[start : start + len(outer)]] = -np.inf
                product[:, ~second.file.ok[place : place + len(inner)]] = -np.inf
                near = np.stack(np.nonzero(product >= threshold - ROUNDING))
                # Within a dataset a pair is there twice, and each image with itself.
                if near.shape[1] > 2 * most + OUTER:
                    sure = int(np.count_nonzero(product >= threshold + ROUNDING))
                    _check(first, second, threshold, sure, 2 * most + OUTER)
                kept, cosine = _exact(outer, inner, near, threshold)
                kept += np.array([[start], [place]])
                ordered = kept[0] < kept[1] if is_within else slice(None)
                rows.append(kept[:, ordered])
                cosines.append(cosine[ordered])
                count += len(cosines[-1])
            _check(first, second, threshold, count, most)
            advance(len(outer) * len(inner))
    both = np.concatenate(rows, axis=1)
    return _RowPairs((first, second), both[0], both[1], np.concatenate(cosines))


def _check(first: CachedSet, second: CachedSet, threshold: float, count: int, most: int) -> None:
    if count > most:
        raise InputError(
            f"{first.name} and {second.name}: more than {MOST_PAIRS:,} pairs have a cosine of at "
            f"least {exact(threshold)}; give a higher --threshold"
        )


def _exact(outer: Vectors, inner: Vectors, near: Rows, threshold: float) -> tuple[Rows, Floats]:
    """Return the pairs of `near` that reach the threshold in float64; equal vectors have 1."""
    cosine = np.empty(near.shape[1])
    for start in range(0, len(cosine), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        one, other = outer[near[0, some]], inner[near[1, some]]
        equal = (one == other).all(axis=1)
        one64, other64 = one.astype(np.float64), other.astype(np.float64)
        length = np.linalg.norm(one64, axis=1) * np.linalg.norm(other64, axis=1)
        cosine[some] = np.clip(np.einsum("nd,nd->n", one64, other64) / length, -1, 1)
        cosine[some][equal] = 1
    kept = cosine >= threshold
    return near[:, kept].astype(np.int64), cosine[kept]


def _blocks(file: ImageFile, rows: int) -> Iterator[tuple[int, Vectors]]:
    """Yield (first row, vectors); rows that are not ok are zeros."""
    first = 0
    for block in file.blocks(rows):
        yield first, block
        first += len(block)


def _named(every: Sequence[_RowPairs]) -> list[DuplicatePair]:
    """Return the pairs with their paths, the most similar first."""
    paths: dict[str, list[bytes]] = {}
    pairs: list[tuple[float, int, int, int, Any]] = []
    for number, found in enumerate(every):
        for one in found.sets:
            if len(found.cosine) and one.name not in paths:
                paths[one.name] = one.file.paths()
        columns = (found.cosine.tolist(), found.first.tolist(), found.second.tolist())
        pairs += [
            (-cosine, number, first, second, found.sets)
            for cosine, first, second in zip(*columns, strict=True)
        ]
    pairs.sort(key=lambda pair: pair[:4])
    return [
        DuplicatePair(
            -cosine,
            (sets[0].name, paths[sets[0].name][first]),
            (sets[1].name, paths[sets[1].name][second]),
        )
        for cosine, _, first, second, sets in pairs
    ]

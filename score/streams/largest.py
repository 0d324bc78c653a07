"""The k-th largest cosine of each image with others, exact to float64."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from oodcache.score.formulas.cosines import Places, Scores, product
from oodcache.score.formulas.tile import Vectors

# Others compared at a time: memory does not grow with a queue as long as the stream.
BLOCK = 4096
# Columns that share a maximum in the search for the k-th largest product.
SHARING = 8
# Numbers gathered in float64 at a time: they stay in the cache.
GATHERED = 2**16
Hidden = Iterable[tuple[slice, Places]]


def kth_largest(images: Vectors, others: Vectors, k: Places, hidden: Hidden = ()) -> Scores:
    """Return the k-th largest cosine of each of N images with `others` (M, D), in float64.

    `k` is (N,). `hidden` has (images, others) that are not compared; at least k others are left.
    A float32 product of unit vectors is off by less than `doubt`. Those within twice of it of the
    k-th are computed again in float64, so the result does not depend on how products round.
    """
    doubt = 1.01 * images.shape[1] * 2.0**-24
    at, columns, values = _candidates(images, others, int(k.max(initial=1)), hidden, 2 * doubt)
    kth = _kth(at, values, k)
    above = np.bincount(at[values > kth[at] + 2 * doubt], minlength=len(images))
    near = np.abs(values - kth[at]) <= 2 * doubt
    exact = _dots(images, others, at[near], columns[near])
    return _kth(at[near], exact, k - above)


def _candidates(
    images: Vectors, others: Vectors, k: int, hidden: Hidden, margin: float
) -> tuple[Places, Places, Scores]:
    """Return (images, others, products) from `margin` below the k-th largest, and some lower."""
    found = []
    largest = np.full((len(images), k), -np.inf, np.float32)
    for start in range(0, len(others), BLOCK):
        products = product(images, others[start : start + BLOCK].T)
        for rows, columns in hidden:
            first, last = np.searchsorted(columns, (start, start + BLOCK))
            products[rows, columns[first:last] - start] = -np.inf
        sharing = SHARING if products.shape[1] >= 2 * k * SHARING else 1
        shared = _maxima(products, sharing)
        # Each is of other products, so k of them are no larger than the k-th product so far.
        largest = np.partition(np.concatenate([largest, shared], axis=1), -k, axis=1)[:, -k:]
        at, columns = _reaching(products, shared, sharing, largest[:, 0] - np.float32(margin))
        found.append((at, columns + start, products[at, columns].astype(np.float64)))
    at, columns, values = (np.concatenate(one) for one in zip(*found, strict=True))
    return at, columns, values


def _maxima(products: Vectors, sharing: int) -> Vectors:
    """Return the maxima of groups of `sharing` columns, and then the columns that fill no group.

    With G groups, group g has the columns g, g + G, g + 2G and so on.
    """
    groups = products.shape[1] // sharing
    rest = groups * sharing
    shared = products[:, :rest].reshape(len(products), sharing, groups).max(axis=1)
    return np.concatenate([shared, products[:, rest:]], axis=1)


def _reaching(
    products: Vectors, shared: Vectors, sharing: int, floor: Vectors
) -> tuple[Places, Places]:
    """Return (rows, columns) of products no smaller than their row's floor, of such maxima."""
    rows, group = np.nonzero(shared >= floor[:, None])
    groups, turn = products.shape[1] // sharing, np.arange(sharing)
    # A column that fills no group: the formula finds it at the last turn.
    columns = group[:, None] + groups * turn
    there = (group < groups)[:, None] | (turn == sharing - 1)
    columns = np.where(there, columns, 0)
    there &= products[rows[:, None], columns] >= floor[rows, None]
    one, place = np.nonzero(there)
    return rows[one], columns[one, place]


def _kth(rows: Places, values: Scores, k: Places) -> Scores:
    """Return each row's k-th largest value; each has at least its k."""
    order = np.lexsort((-values, rows))
    counts = np.bincount(rows, minlength=len(k))
    found: Scores = values[order[np.cumsum(counts) - counts + k - 1]]
    return found


def _dots(images: Vectors, others: Vectors, rows: Places, columns: Places) -> Scores:
    """Return the products of pairs in float64, some of them at a time."""
    found = np.empty(len(rows))
    step = max(1, GATHERED // images.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        left = images[rows[part]].astype(np.float64)
        found[part] = np.einsum("ij,ij->i", left, others[columns[part]].astype(np.float64))
    return found

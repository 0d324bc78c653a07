"""The k-th largest cosine of each image with others, exact to float64."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from oodcache.score.formulas.cosines import Places, Scores, product
from oodcache.score.formulas.tile import Vectors

# Columns that share a maximum in the search for the k-th largest product.
SHARING = 16
# Numbers gathered in float64 at a time.
GATHERED = 2**20
Hidden = Iterable[tuple[slice, Places]]


def kth_largest(images: Vectors, others: Vectors, k: Places, hidden: Hidden = ()) -> Scores:
    """Return the k-th largest cosine of each of N images with `others` (M, D), in float64.

    `k` is (N,). `hidden` has (images, others) that are not compared; at least k others are left.
    A float32 product of unit vectors is off by less than `doubt`. Those within twice of it of the
    k-th are computed again in float64, so the result does not depend on how products round.
    """
    products = product(images, others.T)
    for rows, columns in hidden:
        products[rows, columns] = -np.inf
    doubt = 1.01 * images.shape[1] * 2.0**-24
    at, columns = _candidates(products, int(k.max(initial=1)), 2 * doubt)
    values = products[at, columns].astype(np.float64)
    kth = _kth(at, values, k)
    above = np.bincount(at[values > kth[at] + 2 * doubt], minlength=len(images))
    near = np.abs(values - kth[at]) <= 2 * doubt
    exact = _dots(images, others, at[near], columns[near])
    return _kth(at[near], exact, k - above)


def _candidates(products: Vectors, k: int, margin: float) -> tuple[Places, Places]:
    """Return (rows, columns) of products from `margin` below the k-th largest; others may be in.

    Only groups of columns with a maximum that large are looked at.
    """
    count = products.shape[1]
    sharing = SHARING if count >= 2 * k * SHARING else 1
    groups = count // sharing
    rest = groups * sharing
    shared = products[:, :rest].reshape(len(products), sharing, groups).max(axis=1)
    shared = np.concatenate([shared, products[:, rest:]], axis=1)
    # As many products as there are such maxima, so the k-th largest product is no smaller.
    floor = np.partition(shared, shared.shape[1] - k, axis=1)[:, -k] - margin
    rows, group = np.nonzero(shared >= floor[:, None])
    turn = np.arange(sharing)
    columns = group[:, None] + groups * turn
    # A column of the rest is alone in its group; the formula finds it at the last turn.
    there = (group < groups)[:, None] | (turn == sharing - 1)
    one, place = np.nonzero(there & (products[rows[:, None], columns] >= floor[rows, None]))
    return rows[one], columns[one, place]


def _kth(rows: Places, values: Scores, k: Places) -> Scores:
    """Return each row's k-th largest value; `rows` rise, and each has at least its k."""
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

"""The scores of an image's nearest training images: `knn` and `nnguide`.

Neighbours are exact: every image is compared with every one of the bank, in blocks. The products
that find them are float32; what they are worth is computed again in float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.score.formulas.bank import Bank, Integers
from oodcache.score.formulas.cosines import Floats, Scores, product
from oodcache.score.formulas.definition import TEMPERATURE, Parameter, Score
from oodcache.score.formulas.tile import Tile, Vectors

# Images of the bank that a tile is compared with at a time: their products stay in the cache.
BLOCK = 4096
FIRST = 256
# Neighbours looked at on either side of the k-th, in float64: rounding may have exchanged them.
SPARE = 8
# Numbers gathered in float64 at a time.
GATHERED = 2**20
# Below the key of any product.
LOWEST = np.iinfo(np.int64).min
PLACE = 2**32 - 1


class Neighbours:
    """The images of a bank nearest to those of a tile, or with the largest weighted cosines.

    `wanted` is how many anybody asked for: scores of several k share one search of a tile.
    """

    def __init__(self, bank: Bank, weights: Scores | None = None) -> None:
        self.vectors, self.weights = bank.vectors, weights
        self.wanted = 0
        self._single = None if weights is None else weights.astype(np.float32)

    def want(self, count: int) -> None:
        """Look for at least `count` from now on, or for all where that is more."""
        self.wanted = max(self.wanted, min(count, len(self.vectors)))

    def nearest(self, tile: Tile) -> Integers:
        """Return which are nearest to each image, the nearest first: (N, wanted).

        Of those whose float32 products tie, the first of the bank come first.
        """
        key = self, self.wanted
        if key not in tile.kept:
            tile.kept[key] = _search(tile.vectors, self.vectors, self._single, self.wanted)
        places: Integers = tile.kept[key]
        return places

    def distance(self, tile: Tile, k: int) -> Scores:
        """Return the distance to the k-th nearest, in float64."""
        first = max(0, k - 1 - SPARE)
        places = self.nearest(tile)[:, first : k + SPARE]
        squares = np.empty(places.shape)
        for part, vectors in self._gathered(places):
            vectors -= tile.precise[part, None]
            squares[part] = np.einsum("ijk,ijk->ij", vectors, vectors)
        at = k - 1 - first
        distance: Scores = np.sqrt(np.partition(squares, at, axis=1)[:, at])
        return distance

    def mean(self, tile: Tile, k: int) -> Scores:
        """Return the mean of the k largest weighted cosines, in float64."""
        assert self.weights is not None
        places = self.nearest(tile)[:, :k]
        found = np.empty(len(places))
        for part, vectors in self._gathered(places):
            cosine = (vectors @ tile.precise[part, :, None])[..., 0]
            found[part] = np.einsum("ij,ij->i", cosine, self.weights[places[part]]) / k
        return found

    def _gathered(self, places: Integers) -> Iterator[tuple[slice, Scores]]:
        """Yield the images that stand at `places`, float64 (n, k, D), some rows at a time."""
        step = max(1, GATHERED // (places.shape[1] * self.vectors.shape[1]))
        for start in range(0, len(places), step):
            part = slice(start, start + step)
            yield part, self.vectors[places[part]].astype(np.float64)


def _search(images: Vectors, bank: Vectors, weights: Vectors | None, count: int) -> Integers:
    """Return the places of the `count` largest products of each image, the largest first."""
    kept = np.empty((len(images), 0), np.int64)
    floor = np.full(len(images), -np.inf, np.float32)
    for part in _blocks(len(bank)):
        products = product(images, bank[part].T)
        if weights is not None:
            products *= weights[part]
        kept = np.concatenate([kept, _above(products, floor, part.start)], axis=1)
        if (spare := kept.shape[1] - count) > 0:
            kept = np.partition(kept, spare, axis=1)[:, spare:]
        if kept.shape[1] == count:
            floor = _values(kept.min(axis=1))
    kept.sort(axis=1)
    return PLACE - (kept[:, ::-1] & PLACE)


def _blocks(rows: int) -> Iterator[slice]:
    """Yield which rows are compared together, few at first.

    A block twice as large as the last has about as many products above the least of those kept.
    """
    start, size = 0, FIRST
    while start < rows:
        yield slice(start, min(start + size, rows))
        start, size = start + size, min(2 * size, BLOCK)


def _above(products: Floats, floor: Floats, first: int) -> Integers:
    """Return keys of the products above each row's floor, rows filled up with the lowest key.

    A key holds a product in its upper half and the place of its image in the lower: keys rise with
    products, and of equal ones the first has the largest. No two are equal, so which are the
    largest does not depend on how they are looked for.
    """
    rows, columns = np.nonzero(products > floor[:, None])
    counts = np.bincount(rows, minlength=len(products))
    starts = np.cumsum(counts) - counts
    keys = np.full((len(products), counts.max(initial=0)), LOWEST)
    high = _ordered(products[rows, columns].view(np.int32)).astype(np.int64) << 32
    keys[rows, np.arange(len(rows)) - starts[rows]] = high | (PLACE - first - columns)
    return keys


def _ordered(bits: Any) -> Any:
    """Return integers that rise as the floats of which these are the bits; and the other way."""
    # All but the sign of a negative float rise as it falls.
    return np.where(bits < 0, bits ^ 0x7FFFFFFF, bits).astype(np.int32)


def _values(keys: Integers) -> Floats:
    """Return the products that keys hold."""
    values: Floats = _ordered((keys >> 32).astype(np.int32)).view(np.float32)
    return values


def fit_knn(bank: Bank, *, k: float) -> Neighbours:
    """Return the bank's images, to be searched; raises InputError if they are fewer than k."""
    found = bank.computed(Neighbours)
    found.want(_checked(bank, "knn", k) + SPARE)
    return found


def rank_knn(tile: Tile, fitted: Neighbours, *, k: float) -> Scores:
    """Return minus the distance to the k-th nearest image of the bank.

    It is the norm of a difference, not the root of 2 - 2c, which keeps half the digits near 0.
    """
    return -fitted.distance(tile, int(k))


def fit_nnguide(bank: Bank, *, k: float, temperature: float) -> Neighbours:
    """Return the bank's images, weighted by their energies.

    Raises InputError if they are fewer than k, or the energy of one is not above 0.
    """
    count = _checked(bank, "nnguide", k)
    found = bank.computed(_guides, temperature)
    found.want(count)
    return found


def rank_nnguide(tile: Tile, fitted: Neighbours, *, k: float, temperature: float) -> Scores:
    """Return the energy times the mean of the k largest of cosine · energy of the bank's image.

    Both energies are times the temperature where that is below 1: no logit overflows.
    """
    own = _energy(tile.rows.energy(temperature), tile.rows.classes, temperature)
    return own * fitted.mean(tile, int(k))


def shown_nnguide(ranked: Scores, classes: int, *, k: float, temperature: float) -> Scores:
    """Return energy · mean(cosine · energy), the energies of logits, from the ranking form."""
    unit = min(temperature, 1.0)
    return ranked / unit / unit


def _guides(bank: Bank, temperature: float) -> Neighbours:
    energy = _energy(bank.readout(temperature).energy, len(bank.classes), temperature)
    if (least := energy.min()) <= 0:
        raise InputError(
            f"bank {bank.name}: image {int(energy.argmin())} has the energy "
            f"{least / min(temperature, 1.0):.4g}, which must be above 0 to weigh it by nnguide: "
            "give another bank, or another score"
        )
    return Neighbours(bank, energy)


def _energy(above_uniform: Scores, classes: int, temperature: float) -> Scores:
    """Return logsumexp(c / τ) · min(τ, 1), from τ · log mean exp(c / τ)."""
    unit: Scores = above_uniform / max(temperature, 1.0)
    return unit + min(temperature, 1.0) * math.log(classes)


def _checked(bank: Bank, score: str, k: float) -> int:
    if k > len(bank.vectors):
        count = len(bank.vectors)
        raise InputError(
            f"{score}: k = {int(k):,}, but bank {bank.name} has {count:,} images: give "
            f"{score}:k={count} or fewer"
        )
    return int(k)


NEIGHBOUR_SCORES: dict[str, Score] = {
    "knn": Score(
        rank=rank_knn,
        fit=fit_knn,
        formula="-|z - x|, x the k-th nearest image of the bank",
        ranks_by="itself",
        source="Sun et al., ICML 2022",
        use="needs no labels and no classes; assumes nothing of the bank's shape",
        limits="costs a product with the whole bank; an image of the bank is its own nearest",
        parameters={"k": Parameter(50.0, least=1, whole=True)},
        needs="bank",
    ),
    "nnguide": Score(
        rank=rank_nnguide,
        fit=fit_nnguide,
        shown=shown_nnguide,
        formula="E(z) * mean of the k largest of z'x*E(x) over the bank, "
        "E = logsumexp_k(c/temperature)",
        ranks_by="that, times the square of a temperature below 1",
        source="Park et al., ICCV 2023, whose code has k = 10; 100 is OpenOOD's",
        use="an energy that far from all training images counts for less",
        limits="costs a product with the whole bank; the energies of the bank must be above 0; "
        "nearly flat for a large temperature",
        parameters={"k": Parameter(100.0, least=1, whole=True), "temperature": TEMPERATURE},
        needs="bank",
    ),
}

"""Scores of an image's nearest training images: `knn` and `nnguide`.

Neighbours are exact: every image is compared with every image of the bank, in blocks. The search
uses float32 products; the distances to its results are computed in float64.
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

# Images of the bank compared with a tile at a time: their products stay in the processor's cache.
BLOCK = 4096
FIRST = 256
# Neighbours on either side of the k-th recomputed in float64: rounding may have swapped them.
SPARE = 8
# Numbers gathered in float64 at a time.
GATHERED = 2**20
# Smaller than the key of any product.
LOWEST = np.iinfo(np.int64).min
PLACE = 2**32 - 1


class Neighbours:
    """The images of a bank nearest to those of a tile, or with the largest weighted cosines.

    `wanted` is the largest number requested: scores with several k share one search per tile.
    """

    def __init__(self, bank: Bank, weights: Scores | None = None) -> None:
        self.vectors, self.weights = bank.vectors, weights
        self.wanted = 0
        self._single = None if weights is None else weights.astype(np.float32)

    def want(self, count: int) -> None:
        """Search for at least `count` neighbours from now on, or all if there are fewer."""
        self.wanted = max(self.wanted, min(count, len(self.vectors)))

    def nearest(self, tile: Tile) -> Integers:
        """Return the neighbours of each image, the nearest first: (N, wanted).

        If float32 products tie, the first in the bank comes first.
        """
        key = self, self.wanted
        if key not in tile.kept:
            tile.kept[key] = _search(tile.vectors, self.vectors, self._single, self.wanted)
        places: Integers = tile.kept[key]
        return places

    def distance(self, tile: Tile, k: int) -> Scores:
        """Return the distance to the k-th nearest image, in float64."""
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
        """Yield (slice, images at `places`), float64 (n, k, D), some rows at a time."""
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
    """Yield slices of rows to compare together, small at first.

    Doubling the block keeps the number of products above the smallest kept one about constant.
    """
    start, size = 0, FIRST
    while start < rows:
        yield slice(start, min(start + size, rows))
        start, size = start + size, min(2 * size, BLOCK)


def _above(products: Floats, floor: Floats, first: int) -> Integers:
    """Return keys of the products above each row's floor, padded with the lowest key.

    A key has the product in its upper half and the image's place in the lower: keys rise with
    products, and of equal products the first image has the largest key. Keys are distinct, so the
    result does not depend on the order of the search.
    """
    rows, columns = np.nonzero(products > floor[:, None])
    counts = np.bincount(rows, minlength=len(products))
    starts = np.cumsum(counts) - counts
    keys = np.full((len(products), counts.max(initial=0)), LOWEST)
    high = _ordered(products[rows, columns].view(np.int32)).astype(np.int64) << 32
    keys[rows, np.arange(len(rows)) - starts[rows]] = high | (PLACE - first - columns)
    return keys


def _ordered(bits: Any) -> Any:
    """Return integers in the order of the floats with these bits; it is its own inverse."""
    # Without the sign, the bits of a negative float rise as it falls.
    return np.where(bits < 0, bits ^ 0x7FFFFFFF, bits).astype(np.int32)


def _values(keys: Integers) -> Floats:
    """Return the products stored in keys."""
    values: Floats = _ordered((keys >> 32).astype(np.int32)).view(np.float32)
    return values


def fit_knn(bank: Bank, *, k: float) -> Neighbours:
    """Return the bank ready for search; raise InputError if it has fewer than k images."""
    found = bank.computed(Neighbours)
    found.want(_checked(bank, "knn", k) + SPARE)
    return found


def rank_knn(tile: Tile, fitted: Neighbours, *, k: float) -> Scores:
    """Return minus the distance to the k-th nearest image of the bank.

    It is the norm of a difference: near 0, the root of 2 - 2c keeps only half the digits.
    """
    return -fitted.distance(tile, int(k))


def fit_nnguide(bank: Bank, *, k: float, temperature: float) -> Neighbours:
    """Return the bank's images, weighted by their energies.

    Raises InputError if there are fewer than k, or an energy is not positive.
    """
    count = _checked(bank, "nnguide", k)
    found = bank.computed(_guides, temperature)
    found.want(count)
    return found


def rank_nnguide(tile: Tile, fitted: Neighbours, *, k: float, temperature: float) -> Scores:
    """Return the energy times the mean of the k largest cosine · energy over the bank.

    Below temperature 1 both energies are multiplied by it, so that no logit overflows.
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
            f"bank {bank.name}: image {int(energy.argmin())} has energy "
            f"{least / min(temperature, 1.0):.4g}, but nnguide needs positive energies; use "
            "another bank, or another score"
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
            f"{score}: k = {int(k):,}, but bank {bank.name} has {count:,} images; use "
            f"--score {score}:k={count} or fewer"
        )
    return int(k)


NEIGHBOUR_SCORES: dict[str, Score] = {
    "knn": Score(
        rank=rank_knn,
        fit=fit_knn,
        formula="-|z - x|, x the k-th nearest image of the bank",
        ranks_by="itself",
        source="Sun et al., ICML 2022",
        use="needs no labels and no classes; makes no assumption about the bank's distribution",
        limits="costs a product with the whole bank; an image of the bank is its own neighbour",
        parameters={"k": Parameter(50.0, least=1, whole=True)},
        needs="bank",
        ignores_classes=True,
    ),
    "nnguide": Score(
        rank=rank_nnguide,
        fit=fit_nnguide,
        shown=shown_nnguide,
        formula="E(z) * mean of the k largest of z'x*E(x) over the bank, "
        "E = logsumexp_k(c/temperature)",
        ranks_by="that, times the square of a temperature below 1",
        source="Park et al., ICCV 2023, whose code has k = 10; 100 is OpenOOD's",
        use="an energy that counts less far from all training images",
        limits="costs a product with the whole bank; the bank's energies must be positive; nearly "
        "constant for a large temperature",
        parameters={"k": Parameter(100.0, least=1, whole=True), "temperature": TEMPERATURE},
        needs="bank",
    ),
}

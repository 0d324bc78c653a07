"""A corpus of words, and how strongly images activate each of them.

The words are multiplied in slices of `SLICE`, several at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.score.formulas.class_scores import log_sigmoid_sums, softplus
from oodcache.score.formulas.cosines import Floats, Places, Scores, product
from oodcache.score.formulas.tile import Tile, Vectors
from oodcache.score.streams.activated.slices import over_slices, slices

Chosen = npt.NDArray[np.bool_]
# Words whose activations are computed at a time: those of a batch stay in the cache.
SLICE = 512
# Terms of more words are float32: one below 1e-38 of the largest of its slice is 0.
MOST_PRECISE = 8192
# σ of a larger logit is 1 in float64.
HIGHEST = 40.0


@dataclass(frozen=True)
class Activations:
    """How strongly each of N images activates each of C words.

    They are the `terms` (N, C) times the `factors` of each image and slice of words, float64
    (N, S): the largest term of a slice is 1. Up to `MOST_PRECISE` words terms are float64.
    """

    terms: Floats
    factors: Scores

    def means(self, sides: Chosen) -> Scores:
        """Return the mean activations (G, C) over the images of each side of `sides`, (G, N)."""
        found = np.zeros((len(sides), self.terms.shape[1]))
        shares = sides / np.maximum(sides.sum(axis=1, keepdims=True), 1)

        def fill(some: slice) -> None:
            weights = shares * self.factors[:, some.start // SLICE]
            # Relative to the largest: a factor may be below the least float32.
            top = max(weights.max(initial=0), np.finfo(float).tiny)
            narrow = (weights / top).astype(self.terms.dtype)
            np.multiply(product(narrow, self.terms[:, some]), top, out=found[:, some])

        over_slices(fill, slices(found.shape[1], SLICE))
        return found


@dataclass(frozen=True)
class Corpus:
    """The `words` (C, D), unit vectors, with the `scale` of logits.

    The term of a text is exp(s·c), and an image's activations are the words' shares of the sum of
    the terms of classes and words. With a `bias` the term is σ(s·c + b), and so is the activation.
    """

    words: Vectors
    scale: float
    bias: float | None = None

    def log_inside(self, tile: Tile) -> Scores:
        """Return the logarithm of the sum of the classes' terms, (N,)."""
        with np.errstate(over="ignore", under="ignore", divide="ignore"):
            if self.bias is not None:
                return log_sigmoid_sums(tile.rows, self.scale, self.bias)[0]
            found: Scores = self.scale * tile.rows.top
            return found + softplus(-tile.rows.log_odds(1 / self.scale))

    def log_terms(self, images: Vectors, words: Vectors) -> Scores:
        """Return the logarithm of the term of each of `words` (M, D) for each image, (N, M)."""
        logits = np.multiply(product(images, words.T), self.scale, dtype=np.float64)
        return logits if self.bias is None else -softplus(-logits - self.bias)

    def activations(self, images: Vectors, log_inside: Scores) -> Activations:
        """Return the activations by N images, of which the classes have these sums (N,)."""
        parts = slices(len(self.words), SLICE)
        terms = np.empty((len(images), len(self.words)), kind(len(self.words)))
        tops, sums = (np.empty((len(images), len(parts))) for _ in range(2))

        def fill(some: slice) -> None:
            own, place = terms[:, some], some.start // SLICE
            is_precise = own.dtype == np.float64
            cosine = product(images, self.words[some].T, out=None if is_precise else own)
            tops[:, place] = self._relative(cosine, own)
            sums[:, place] = product(own, np.ones(own.shape[1], own.dtype))

        over_slices(fill, parts)
        if self.bias is not None:
            return Activations(terms, np.exp(-softplus(-tops)))
        with np.errstate(under="ignore"):
            return Activations(terms, np.exp(tops - _log_sum(log_inside, tops + np.log(sums))))

    def _relative(self, cosine: Floats, out: Floats) -> Scores:
        """Write the terms of cosines, divided by the largest, to `out`; return its logit, (N,)."""
        largest = cosine.max(axis=1, keepdims=True)
        np.subtract(cosine, largest, out=out)
        out *= out.dtype.type(min(self.scale, float(np.finfo(out.dtype).max)))
        tops: Scores = self.scale * largest[:, 0].astype(np.float64)
        if self.bias is None:
            np.exp(out, out=out)
            return tops
        tops += self.bias
        # σ of a large logit is 1: relative to a smaller one no exponential overflows.
        beyond = np.maximum(tops - HIGHEST, 0)
        out += beyond.astype(out.dtype)[:, None]
        np.exp(np.minimum(out, 0, out=out), out=out)
        tops -= beyond
        # σ(x)/σ(m) = y·(1 + e^m)/(1 + y·e^m) with y = e^(x - m): σ itself may underflow.
        odds = np.exp(tops).astype(out.dtype)[:, None]
        out *= (1 + odds) / (1 + out * odds)
        return tops


def kind(words: int) -> type[np.floating[Any]]:
    """Return the type of the terms of so many words."""
    return np.float64 if words <= MOST_PRECISE else np.float32


def activated(activation: Scores, number: int) -> Places:
    """Return the places of the `number` words of the largest activation, or all, from the largest.

    Of equal ones the earlier come first.
    """
    places = np.arange(len(activation))
    if number < len(activation):
        least = np.partition(activation, len(activation) - number)[len(activation) - number]
        above = np.flatnonzero(activation > least)
        equal = np.flatnonzero(activation == least)[: number - len(above)]
        places = np.sort(np.concatenate([above, equal]))
    order = np.argsort(-activation[places], kind="stable")
    found: Places = places[order]
    return found


def _log_sum(log_inside: Scores, logarithms: Scores) -> Scores:
    """Return the logarithm of each row's sum, the classes' sum added, (N, 1)."""
    every = np.concatenate([log_inside[:, None], logarithms], axis=1)
    top = every.max(axis=1, keepdims=True)
    total: Scores = top + np.log(np.exp(every - top).sum(axis=1, keepdims=True))
    return total

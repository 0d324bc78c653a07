"""CLIPScope: a confident image counts less, the more images before it were taken for its class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oodcache.score.formulas.class_scores import log_sigmoid_sums, softplus
from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.definition import (
    BIAS,
    MINED,
    TEMPERATURE,
    Parameter,
    Score,
    unranked,
)
from oodcache.score.formulas.negative_scores import relative
from oodcache.score.formulas.negative_sums import Asked, NegativeSums
from oodcache.score.formulas.tile import Tile
from oodcache.score.kernel.label_sums import Exponential, Sigmoid
from oodcache.score.streams.context import StreamContext
from oodcache.score.streams.method import Arrived, Held

# As many words of each end as in the released code.
RELEASED = 5000.0
# Images of one step. Each is scored by those before it, however many a step has.
AT_ONCE = 2**14
SOFTMAX, SIGMOID = "softmax", "sigmoid"


@dataclass(frozen=True)
class Clipscope:
    """The score p_k · P / f_k of one image after the other. Fu et al., 2024.

    p_k is the largest probability over `classes` classes, k the nearest; P the classes' share of
    the sum over classes and words; f_k the share of images before this one whose nearest class is
    k. The sum over the words is `sums`', asked for by `key`. Terms are exp(c/τ), or with a `bias`
    σ(c/τ + b).
    """

    classes: int
    sums: NegativeSums
    key: str
    temperature: float
    bias: float | None = None
    batch: int = 1

    @property
    def at_once(self) -> int:
        """Return how many images a step may take."""
        return AT_ONCE

    def ahead(self, tile: Tile) -> Scores:
        """Return log p_k·P, the nearest class's share of all terms, and k, float64 (2, N)."""
        with np.errstate(over="ignore", under="ignore", divide="ignore"):
            return np.stack([self._log_share(tile), tile.rows.best])

    def _log_share(self, tile: Tile) -> Scores:
        rows, words = tile.rows, self.sums.of(tile)[self.key][0]
        if self.bias is None:
            others = relative(words, tile, self.temperature)
            return -softplus(np.logaddexp(-rows.log_odds(self.temperature), others))
        scale = 1 / self.temperature
        inside, _ = log_sigmoid_sums(rows, scale, self.bias)
        nearest = -softplus(-(scale * rows.top + self.bias))
        share: Scores = nearest - np.logaddexp(inside, words)
        return share

    def start(self) -> PredictionCounts:
        """Return a new memory, which counts one image for each class."""
        return PredictionCounts(self.classes)


class PredictionCounts:
    """The memory of one replay of `Clipscope`: how many images each class was predicted for."""

    def __init__(self, classes: int) -> None:
        self._counts = np.ones(classes, np.intp)

    def step(self, arrived: Arrived) -> Scores:
        """Return the logarithms of the scores, (N,), each by the images before it."""
        log_share: Scores
        log_share, nearest = arrived.ahead
        k = nearest.astype(np.intp)
        predicted = self._counts[k] + before(k)
        every = self._counts.sum() + np.arange(len(k))
        self._counts += np.bincount(k, minlength=len(self._counts))
        scores: Scores = log_share - np.log(predicted / every)
        return scores

    def held(self) -> Held:
        """Return nothing: it holds counts, and no image."""
        return Held()


def before(values: Places) -> Places:
    """Return how many of the values before each one equal it, (N,).

    >>> before(np.array([4, 7, 4, 4, 7]))
    array([0, 0, 1, 2, 1])
    """
    order = np.argsort(values, kind="stable")
    ordered, places = values[order], np.arange(len(values))
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    sizes = np.diff(starts, append=len(values))
    found = np.empty_like(order)
    found[order] = places - starts.repeat(sizes)
    return found


def _clipscope(
    context: StreamContext,
    *,
    near: float,
    far: float,
    form: float,
    temperature: float,
    bias: float,
) -> Clipscope:
    """Return the method over both ends of the words.

    Raises InputError, with what to type, if the negatives have no near end or fewer words.
    """
    sums = context.negatives
    assert sums is not None
    places = sums.choose_ends(near=int(near) or None, far=int(far) or None)
    term = Sigmoid(1 / temperature, bias) if form else Exponential(temperature)
    key = f"clipscope {near} {far} {term}"
    sums.ask(key, Asked(term, places, np.zeros_like(places), 1))
    return Clipscope(len(context.classes), sums, key, temperature, bias if form else None)


def _shown(ranked: Scores, classes: int, **parameters: float) -> Scores:
    return np.exp(ranked)


CLIPSCOPE_SCORES = {
    "clipscope": Score(
        rank=unranked,
        stream=_clipscope,
        shown=_shown,
        formula="p_k*P/f_k, p = softmax(c/temperature) with k its largest, P the classes' share of "
        "the sum of exp(c/temperature) over classes and words, f_k the share of images before "
        "whose nearest class is k (each class starts with one)",
        ranks_by="its logarithm",
        source="Fu et al., 2024, arXiv 2405.14737",
        use="words near the classes and far from them, and a stream of many classes",
        limits="depends on the order of the images; an ID class that is frequent in the stream "
        "scores low; with form=softmax ignores the bias",
        parameters={
            "near": Parameter(RELEASED, least=1, whole=True, words={MINED: 0.0}),
            "far": Parameter(RELEASED, least=1, whole=True, words={MINED: 0.0}),
            "form": Parameter(SOFTMAX, least=None, words={SOFTMAX: 0.0, SIGMOID: 1.0}),
            "temperature": TEMPERATURE,
            "bias": BIAS,
        },
        needs="negatives",
        ends=True,
    )
}

"""TANL: its negatives are the words that the stream's OOD images activate more than its ID ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oodcache.score.formulas.class_scores import softplus
from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.definition import (
    BIAS,
    DATASET,
    MINED,
    TEMPERATURE,
    VOCABULARY,
    Parameter,
    Score,
    unranked,
)
from oodcache.score.formulas.tile import TILE, Tile, Vectors
from oodcache.score.streams.activated.corpus import Activations, Chosen, Corpus, activated
from oodcache.score.streams.activated.row_queue import RowQueue
from oodcache.score.streams.activated.score_memory import ScoreMemory
from oodcache.score.streams.activated.slices import over_slices, slices
from oodcache.score.streams.context import StreamContext
from oodcache.score.streams.method import Arrived, Held

# Instead of a dataset of noise images: those of the lowest scores of the first batch.
STREAM = "stream"
NOISE_IMAGES = 15
NOISE = "noise15"
SOFTMAX, SIGMOID = "softmax", "sigmoid"
# Images whose terms are summed at a time.
ROWS = 64


@dataclass(frozen=True)
class Tanl:
    """Test-time activated negative labels. CVPR 2026.

    An activation is how strongly OOD images activate a word of the corpus, on average, minus how
    strongly ID images do. The negatives of a batch are the `number` words of the largest. Images
    are confident if their provisional scores are `gap` of the way from the threshold to 1, or to
    0; the latest `queue` of either side are remembered. With `noise` None the images of the lowest
    scores of the first batch begin the OOD queue. `told` is which words the corpus has.
    """

    classes: Vectors
    corpus: Corpus
    noise: Vectors | None
    number: int
    queue: int
    gap: float
    alpha: float
    weighting: int
    batch: int
    told: str = ""

    def ahead(self, tile: Tile) -> Scores:
        """Return the logarithm of the sum of the classes' terms, (1, N)."""
        return self.corpus.log_inside(tile)[None]

    def start(self) -> TanlMemory:
        """Return a new memory: class texts in the ID queue, noise images in the OOD queue."""
        return TanlMemory(self)

    def note(self, ahead: Scores, scores: Scores) -> str:
        """Return which words the corpus has, "" if its name says so."""
        return self.told

    @cached_property
    def ends(self) -> Places:
        """Return up to which of the negatives, by falling activation, each ratio sums.

        Past the end of a short corpus the last one repeats.
        """
        step = self.weighting or self.number
        there = min(self.number, len(self.corpus.words))
        return np.minimum(np.arange(0, self.number, step) + step, there) - 1

    def log_odds(self, images: Vectors, log_inside: Scores, activation: Scores) -> Scores:
        """Return the scores of N images with the negatives of this activation (C,), as log-odds."""
        words = self.corpus.words[activated(activation, self.number)]

        def of_rows(rows: slice) -> Scores:
            return ratio_log_odds(
                log_inside[rows], self.corpus.log_terms(images[rows], words), self.ends
            )

        return np.concatenate(over_slices(of_rows, slices(len(images), ROWS)))

    def inside(self, vectors: Vectors) -> Scores:
        """Return `ahead` for vectors that are no images of the stream, (N,)."""
        columns = np.ascontiguousarray(self.classes.T)
        found = over_slices(
            lambda rows: self.corpus.log_inside(Tile(vectors[rows], self.classes, columns)),
            slices(len(vectors), TILE),
        )
        return np.concatenate(found)

    @cached_property
    def beginning(self) -> tuple[Vectors, Scores]:
        """Return class texts and noise images, and the logarithms of their sums."""
        texts = self.classes
        every = texts if self.noise is None else np.concatenate([texts, self.noise])
        return every, self.inside(every)


class TanlMemory:
    """The memory of one replay of `Tanl`."""

    def __init__(self, method: Tanl) -> None:
        self._method = method
        words = len(method.corpus.words)
        self._inside, self._outside = (RowQueue(method.queue, words) for _ in range(2))
        self._scores, self._threshold = ScoreMemory(), 0.0
        self._is_empty = True

    def step(self, arrived: Arrived) -> Scores:
        """Return the log-odds of a batch's scores, (N,), and remember its confident images."""
        if self._is_empty:
            self._begin(arrived)
        method, (sums,) = self._method, arrived.ahead
        odds = method.log_odds(arrived.vectors, sums, self._outside.mean - self._inside.mean)
        provisional = _probability(odds)
        self._scores.add(provisional)
        self._threshold = self._scores.threshold()
        sides = np.stack(confident(provisional, self._threshold, method.gap))
        rows = np.flatnonzero(sides.any(axis=0))
        if not len(rows):
            return odds
        sides = sides[:, rows]
        found = method.corpus.activations(arrived.vectors[rows], sums[rows])
        scores = method.log_odds(arrived.vectors, sums, self._with_batch(found, sides))
        for queue, which in zip((self._inside, self._outside), sides, strict=True):
            queue.enter(found, np.flatnonzero(which), arrived.positions[rows[which]])
        return scores

    def _with_batch(self, found: Activations, sides: Chosen) -> Scores:
        """Return the activation (C,) of the queues and a batch's confident images, by side."""
        alpha, means = self._method.alpha, []
        of_batch = found.means(sides)
        for queue, which, own in zip((self._inside, self._outside), sides, of_batch, strict=True):
            means.append(alpha * queue.mean + (1 - alpha) * own if which.any() else queue.mean)
        inside, outside = means
        activation: Scores = outside - inside
        return activation

    def _begin(self, arrived: Arrived) -> None:
        """Put class texts into the ID queue, noise into the other, and remember their scores."""
        self._is_empty = False
        method, (texts, sums) = self._method, self._method.beginning
        count = len(method.classes)
        # The last of them are held, and those leave first that came first.
        mixed = np.random.default_rng(0).permutation(count)[-method.queue :]
        _enter(method, self._inside, texts[mixed], sums[mixed])
        if method.noise is not None:
            _enter(method, self._outside, texts[count:], sums[count:])
        else:
            odds = method.log_odds(arrived.vectors, arrived.ahead[0], -self._inside.mean)
            low = np.argsort(odds, kind="stable")[:NOISE_IMAGES]
            of_low = arrived.positions[low]
            _enter(method, self._outside, arrived.vectors[low], arrived.ahead[0, low], of_low)
        activation = self._outside.mean - self._inside.mean
        self._scores.add(_probability(method.log_odds(texts, sums, activation)))

    def held(self) -> Held:
        """Return the positions of the images in both queues, and the threshold."""
        return Held(self._inside.held, self._outside.held, self._threshold)


def _enter(
    method: Tanl, queue: RowQueue, vectors: Vectors, sums: Scores, positions: Places | None = None
) -> None:
    """Let vectors into a queue, texts or noise unless they have positions in the stream."""
    found = method.corpus.activations(vectors, sums)
    nowhere = np.full(len(vectors), -1)
    queue.enter(found, np.arange(len(vectors)), nowhere if positions is None else positions)


def confident(scores: Scores, threshold: float, gap: float) -> tuple[Chosen, Chosen]:
    """Return which images are confidently ID, and which OOD, (N,) each."""
    return (
        scores > threshold + gap * (1 - threshold),
        scores < threshold - gap * threshold,
    )


def ratio_log_odds(log_inside: Scores, log_terms: Scores, ends: Places) -> Scores:
    """Return the log-odds of the mean over `ends` i of E/(E + F_i), (N,).

    F_i is the sum of the terms up to i, from their logarithms (N, M), and log E is (N,). With
    1 - E/(E + F) = F/(E + F) both means are of positive numbers, and keep their digits.
    """
    highest = log_terms.max(axis=1)
    top = np.maximum(log_inside, highest)
    terms = log_terms - highest[:, None]
    sums = np.cumsum(np.exp(terms, out=terms), axis=1)[:, ends]
    total = sums * np.exp(highest - top)[:, None] + np.exp(log_inside - top)[:, None]
    shares = 1 / np.maximum(total, np.finfo(float).tiny)
    above, below = shares.sum(axis=1), np.einsum("ij,ij->i", shares, sums)
    found: Scores = log_inside - highest + np.log(above) - np.log(below)
    return found


def _probability(odds: Scores) -> Scores:
    found: Scores = np.exp(-softplus(-odds))
    return found


def _tanl(
    context: StreamContext,
    *,
    corpus: str,
    noise: str,
    form: float,
    temperature: float,
    bias: float,
    **others: float,
) -> Tanl:
    """Return the method over the words and the noise images that the context has."""
    assert context.corpus is not None and (context.noise is not None or noise == STREAM)
    return Tanl(
        context.classes,
        Corpus(context.corpus, 1 / temperature, bias if form else None),
        None if noise == STREAM else context.noise,
        number=int(others["words"]),
        queue=int(others["queue"]),
        gap=others["gap"],
        alpha=others["alpha"],
        weighting=int(others["weighting"]),
        batch=int(others["batch"]),
        told=context.corpus_told,
    )


def _shown(ranked: Scores, classes: int, **others: object) -> Scores:
    return _probability(ranked)


TANL_SCORES = {
    "tanl": Score(
        rank=unranked,
        stream=_tanl,
        shown=_shown,
        formula="v = mean over i of E/(E + F_i), E the classes' sum of exp(c/temperature), F_i "
        "that of the i words that confident OOD images activate most, confident ID images least",
        ranks_by="log(v/(1 - v))",
        source="TANL, CVPR 2026, arXiv 2603.25250",
        use="negatives that the stream itself chooses from a whole word list",
        limits="depends on the order of the images; the threshold needs ID and OOD images in the "
        "stream; with form=softmax ignores the bias",
        parameters={
            "corpus": Parameter(MINED, least=None, names=VOCABULARY),
            "words": Parameter(1000.0, least=1, whole=True),
            "queue": Parameter(300.0, least=1, whole=True),
            "gap": Parameter(0.5, most=1, from_least=True),
            "alpha": Parameter(0.0, most=1, from_least=True),
            "weighting": Parameter(1.0, most=2, whole=True),
            "form": Parameter(SOFTMAX, least=None, words={SOFTMAX: 0.0, SIGMOID: 1.0}),
            "noise": Parameter(NOISE, least=None, names=DATASET),
            "batch": Parameter(256.0, least=1, whole=True),
            "temperature": TEMPERATURE,
            "bias": BIAS,
        },
        settings={"paper": {"gap": 0.2, "alpha": 0.95}},
    ),
}

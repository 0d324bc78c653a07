"""AdaNeg: confident images join the memory of their nearest label, and its proxy changes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from threading import local

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.score.formulas.class_scores import log_entropies, softplus
from oodcache.score.formulas.cosines import Places, Rows, Scores, product
from oodcache.score.formulas.definition import BIAS, TEMPERATURE, Parameter, Score, unranked
from oodcache.score.formulas.negative_scores import grouped
from oodcache.score.formulas.tile import Tile, Vectors, digests
from oodcache.score.kernel.definition import Dots
from oodcache.score.kernel.label_sums import Exponential, Sigmoid
from oodcache.score.streams.context import StreamContext
from oodcache.score.streams.method import Arrived, Held
from oodcache.score.streams.with_negatives.contest import Contest, LabelPart, Workers
from oodcache.score.streams.with_negatives.label_memory import (
    LabelMemory,
    Proxies,
    SampleProxies,
    TaskProxies,
)

TASK, SAMPLE = "task", "sample"
SOFTMAX, SIGMOID = "softmax", "sigmoid"
# Images whose entropies are computed at a time, and labels whose cosines are gathered for them.
FEW = 64


@dataclass(frozen=True)
class LabelTexts:
    """The `texts` (L, D) of K `classes`, then of the negatives by group, dropped ones last.

    `same` is each label's own number, or that of the first negative of an equal vector.
    """

    texts: Vectors
    classes: int
    sizes: tuple[int, ...]
    same: Places

    @classmethod
    def of(cls, classes: Vectors, negatives: Vectors, groups: int) -> LabelTexts:
        """Return the labels, with the negatives permuted into `groups` groups."""
        group = grouped(len(negatives), groups, seed=0, use_remainder=False)
        order = np.argsort(np.where(group < 0, groups, group), kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        _, first, which = np.unique(digests(negatives), return_index=True, return_inverse=True)
        same = place[first[which]][order] + len(classes)
        return cls(
            np.concatenate([classes, negatives[order]]),
            len(classes),
            tuple(np.bincount(group[group >= 0], minlength=groups).tolist()),
            np.concatenate([np.arange(len(classes)), same]),
        )

    @property
    def competing(self) -> int:
        """Return the number of labels without the dropped ones."""
        return self.classes + sum(self.sizes)


@dataclass(frozen=True)
class AdaNeg:
    """The score ada + `weight`·base. Zhang and Zhang, NeurIPS 2024.

    base is NegLabel's score by the texts, ada by their proxies. An image of a base above `upper` is
    offered to the memory of its nearest class, one below `lower` to that of its nearest negative.
    A memory holds the text and at most `held` images. Proxies are task-adaptive, or with a
    `sharpness` sample-adaptive.
    """

    labels: LabelTexts
    contest: Contest
    temperature: float
    lower: float
    upper: float
    held: int
    weight: float
    sharpness: float | None
    batch: int
    rooms: local = field(default_factory=local, compare=False, repr=False)

    def ahead(self, tile: Tile) -> Scores:
        """Return base as log-odds, the label an image is offered to and its log entropy, (3, N).

        The label is -1 for none; the entropy is of the softmax over the classes alone, or over the
        negatives alone.
        """
        cosine = self._room(len(tile.vectors))
        log_sums = []
        for part in self.contest.parts:
            self._multiply(tile, part.labels, cosine)
            log_sums.append(self.contest.log_sums(part, cosine[part.labels]))
        self._multiply(tile, slice(self.labels.competing, None), cosine)
        with np.errstate(over="ignore", under="ignore", divide="ignore"):
            return self._ahead(tile, cosine, self.contest.log_odds(log_sums))

    def _multiply(self, tile: Tile, labels: slice, room: Vectors) -> None:
        product(self.labels.texts[labels], tile.vectors.T, out=room[labels])

    def _room(self, count: int) -> Vectors:
        """Return this thread's room for cosines: the system would have to clear new memory."""
        room: Vectors | None = getattr(self.rooms, "cosine", None)
        if room is None or room.shape[1] != count:
            room = self.rooms.cosine = np.empty((len(self.labels.texts), count), np.float32)
        return room

    def _ahead(self, tile: Tile, cosine: Vectors, odds: Scores) -> Scores:
        labels = self.labels
        base = np.exp(-softplus(-odds))
        label, entropy = np.full(len(odds), -1.0), np.zeros(len(odds))
        classes, negatives = slice(labels.classes), slice(labels.classes, None)
        for side, which in ((classes, base > self.upper), (negatives, base < self.lower)):
            chosen = np.flatnonzero(which)
            for some in np.split(chosen, range(FEW, len(chosen), FEW)):
                label[some], entropy[some] = self._nearest(tile, cosine, some, side)
        return np.stack([odds, label, entropy])

    def _nearest(
        self, tile: Tile, cosine: Vectors, images: Places, side: slice
    ) -> tuple[Places, Scores]:
        """Return the nearest label of one side and the log entropy over them, of some images."""
        texts = self.labels.texts[side]
        rows = Rows(columns(cosine[side], images), Dots(tile.vectors[images], texts))
        nearest = self.labels.same[side][rows.best]
        return nearest, log_entropies(rows, self.temperature)

    def start(self) -> AdaNegMemory:
        """Return a new memory, which holds the texts alone."""
        return AdaNegMemory(self)


def columns(numbers: Vectors, at: Places) -> Vectors:
    """Return the columns `at` of numbers (L, N) as rows, (n, L)."""
    found = np.empty((len(at), len(numbers)), np.float32)
    # In blocks, which stay in the cache: all at once takes twice as long.
    for start in range(0, len(numbers), FEW):
        some = slice(start, start + FEW)
        found[:, some] = numbers[some].T[at]
    return found


class AdaNegMemory:
    """The memory of one replay of `AdaNeg`."""

    def __init__(self, method: AdaNeg) -> None:
        self._method, self._workers = method, Workers()
        texts = method.labels.texts
        self._images = LabelMemory(len(texts), method.held)
        self._proxies: Proxies = (
            TaskProxies(texts, self._images)
            if method.sharpness is None
            else SampleProxies(texts, self._images, method.sharpness)
        )

    def step(self, arrived: Arrived) -> Scores:
        """Return the log-odds of a batch's scores, (N,), after its confident images were offered.

        See `log_odds_of_score`.
        """
        base, label, entropy = arrived.ahead
        sure = np.flatnonzero(label >= 0)
        changed = self._images.offer(
            label[sure].astype(np.intp),
            entropy[sure],
            arrived.vectors[sure],
            arrived.positions[sure],
        )
        self._proxies.renew(changed)
        contest, images = self._method.contest, arrived.vectors.T

        def log_sums(part: LabelPart, room: Vectors) -> Scores:
            return contest.log_sums(part, self._proxies.cosines(part.labels, images, room))

        sums = self._workers.each(log_sums, contest.parts, len(arrived))
        return log_odds_of_score(contest.log_odds(sums), base, self._method.weight)

    def held(self) -> Held:
        """Return what the memories of classes and of negatives hold."""
        classes = self._method.labels.classes
        return Held(
            self._images.positions(slice(classes)), self._images.positions(slice(classes, None))
        )


def log_odds_of_score(ada: Scores, base: Scores, weight: float) -> Scores:
    """Return log v - log(1 + w - v) of v = ada + w·base, from the log-odds of ada and base.

    Both sums are of positive numbers, so scores keep their digits near 0 and near 1 + w.
    """
    share = math.log(weight) if weight else -math.inf
    above = np.logaddexp(-softplus(-ada), share - softplus(-base))
    below = np.logaddexp(-softplus(ada), share - softplus(base))
    found: Scores = above - below
    return found


def _shown(ranked: Scores, classes: int, *, weight: float, **others: float) -> Scores:
    found: Scores = (1 + weight) * np.exp(-softplus(-ranked))
    return found


def _adaneg(
    context: StreamContext,
    *,
    groups: float,
    memory: float,
    weight: float,
    proxies: float,
    sharpness: float,
    batch: float,
    **others: float,
) -> AdaNeg:
    """Return AdaNeg over the mined negatives; raise InputError if they are fewer than groups."""
    assert context.negatives is not None
    negatives = context.negatives.mined
    if groups > len(negatives):
        raise InputError(
            f"adaneg: groups={groups:g}, but {context.negatives.name} has only {len(negatives)} "
            f"negatives; use adaneg:groups={len(negatives)} or fewer"
        )
    labels = LabelTexts.of(context.classes, negatives, int(groups))
    threshold, gap = others["threshold"], others["gap"]
    temperature = others["temperature"]
    term = Sigmoid(1 / temperature, others["bias"]) if others["form"] else Exponential(temperature)
    return AdaNeg(
        labels,
        Contest(labels.classes, labels.sizes, term),
        temperature,
        lower=threshold - threshold * gap,
        upper=threshold + gap * (1 - threshold),
        held=int(memory) - 1,
        weight=weight,
        sharpness=sharpness if proxies else None,
        batch=int(batch),
    )


ADANEG_SCORES = {
    "adaneg": Score(
        rank=unranked,
        stream=_adaneg,
        shown=_shown,
        formula="v = ada + weight*base, base = neglabel's mean over groups, ada = the same with a "
        "proxy for each text: the normalised sum of text and confident images near it",
        ranks_by="log(v/(1 + weight - v))",
        source="Zhang and Zhang, NeurIPS 2024",
        use="negative labels that adapt to the images of the stream",
        limits="depends on the order of the images; with form=softmax ignores the bias; with "
        "form=sigmoid images tie if they have logits above 36",
        parameters={
            "groups": Parameter(5.0, least=1, whole=True),
            "threshold": Parameter(0.5, most=1, from_least=True),
            "gap": Parameter(0.5, most=1, from_least=True),
            "memory": Parameter(10.0, least=1, most=1000, whole=True),
            "weight": Parameter(0.1, from_least=True),
            "proxies": Parameter(TASK, least=None, words={TASK: 0.0, SAMPLE: 1.0}),
            "sharpness": Parameter(5.5, from_least=True),
            "batch": Parameter(256.0, least=1, whole=True),
            "form": Parameter(SOFTMAX, least=None, words={SOFTMAX: 0.0, SIGMOID: 1.0}),
            "temperature": TEMPERATURE,
            "bias": BIAS,
        },
        needs="negatives",
    )
}

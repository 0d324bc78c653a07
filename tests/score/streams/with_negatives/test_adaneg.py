"""Claims about AdaNeg: its scores are those of the published algorithm, image by image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.negative_scores import NEGATIVE_SCORES
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.tile import Tile, Vectors
from oodcache.score.streams.context import StreamContext
from oodcache.score.streams.replay import Replayed, replay
from oodcache.score.streams.with_negatives import contest
from oodcache.score.streams.with_negatives.adaneg import ADANEG_SCORES, AdaNeg

Long = npt.NDArray[np.longdouble]
CLASSES, NEGATIVES, DIMENSION = 4, 17, 12
DEFAULTS = {
    **{"groups": 5, "threshold": 0.5, "gap": 0.5, "memory": 10, "weight": 0.1, "batch": 7},
    **{"proxies": 0, "sharpness": 5.5, "form": 0, "temperature": 1 / 30, "bias": 0.0},
}


def unit(vectors: npt.NDArray[np.floating[Any]]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def made(seed: int, count: int = 40) -> tuple[Vectors, Vectors, Vectors]:
    """Return classes, negatives, and images near some of both."""
    draw = np.random.default_rng(seed)
    texts = unit(draw.normal(size=(CLASSES + NEGATIVES, DIMENSION)))
    favoured = np.append(np.arange(CLASSES), CLASSES + draw.choice(NEGATIVES, 4, replace=False))
    nearest = texts[draw.choice(favoured, count)]
    images = unit(nearest + draw.uniform(0.1, 0.5, (count, 1)) * draw.normal(size=nearest.shape))
    return texts[:CLASSES], texts[CLASSES:], images


def method(classes: Vectors, negatives: Vectors, **parameters: float) -> AdaNeg:
    sums = NegativeSums("words", lambda **chosen: negatives)
    context = StreamContext(classes, 30.0, None, sums, None, None, base=NotImplemented)
    made_by = ADANEG_SCORES["adaneg"].stream
    assert made_by is not None
    found: AdaNeg = made_by(context, **{**DEFAULTS, **parameters})
    return found


def tile(images: Vectors, classes: Vectors) -> Tile:
    return Tile(images, classes, np.ascontiguousarray(classes.T))


def replayed(
    one: AdaNeg, images: Vectors, order: Places | None = None, *, keep: bool = False
) -> Replayed:
    ahead = one.ahead(tile(images, one.labels.texts[: one.labels.classes]))
    places = np.arange(len(images)) if order is None else order
    return replay(one, images, ahead, places, keep=len(places) if keep else 0)


class Slow:
    """The published algorithm, one image and one label at a time, in extended precision."""

    def __init__(self, classes: Vectors, negatives: Vectors, **parameters: float) -> None:
        self.of = {**DEFAULTS, **parameters}
        self.classes = [one.astype(np.longdouble) for one in classes]
        self.negatives = [one.astype(np.longdouble) for one in negatives]
        groups, used = int(self.of["groups"]), len(negatives)
        used -= used % groups
        permuted = np.random.default_rng(0).permutation(used)
        self.groups = permuted.reshape(groups, -1).tolist()
        # Each entry: entropy, vector, position; the text has entropy 0 and stays.
        self.memories: list[list[tuple[np.longdouble, Long, int]]] = [
            [(np.longdouble(-1), text, -1)] for text in (*self.classes, *self.negatives)
        ]
        self.least_doubt = np.inf

    def contest(self, cosines: list[np.longdouble]) -> tuple[np.longdouble, np.longdouble]:
        """Return the mean of S/(S + N_g) and of N_g/(S + N_g)."""
        logits = np.array(cosines) / np.longdouble(self.of["temperature"])
        terms = np.exp(logits)
        if self.of["form"]:
            terms = 1 / (1 + np.exp(-(logits + np.longdouble(self.of["bias"]))))
        inside, against = terms[: len(self.classes)].sum(), terms[len(self.classes) :]
        sums = np.array([sum(against[j] for j in group) for group in self.groups])
        return (inside / (inside + sums)).mean(), (sums / (inside + sums)).mean()

    def entropy(self, cosines: list[np.longdouble]) -> np.longdouble:
        logits = np.array(cosines) / np.longdouble(self.of["temperature"])
        terms = np.exp(logits - logits.max())
        rest = np.sort(terms)[:-1].sum()
        entropy: np.longdouble = np.log1p(rest) - np.sum(
            terms / (1 + rest) * (logits - logits.max())
        )
        return entropy

    def proxy(self, image: Long, label: int) -> Long:
        entries = [vector for _, vector, _ in self.memories[label]]
        if len(entries) == 1:
            return entries[0]
        if self.of["proxies"]:
            sharp = np.longdouble(self.of["sharpness"])
            entries = [np.exp(-sharp * (1 - image @ one)) * one for one in entries]
        total = np.sum(entries, axis=0)
        return total / np.sqrt(total @ total)

    def admit(self, image: Long, position: int, base: np.longdouble) -> None:
        threshold, gap = self.of["threshold"], self.of["gap"]
        upper, lower = threshold + gap * (1 - threshold), threshold - gap * threshold
        self.least_doubt = min(self.least_doubt, abs(base - upper), abs(base - lower))
        if base > upper:
            cosines, first = [image @ one for one in self.classes], 0
        elif base < lower:
            cosines, first = [image @ one for one in self.negatives], len(self.classes)
        else:
            return
        entries = self.memories[first + int(np.argmax(cosines))]
        new = self.entropy(cosines), image, position
        if len(entries) < self.of["memory"]:
            entries.append(new)
        elif len(entries) > 1:
            worst = max(range(1, len(entries)), key=lambda place: entries[place][0])
            if new[0] < entries[worst][0]:
                entries[worst] = new

    def scores(self, images: Vectors) -> Scores:
        """Return log(v / (1 + w - v)) of each image."""
        found: list[float] = []
        size, weight = int(self.of["batch"]), np.longdouble(self.of["weight"])
        for first in range(0, len(images), size):
            batch = images[first : first + size].astype(np.longdouble)
            bases = [
                self.contest([one @ text for text in (*self.classes, *self.negatives)])
                for one in batch
            ]
            for place, one in enumerate(batch):
                self.admit(one, first + place, bases[place][0])
            for one, base in zip(batch, bases, strict=True):
                labels = range(len(self.memories))
                ada = self.contest([one @ self.proxy(one, label) for label in labels])
                value, missing = (ada[end] + weight * base[end] for end in (0, 1))
                found.append(float(np.log(value / missing)))
        return np.array(found)

    def positions(self, labels: slice) -> list[int]:
        return sorted(one[2] for entries in self.memories[labels] for one in entries[1:])


ORDERS = ("as made", "shuffled", "by class")


def ordered(order: str, images: Vectors, classes: Vectors) -> Vectors:
    if order == "shuffled":
        return images[np.random.default_rng(5).permutation(len(images))]
    return images if order == "as made" else images[np.argsort((images @ classes.T).max(axis=1))]


@pytest.mark.parametrize(
    ("proxies", "form"),
    [(0, 0), (1, 1), *(pytest.param(*one, marks=pytest.mark.slow) for one in ((0, 1), (1, 0)))],
)
@pytest.mark.parametrize(
    ("order", "changed"),
    [
        ("as made", {}),
        ("shuffled", {"memory": 3}),
        ("by class", {"memory": 2, "batch": 1}),
        ("shuffled", {"memory": 4, "batch": 60, "groups": 1, "weight": 2.0}),
        ("as made", {"groups": 8, "threshold": 0.6, "gap": 0.2, "sharpness": 40.0}),
        ("by class", {"temperature": 1 / 100, "memory": 3}),
        ("shuffled", {"temperature": 1 / 200, "memory": 4}),
    ],
)
def test_scores_are_those_of_the_published_algorithm(
    proxies: int, form: int, order: str, changed: dict[str, float]
) -> None:
    classes, negatives, images = made(3)
    images = ordered(order, images, classes)
    scale = 1 / changed.get("temperature", 1 / 30)
    parameters = {**changed, "proxies": proxies, "form": form, "bias": -0.5 * scale}
    slow = Slow(classes, negatives, **parameters)
    expected = slow.scores(images)
    assert slow.least_doubt > 1e-5  # No image of this test depends on how a product rounds.
    found = replayed(method(classes, negatives, **parameters), images, keep=True)
    assert np.allclose(found.scores, expected, rtol=0, atol=1e-6 * scale)
    assert found.held[-1].inside.tolist() == slow.positions(slice(CLASSES))
    assert found.held[-1].outside.tolist() == slow.positions(slice(CLASSES, None))
    assert len(found.held[-1].inside) > 2 < len(found.held[-1].outside)


def test_equal_negatives_share_the_memory_of_the_first() -> None:
    classes, negatives, images = made(3)
    used = np.argmax(images @ negatives.T, axis=1)[(images @ classes.T).max(axis=1) < 0.5]
    for twin in (0, 16):
        negatives[twin] = negatives[np.bincount(used).argmax()]
    expected = Slow(classes, negatives).scores(images)
    found = replayed(method(classes, negatives), images).scores
    assert np.allclose(found, expected, rtol=0, atol=3e-5)


def test_with_one_class_no_image_of_it_is_replaced() -> None:
    classes, negatives, images = made(3)
    slow = Slow(classes[:1], negatives, memory=3)
    expected = slow.scores(images)
    found = replayed(method(classes[:1], negatives, memory=3), images, keep=True)
    assert np.allclose(found.scores, expected, rtol=0, atol=3e-5)
    assert found.held[-1].inside.tolist() == slow.positions(slice(1))
    assert len(found.held[-1].inside) == 2


def shown(ranked: Scores, **parameters: float) -> Scores:
    return ADANEG_SCORES["adaneg"].shown(ranked, CLASSES, **{**DEFAULTS, **parameters})


@pytest.mark.parametrize("closed", [{"memory": 1}, {"gap": 1.0}])
@pytest.mark.parametrize("proxies", [0, 1])
@pytest.mark.parametrize("weight", [0.1, 0.0, 3.0])
def test_texts_alone_give_neglabel_once_and_weight_times(
    closed: dict[str, float], proxies: int, weight: float
) -> None:
    classes, negatives, images = made(4)
    given = {
        **{"temperature": 0.03, "groups": 5, "seed": 0},
        **{"remainder": 0, "number": 0, "percentile": 0},
    }
    sums = NegativeSums("words", lambda **chosen: negatives)
    neglabel = NEGATIVE_SCORES["neglabel"]
    assert neglabel.fit is not None
    fitted = neglabel.fit(sums, **given)
    sums.prepare()
    with np.errstate(over="ignore"):
        base = neglabel.rank(tile(images, classes), fitted, **given)
    one = method(classes, negatives, temperature=0.03, proxies=proxies, weight=weight, **closed)
    found = replayed(one, images).scores
    # The log-odds of (1 + w)·base out of 1 + w are those of base.
    assert np.allclose(found, base, rtol=0, atol=1e-4)
    value = neglabel.shown(base, CLASSES, **given)
    assert np.allclose(shown(found, weight=weight), (1 + weight) * value, atol=1e-5)


@pytest.mark.parametrize("proxies", [0, 1])
def test_the_order_within_a_batch_moves_nothing(proxies: int) -> None:
    classes, negatives, images = made(5)
    one = method(classes, negatives, proxies=proxies, batch=8, memory=3)
    draw = np.random.default_rng(1)
    order = np.concatenate([first + draw.permutation(8) for first in range(0, len(images), 8)])
    found, expected = replayed(one, images, order).scores, replayed(one, images).scores
    assert np.allclose(found, expected[order], rtol=0, atol=1e-4)


@pytest.mark.parametrize("proxies", [0, 1])
def test_sigmoids_tend_to_the_softmax_as_the_bias_falls(proxies: int) -> None:
    classes, negatives, images = made(6)
    softmax = replayed(method(classes, negatives, proxies=proxies, bias=-16.0), images).scores
    apart = []
    for bias in (-16.0, -60.0, -900.0):
        one = method(classes, negatives, form=1, bias=bias, proxies=proxies)
        apart.append(np.abs(replayed(one, images).scores - softmax))
    assert apart[0].max() > 0.1
    assert max(apart[1].max(), apart[2].max()) < 1e-4


def test_scores_near_both_ends_keep_their_order() -> None:
    draw = np.random.default_rng(7)
    classes, negatives, images = made(7)
    images = unit(np.repeat(np.concatenate([classes[:1], negatives[:1]]), 20, axis=0))
    images = unit(images + 0.01 * draw.normal(size=images.shape))
    one = method(classes, negatives, temperature=1 / 400, groups=1)
    found = replayed(one, images).scores
    assert found[:20].min() > 37 > -37 > found[20:].max()
    assert len(np.unique(found)) == 40
    assert np.unique(shown(found[:20])).tolist() == [1.1]


@pytest.mark.parametrize("proxies", [0, 1])
def test_scores_do_not_depend_on_the_number_of_threads(
    monkeypatch: pytest.MonkeyPatch, proxies: int
) -> None:
    classes, negatives, images = made(8)
    one = method(classes, negatives, proxies=proxies)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr(contest, "processors", lambda threads=threads: threads)
        found.append(replayed(one, images).scores)
    assert np.array_equal(*found)


def test_more_groups_than_negatives_are_refused_with_what_to_type() -> None:
    classes, negatives, _ = made(9)
    with pytest.raises(InputError) as refused:
        method(classes, negatives, groups=18)
    assert str(refused.value) == (
        "adaneg: groups=18, but words has only 17 negatives; use adaneg:groups=17 or fewer"
    )

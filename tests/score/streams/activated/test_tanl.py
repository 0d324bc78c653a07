"""Claims about TANL: its scores are those of the published algorithm, image by image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from samples.score.banks import normalised

from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.tile import Tile, Vectors
from oodcache.score.streams.activated import corpus, slices
from oodcache.score.streams.activated.tanl import ROWS, TANL_SCORES, Tanl
from oodcache.score.streams.context import StreamContext
from oodcache.score.streams.replay import Replayed, replay

CLASSES, WORDS, DIMENSION, SCALE = 5, 60, 12, 30.0
DEFAULTS = {
    **{"words": 20, "queue": 12, "gap": 0.3, "alpha": 0.0, "weighting": 1, "batch": 7},
    **{"form": 0.0, "temperature": 1 / SCALE, "bias": -9.0},
}
Long = npt.NDArray[np.longdouble]


def made(seed: int, count: int = 45) -> tuple[Vectors, Vectors, Vectors, Vectors]:
    """Return classes, words, noise, and images near classes and near a few of the words."""
    draw = np.random.default_rng(seed)
    texts = normalised(draw.normal(size=(CLASSES + WORDS, DIMENSION)))
    favoured = np.append(np.arange(CLASSES), CLASSES + draw.choice(WORDS, 4, replace=False))
    nearest = texts[draw.choice(favoured, count)]
    images = nearest + draw.uniform(0.1, 0.4, (count, 1)) * draw.normal(size=nearest.shape)
    noise = draw.normal(size=(15, DIMENSION))
    return texts[:CLASSES], texts[CLASSES:], normalised(noise), normalised(images)


def method(classes: Vectors, every: Vectors, noise: Vectors | None, **given: float) -> Tanl:
    context = StreamContext(classes, SCALE, None, None, every, noise, base=NotImplemented)
    named = {"corpus": "words", "noise": "stream" if noise is None else "noise15"}
    made_by = TANL_SCORES["tanl"].stream
    assert made_by is not None
    found: Tanl = made_by(context, **named, **{**DEFAULTS, **given})
    return found


def replayed(
    one: Tanl, images: Vectors, order: Places | None = None, *, keep: bool = False
) -> Replayed:
    ahead = one.ahead(Tile(images, one.classes, np.ascontiguousarray(one.classes.T)))
    places = np.arange(len(images)) if order is None else order
    return replay(one, images, ahead, places, keep=len(places) if keep else 0)


class Slow:
    """The released algorithm, one image and one word at a time, in extended precision."""

    def __init__(
        self, classes: Vectors, every: Vectors, noise: Vectors | None, **given: float
    ) -> None:
        self.of = {**DEFAULTS, **given}
        self.classes, self.corpus = (one.astype(np.longdouble) for one in (classes, every))
        self.noise = None if noise is None else noise.astype(np.longdouble)
        self.order = np.random.default_rng(0).permutation(len(classes))
        self.remembered: list[np.longdouble] = []
        self.inside: list[tuple[Long, int]] = []
        self.outside: list[tuple[Long, int]] = []
        self.thresholds: list[float] = []
        self.held: list[tuple[list[int], list[int]]] = []

    def terms(self, image: Long, texts: Long) -> Long:
        logits = (texts @ image) / np.longdouble(self.of["temperature"])
        if self.of["form"]:
            return 1 / (1 + np.exp(-(logits + np.longdouble(self.of["bias"]))))
        return np.exp(logits)

    def row(self, image: Long) -> Long:
        """Return an image's activations of the corpus."""
        inside, terms = self.terms(image, self.classes), self.terms(image, self.corpus)
        return terms / (1 if self.of["form"] else inside.sum() + terms.sum())

    def score(self, image: Long, activation: Long) -> tuple[np.longdouble, np.longdouble]:
        """Return the score and 1 minus the score with the most activated words."""
        number, step = int(self.of["words"]), int(self.of["weighting"])
        places = sorted(range(len(activation)), key=lambda place: (-activation[place], place))
        inside = self.terms(image, self.classes).sum()
        chosen = self.terms(image, self.corpus[places[:number]])
        ends = [first + step for first in range(0, number, step)] if step else [number]
        sums = [chosen[:end].sum() for end in ends]
        return (
            np.mean([inside / (inside + one) for one in sums]),
            np.mean([one / (inside + one) for one in sums]),
        )

    def threshold(self) -> float:
        scores = np.array(self.remembered[-20_000:])
        found = []
        for number in range(100):
            above = scores >= number / 100
            share = np.mean(above)
            if share in (0, 1):
                found.append(np.inf)
            else:
                found.append(share * scores[above].var() + (1 - share) * scores[~above].var())
        equal = [place for place, one in enumerate(found) if one == min(found)]
        return equal[len(equal) // 2] / 100

    def mean(self, queue: list[tuple[Long, int]]) -> Long:
        if not queue:
            return np.zeros(len(self.corpus), np.longdouble)
        found: Long = np.mean([row for row, _ in queue], axis=0)
        return found

    def begin(self, batch: Long, first: int) -> None:
        size = int(self.of["queue"])
        self.inside = [(self.row(self.classes[place]), -1) for place in self.order][-size:]
        if self.noise is not None:
            self.outside = [(self.row(one), -1) for one in self.noise][-size:]
        else:
            scores = [self.score(one, -self.mean(self.inside))[0] for one in batch]
            low = np.argsort(np.array(scores), kind="stable")[:15]
            self.outside = [(self.row(batch[one]), first + int(one)) for one in low][-size:]
        activation = self.mean(self.outside) - self.mean(self.inside)
        noise = () if self.noise is None else self.noise
        self.remembered = [self.score(one, activation)[0] for one in (*self.classes, *noise)]

    def scores(self, images: Vectors) -> Scores:
        """Return log(v/(1 - v)) of each image."""
        found: list[float] = []
        size = int(self.of["batch"])
        for first in range(0, len(images), size):
            found += self.batch(images[first : first + size].astype(np.longdouble), first)
        return np.array(found)

    def batch(self, images: Long, first: int) -> list[float]:
        if not self.thresholds:
            self.begin(images, first)
        activation = self.mean(self.outside) - self.mean(self.inside)
        provisional = [self.score(one, activation)[0] for one in images]
        self.remembered += provisional
        threshold = self.threshold()
        self.thresholds.append(threshold)
        upper = threshold + self.of["gap"] * (1 - threshold)
        lower = threshold - self.of["gap"] * threshold
        places = range(len(images))
        sure_in = [(self.row(images[i]), first + i) for i in places if provisional[i] > upper]
        sure_out = [(self.row(images[i]), first + i) for i in places if provisional[i] < lower]
        alpha = np.longdouble(self.of["alpha"])
        means = [
            alpha * self.mean(queue) + (1 - alpha) * self.mean(new) if new else self.mean(queue)
            for queue, new in ((self.inside, sure_in), (self.outside, sure_out))
        ]
        values = [self.score(one, means[1] - means[0]) for one in images]
        size = int(self.of["queue"])
        self.inside = (self.inside + sure_in)[-size:]
        self.outside = (self.outside + sure_out)[-size:]
        both = [sorted({at for _, at in one if at >= 0}) for one in (self.inside, self.outside)]
        self.held.append((both[0], both[1]))
        return [float(np.log(one) - np.log(other)) for one, other in values]


def assert_is_literal(
    sets: tuple[Vectors, Vectors, Vectors | None, Vectors], order: Places, **given: float
) -> Slow:
    """Assert that scores, thresholds and what is held are those of the slow algorithm."""
    *texts, images = sets
    slow = Slow(*texts, **given)
    expected = slow.scores(images[order])
    one = method(*texts, **given)
    found = replayed(one, images, order, keep=True)
    # Cosines are float32, and are multiplied by the scale.
    np.testing.assert_allclose(found.scores, expected, rtol=0, atol=3e-5)
    assert [held.threshold for held in found.held] == slow.thresholds
    held = [(one.inside.tolist(), one.outside.tolist()) for one in found.held]
    assert held == slow.held
    return slow


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"weighting": 0},
        {"weighting": 2},
        {"weighting": 2, "words": 15},
        {"gap": 0.2, "alpha": 0.95},
        {"alpha": 0.5, "batch": 45},
        {"form": 1.0},
        {"form": 1.0, "bias": 2.0, "weighting": 2},
        {"queue": 3},
        {"queue": 100},
        {"words": 200},
        {"words": 61, "weighting": 2},
        {"words": 1, "weighting": 0},
        {"gap": 0.0},
        {"gap": 1.0},
    ],
    ids=str,
)
def test_scores_are_those_of_the_published_algorithm(given: dict[str, float]) -> None:
    assert_is_literal(made(1), np.arange(45), **given)


@pytest.mark.parametrize("form", [0.0, 1.0])
def test_so_they_are_with_terms_in_float32(form: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "MOST_PRECISE", 0)
    assert_is_literal(made(1), np.arange(45), form=form)


def test_so_they_are_in_batches_of_one() -> None:
    for noise in (True, False):
        classes, words, images_of_noise, images = made(5)
        sets = classes, words, images_of_noise if noise else None, images
        assert_is_literal(sets, np.arange(10), batch=1)


def test_so_they_are_in_any_order_and_with_queues_that_overflow() -> None:
    sets = made(2)
    for seed in (0, 2):
        slow = assert_is_literal(sets, np.random.default_rng(seed).permutation(45), queue=8)
        assert min(len(slow.inside), len(slow.outside)) == 8
        assert all(at >= 0 for _, at in (*slow.inside, *slow.outside))


def test_so_they_are_for_images_without_noise() -> None:
    classes, words, _, images = made(3)
    for batch in (4, 20):
        slow = assert_is_literal((classes, words, None, images), np.arange(45), batch=batch)
        assert len(slow.held[0][1]) >= min(batch, 12) - 3


@pytest.mark.parametrize("most_precise", [0, 10_000])
def test_threads_move_no_bit(most_precise: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "MOST_PRECISE", most_precise)
    classes, _, noise, images = made(4, 150)
    many = normalised(np.random.default_rng(4).normal(size=(2 * corpus.SLICE + 40, DIMENSION)))
    found = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(slices, "processors", lambda count=threads: count)
        one = method(classes, many, noise, batch=2 * ROWS + 9, words=700)
        found.append(replayed(one, images).scores)
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])


@pytest.mark.parametrize("weighting", [1, 2])
def test_words_that_change_places_move_v_by_at_most_the_share_of_sums_they_are_not_both_in(
    weighting: int,
) -> None:
    classes, every, noise, _ = made(4)
    # Each matches one word best and then a class, both far better than all others.
    images = normalised(every + 0.8 * classes[np.arange(WORDS) % CLASSES])
    one = method(classes, every, noise, weighting=weighting, temperature=1 / 300)
    sums = one.inside(images)
    activation = np.linspace(1, 0, WORDS)

    def shown(words: Places) -> Scores:
        placed = np.empty(WORDS)
        placed[words] = activation
        return TANL_SCORES["tanl"].shown(one.log_odds(images, sums, placed), CLASSES)

    rest = np.arange(WORDS)
    for first, second in ((7, 8), (3, 9), (19, 20), (18, 30)):
        swapped = rest.copy()
        swapped[[first, second]] = second, first
        ends = range(weighting, 21, weighting)
        apart = sum({*rest[:end]} != {*swapped[:end]} for end in ends)
        moved = np.abs(shown(rest) - shown(swapped))
        assert moved.max() <= apart / len(ends) + 1e-12
        # And by nearly so much for the images of these words.
        assert moved.max() > 0.9 * apart / len(ends)


def test_as_the_bias_falls_sums_tend_to_the_softmax_but_the_choice_of_words_does_not() -> None:
    *texts, images = made(1)
    given = ({"form": 0.0}, {"form": 1.0, "bias": -60.0}, {"form": 1.0, "bias": -90.0})
    soft, low, lower = (method(*texts, **one) for one in given)
    activation = np.linspace(1, 0, WORDS)
    with_these = [one.log_odds(images, one.inside(images), activation) for one in (soft, low)]
    np.testing.assert_allclose(with_these[1], with_these[0], rtol=0, atol=1e-6)
    chosen = [replayed(one, images).scores for one in (soft, low, lower)]
    np.testing.assert_allclose(chosen[2], chosen[1], rtol=0, atol=1e-6)
    assert np.abs(chosen[1] - chosen[0]).max() > 0.1


def test_what_is_shown_is_the_mean_ratio() -> None:
    *texts, images = made(6)
    ranked = replayed(method(*texts), images).scores
    shown = TANL_SCORES["tanl"].shown(ranked, CLASSES)
    np.testing.assert_allclose(shown, 1 / (1 + np.exp(-ranked)), rtol=1e-12)


def test_scores_keep_their_digits_near_0_and_1() -> None:
    *texts, images = made(7)
    given = {"temperature": 1 / 300}
    ranked = replayed(method(*texts, **given), images).scores
    assert min(ranked) < -60 and max(ranked) > 60
    slow = Slow(*texts, **given)
    np.testing.assert_allclose(ranked, slow.scores(images), rtol=0, atol=3e-4)


def test_the_threshold_and_both_queues_are_told() -> None:
    *texts, images = made(8)
    last = replayed(method(*texts, queue=100), images, keep=True).held[-1]
    assert last.threshold is not None and 0 < last.threshold < 1
    assert len(last.inside) and len(last.outside)
    assert not set(last.inside.tolist()) & set(last.outside.tolist())

"""Claims about users' classes for a stream: started for each replay, then given its batches."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
from samples.score.own import unit

from oodcache.cache.errors import InputError
from oodcache.score.evaluation import Evaluated
from oodcache.score.onepass.variants import parse_all
from oodcache.score.own.loading import typed_scores
from oodcache.score.own.stream import score_of

CLASSES = unit(5, 1, 8)
SETS = {"inside": unit(30, 2, 8), "outside": unit(20, 3, 8)}
Evaluate = Callable[..., Evaluated]


class Drifting:
    """Largest cosine less the mean of those before."""

    def __init__(self, *, weight: float = 1.0, batch: int = 4) -> None:
        self.weight, self.batch = weight, batch

    def start(self, context: Any) -> None:
        assert context.classes.shape == (5, 8) and len(context) == 0
        self.seen: list[float] = []

    def step(self, batch: Any) -> npt.NDArray[np.float64]:
        own = batch.cosines.max(axis=1).astype(np.float64)
        mean = float(np.mean(self.seen)) if self.seen else 0.0
        self.seen += own.tolist()
        found: npt.NDArray[np.float64] = own - self.weight * mean
        return found


class Broken(Drifting):
    """Returns what `returned` makes of a batch."""

    returned: Callable[[Any], Any] = len

    def step(self, batch: Any) -> Any:
        return type(self).returned(batch)


@pytest.fixture
def replayed(
    score: Evaluate, write_images: Callable[..., Any], write_texts: Callable[..., Any]
) -> Callable[..., Evaluated]:
    write_texts("five", CLASSES)
    for name, vectors in SETS.items():
        write_images(name, vectors)

    def run(*scores: Any, **changes: Any) -> Evaluated:
        given = typed_scores(scores)
        variants = parse_all(given.specifications, given.own)
        return score(variants=variants, keep=True, **changes)

    return run


def by_hand(order: Any, *, weight: float, batch: int) -> npt.NDArray[np.float64]:
    cosines = np.concatenate([*SETS.values()]).astype(np.float64) @ CLASSES.T.astype(np.float64)
    own, scores = cosines.max(axis=1), np.empty(50)
    for position, place in enumerate(order):
        seen = order[: position // batch * batch]
        scores[place] = own[place] - weight * (own[seen].mean() if len(seen) else 0.0)
    return scores


def test_each_replay_has_an_object_of_its_own(replayed: Callable[..., Evaluated]) -> None:
    found = replayed(Drifting, "Drifting:weight=0.5,batch=7", streams=["id-first", "shuffle"])
    labels = [one.label for one in found.kept]
    assert labels[0] == "Drifting:weight=1,batch=4 (id-first)"
    orders = [np.arange(50), np.random.default_rng(0).permutation(50)] * 2
    settings = [{"weight": 1.0, "batch": 4}] * 2 + [{"weight": 0.5, "batch": 7}] * 2
    for kept, order, given in zip(found.kept, orders, settings, strict=True):
        scores = np.concatenate([kept.scores[name] for name in SETS])
        np.testing.assert_allclose(scores, by_hand(order, **given), atol=1e-6)


def test_a_class_in_a_file_is_typed_as_a_function_is(
    tmp_path: Path, replayed: Callable[..., Evaluated]
) -> None:
    code = (
        "class Count:\n    batch = 6\n    def start(self, context):\n        self.n = 0\n"
        "    def step(self, batch):\n        self.n += 1\n        return [self.n] * len(batch)\n"
    )
    (tmp_path / "mine.py").write_text(code)
    (kept,) = replayed(f"{tmp_path / 'mine.py'}:Count", streams=["id-first"]).kept
    assert kept.label == "mine.py:Count (id-first)"
    scores = np.concatenate([kept.scores[name] for name in SETS])
    assert scores.tolist() == [position // 6 + 1 for position in range(50)]


class Noisy(Drifting):
    """Draws without a seed."""

    def step(self, batch: Any) -> npt.NDArray[np.float64]:
        return super().step(batch) + 1e-3 * np.random.default_rng().normal(size=len(batch))


class Seeded(Drifting):
    def start(self, context: Any) -> None:
        super().start(context)
        self.draw = np.random.default_rng(0)

    def step(self, batch: Any) -> npt.NDArray[np.float64]:
        return super().step(batch) + 1e-3 * self.draw.normal(size=len(batch))


class Remembering(Drifting):
    """Keeps what an earlier replay saw."""

    every: ClassVar[list[float]] = []

    def step(self, batch: Any) -> npt.NDArray[np.float64]:
        found = super().step(batch) - len(self.every)
        self.every.extend(found.tolist())
        return found


@pytest.mark.parametrize("made", [Noisy, Remembering])
def test_a_class_whose_replays_differ_is_rejected(
    replayed: Callable[..., Evaluated], made: type[Drifting]
) -> None:
    with pytest.raises(InputError) as error:
        replayed(made)
    line = str(error.value)
    assert line.startswith(f"{made.__name__} (") and "test_stream.py, line " in line
    assert "is random: two replays of the same images give one image " in line
    assert line.endswith("; draw with a fixed seed, and set all that changes in start")
    assert len(line) < 600 and "\n" not in line


def test_a_class_that_draws_with_a_fixed_seed_is_scored(
    replayed: Callable[..., Evaluated],
) -> None:
    first, again = replayed(Seeded).kept, replayed(Seeded).kept
    assert first[0].scores["inside"].tolist() == again[0].scores["inside"].tolist()


class OfObject:
    def __init__(self, *, fifth: bool = True) -> None:
        self.batch = 5 if fifth else 1

    def start(self, context: Any) -> None:
        self.n = 0

    def step(self, batch: Any) -> list[int]:
        self.n += 1
        return [self.n] * len(batch)


class OfProperty(OfObject):
    def __init__(self) -> None:
        pass

    @property
    def batch(self) -> Any:
        return 7

    @batch.setter
    def batch(self, number: int) -> None: ...


@pytest.mark.parametrize(("typed", "batch"), [(OfObject, 5), (OfProperty, 7)])
def test_an_object_may_tell_the_images_of_a_step(
    replayed: Callable[..., Evaluated], typed: Any, batch: int
) -> None:
    (kept,) = replayed(typed, streams=["id-first"]).kept
    scores = np.concatenate([kept.scores[name] for name in SETS])
    assert scores.tolist() == [position // batch + 1 for position in range(50)]


def test_an_object_whose_batch_is_no_number_is_rejected(
    replayed: Callable[..., Evaluated], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OfProperty, "batch", property(lambda self: None))
    with pytest.raises(InputError, match="^OfProperty: its batch is None, not a whole number abov"):
        replayed(OfProperty)


def test_negatives_that_a_class_does_not_read_are_unused(
    replayed: Callable[..., Evaluated],
) -> None:
    (result, *_) = replayed(Drifting).results
    assert (result.negatives, result.bank) == (None, None)


def test_a_reference_that_is_not_given_is_named(replayed: Callable[..., Evaluated]) -> None:
    class Lead(Drifting):
        def start(self, context: Any) -> None:
            self.words = context.negatives

    with pytest.raises(InputError, match="^Lead needs negatives: give --negatives NAME; make them"):
        replayed(Lead)


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        (lambda batch: np.zeros(3), "returned shape (3,); expected shape (4,): one number per"),
        (lambda batch: np.full(len(batch), np.nan), "returned NaN for 4 of 4 images, which can"),
        (lambda batch: 1 / 0, "raised ZeroDivisionError: division by zero"),
        (lambda batch: None, "returned None; expected shape (4,)"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(
    replayed: Callable[..., Evaluated],
    monkeypatch: pytest.MonkeyPatch,
    returned: Callable[[Any], Any],
    problem: str,
) -> None:
    monkeypatch.setattr(Broken, "returned", staticmethod(returned))
    with pytest.raises(InputError) as raised:
        replayed(Broken)
    assert str(raised.value).startswith("Broken (") and problem in str(raised.value)
    assert f"{Path(__file__).name}, line " in str(raised.value)
    assert "\n" not in str(raised.value)


class Startless:
    def step(self, batch: Any) -> Any:
        return batch


class Stepless:
    def start(self, context: Any) -> None: ...


class Blind:
    def start(self) -> None: ...
    def step(self, batch): ...  # type: ignore[no-untyped-def]


class Wordless:
    def start(self, context): ...  # type: ignore[no-untyped-def]
    def step(self, batch, k): ...  # type: ignore[no-untyped-def]


class Unnumbered(Drifting):
    def __init__(self, weight: Any) -> None:
        self.weight = weight


class Empty(Drifting):
    batch = 0

    def __init__(self) -> None:
        pass


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (Startless, "Startless: a class for a stream has start and step; write a class with"),
        (Stepless, "Stepless: a class for a stream has start and step; write a class with"),
        (Blind, "Blind: start(self) does not take the context; write a class with"),
        (Wordless, "Wordless: step(self, batch, k) does not take a batch; write a class with"),
        (Unnumbered, "Unnumbered: parameter weight has no default; write a class with"),
        (Empty, "Empty: its batch is 0, not a whole number above 0"),
    ],
)
def test_what_is_no_class_for_a_stream_says_what_to_write(given: Any, problem: str) -> None:
    with pytest.raises(InputError) as raised:
        score_of(given, given.__name__)
    assert str(raised.value).startswith(problem)


def test_its_facts_tell_that_it_takes_a_stream() -> None:
    facts = score_of(Drifting, "Drifting").facts
    assert facts["takes"] == "images in the order of a stream"
    assert facts["docstring"] == "Largest cosine less the mean of those before."
    assert facts["parameters"] == "weight = 1, batch = 4"


def test_a_batch_of_no_image_is_rejected() -> None:
    own = {"Drifting": score_of(Drifting, "Drifting")}
    with pytest.raises(InputError, match="batch=0 is not a whole number above 0"):
        parse_all(["Drifting:batch=0"], own)


class AsyncStart(Drifting):
    """Is started in a coroutine."""

    async def start(self, context: Any) -> None:  # type: ignore[override]
        """Start, if it is awaited."""


class AsyncStep(Drifting):
    """Scores in a coroutine."""

    async def step(self, batch: Any) -> Any:
        """Score, if it is awaited."""


@pytest.mark.parametrize(("one", "method"), [(AsyncStart, "start"), (AsyncStep, "step")])
@pytest.mark.filterwarnings("error")
def test_async_methods_are_refused_without_a_warning(one: Any, method: str) -> None:
    with pytest.raises(InputError, match=f"^{one.__name__}: {method} is async; write a plain def;"):
        score_of(one, one.__name__)


@pytest.mark.filterwarnings("error")
def test_a_coroutine_that_is_returned_is_closed(replayed: Callable[..., Evaluated]) -> None:
    async def later() -> int:
        return 1

    with pytest.raises(InputError, match="returned shape"):
        replayed(type("Later", (Broken,), {"returned": lambda batch: later()}))
    gc.collect()

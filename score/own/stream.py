"""A user's class as a score that learns from the stream: `start(context)`, then `step(batch)`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import threadpoolctl

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import ANY, unranked
from oodcache.score.formulas.tile import Tile, Vectors
from oodcache.score.own.batch import Batch, BatchContext
from oodcache.score.own.checks import check_repeats
from oodcache.score.own.function import Convert, Function, OwnScore, called, keywords, own_score
from oodcache.score.own.mistakes import named
from oodcache.score.own.returned import numbers
from oodcache.score.streams.method import Arrived, Held
from oodcache.score.streams.replay import replay

BATCH, START, STEP = "batch", "start", "step"
IMAGES = 256  # Images of a step, if the class tells no other number.
MOST_CHECKED = 1024  # Images that are replayed twice, to see whether scores are random.
SHAPE = "write a class with __init__(self, *, key=number), start(self, context), step(self, batch)"


def score_of(function: Function, name: str, *, sha256: str | None = None) -> OwnScore:
    """Return a function, or a class for a stream, as the score `name`.

    A class with a method `step` is one for a stream. Raises InputError if the parameters are not
    those of a score.
    """
    if not (inspect.isclass(function) and (hasattr(function, STEP) or hasattr(function, START))):
        return own_score(function, name, sha256=sha256)
    _check_methods(function, name)
    try:
        given = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise InputError(f"{name}: its parameters are unknown; {SHAPE}") from None
    parameters, converts = keywords(given, name, SHAPE)
    if BATCH in parameters:
        parameters[BATCH] = replace(parameters[BATCH], least=1, whole=True)
    if not hasattr(found := getattr(function, BATCH, IMAGES), "__get__"):
        _images(found, name)  # Otherwise a property, whose number an object has.
    code = _Code(function, name, converts, _definition(function))
    return OwnScore(
        rank=unranked,
        stream=code.method,
        needs=ANY,
        parameters=parameters,
        formula=" ".join((inspect.getdoc(function) or "").split()) or "none",
        ranks_by="",
        source=code.place[0],
        use="",
        limits="",
        name=name,
        function=function,
        sha256=sha256,
    )


def _check_methods(function: Any, name: str) -> None:
    """Raise InputError for a class without start and step, or if they do not take one argument."""
    for method, takes in ((START, "the context"), (STEP, "a batch")):
        if not callable(found := getattr(function, method, None)):
            raise InputError(f"{name}: a class for a stream has start and step; {SHAPE}")
        if inspect.iscoroutinefunction(found) or inspect.isasyncgenfunction(found):
            raise InputError(f"{name}: {method} is async; write a plain def; {SHAPE}")
        if inspect.isfunction(inspect.getattr_static(function, method)):
            try:
                inspect.signature(found).bind(None, None)
            except TypeError:
                given = ", ".join(inspect.signature(found).parameters)[:120]
                what = f"{method}({given}) does not take {takes}"
                raise InputError(f"{name}: {what}; {SHAPE}") from None


def _images(found: object, name: str) -> int:
    """Return the images of a step, as a class or an object of it has them; check the number."""
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise InputError(f"{name}: its batch is {found!r}"[:200] + ", not a whole number above 0")
    return found


def _definition(function: Any) -> tuple[str, int]:
    code = getattr(function.step, "__code__", None)
    return ("", 0) if code is None else (code.co_filename, code.co_firstlineno)


@dataclass(frozen=True)
class _Code:
    """A user's class, how its numbers are converted, and its place."""

    made: Function
    name: str
    converts: Mapping[str, Convert]
    place: tuple[str, int]

    def method(self, context: BatchContext, **given: float) -> OwnStream:
        """Return the method with these parameters; an object may set `batch` itself."""
        typed = {key: self.converts[key](value) for key, value in given.items()}
        batch = int(given[BATCH]) if BATCH in given else self._images(typed)
        return OwnStream(self, replace(context, used=set()), typed, batch)

    def _images(self, typed: Mapping[str, Any]) -> int:
        """Return the images of a step of an object with these parameters."""
        own = self.call(lambda: self.made(**typed))
        return _images(self.call(lambda: getattr(own, BATCH, IMAGES)), self.name)

    def call(self, code: Callable[[], object]) -> object:
        """Return what the user's code returns; raise InputError for what it raises."""
        return called(code, self.name, self.place[0])


@dataclass(frozen=True)
class OwnStream:
    """A user's class with parameters, as a stream method; each replay has an object of its own."""

    code: _Code
    context: BatchContext
    given: Mapping[str, Any]
    batch: int
    columns: Vectors = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", np.ascontiguousarray(self.context.classes.T))

    @property
    def used(self) -> set[str]:
        """Return the references that the class has read."""
        return self.context.used

    def ahead(self, tile: Tile) -> Scores:
        """Return nothing, (0, N): the class sees the images in their order alone."""
        return np.empty((0, len(tile.vectors)))

    def start(self) -> OwnMemory:
        """Return a new object of the class, started."""
        own: Any = self.code.call(lambda: self.code.made(**self.given))
        nothing = np.empty((0, self.context.classes.shape[1]), np.float32)
        self.code.call(lambda: own.start(self.images(nothing)))
        return OwnMemory(self, own)

    def check(self, vectors: Vectors) -> None:
        """Raise InputError if two replays of the first two batches give other scores."""
        some = vectors[: min(2 * self.batch, MOST_CHECKED)]
        nothing, places = np.empty((0, len(some))), np.arange(len(some))
        first, again = (replay(self, some, nothing, places).scores for _ in range(2))
        check_repeats(first, again, named(self.code.name, *self.code.place))

    def images(self, vectors: Vectors) -> Batch:
        """Return some images as the class sees them."""
        tile = Tile(vectors, self.context.classes, self.columns)
        return Batch(self.code.name, tile, self.context)


@dataclass
class OwnMemory:
    """The user's object in one replay."""

    method: OwnStream
    own: Any

    def step(self, arrived: Arrived) -> Scores:
        """Return the user's scores of a batch, float64 (N,), checked."""
        code = self.method.code
        where = named(code.name, *code.place)
        # The same cosines for any number of threads.
        with threadpoolctl.threadpool_limits(1, "blas"):
            found = code.call(lambda: self.own.step(self.method.images(arrived.vectors)))
        self.method.context.shared.check(where)
        return numbers(found, len(arrived), where)

    def held(self) -> Held:
        """Return nothing: what an object of the user's holds is unknown."""
        return Held()

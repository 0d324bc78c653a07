"""A user's function as a score: its parameters, its calls one at a time, its errors in one line."""

from __future__ import annotations

import functools
import inspect
import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real
from threading import RLock
from typing import Any

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import one_line
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import (
    ANY,
    BIAS,
    FROM_MODEL,
    Parameter,
    Score,
)
from oodcache.score.formulas.tile import Tile
from oodcache.score.own.batch import COSINES, Batch, BatchContext, MissingReferenceError
from oodcache.score.own.checks import check_alone
from oodcache.score.own.mistakes import named, place, said
from oodcache.score.own.reads import read_by
from oodcache.score.own.returned import numbers

Function = Callable[..., Any]
Convert = Callable[[float], float]
ONE_AT_A_TIME = RLock()
# Parameters that may be the model's own.
OF_MODEL: Mapping[str, Mapping[str, float | None]] = {
    "temperature": FROM_MODEL,
    "scale": FROM_MODEL,
    "bias": BIAS.words,
}
SHAPE = "write def NAME(batch, *, key=number)"


@dataclass(frozen=True)
class OwnScore(Score):
    """A user's function as a score called `name`.

    `sha256` is that of the code which defines it, None if that is unknown; `source` is its file, ""
    if there is none. Its docstring is its `formula`, on one line.
    """

    name: str = ""
    function: Function | None = None
    sha256: str | None = None

    @property
    def facts(self) -> dict[str, str]:
        """Return the description, each fact under its name."""
        return {
            "docstring": self.formula,
            "parameters": super().facts["parameters"],
            "takes": self._takes,
            **self._reads,
            "code": self.source or "unknown",
            "SHA-256": self.sha256 or "unknown",
        }

    @property
    def _reads(self) -> dict[str, str]:
        """Return what to give for the references that the code reads, nothing if it reads none."""
        given = {"negatives": "--negatives NAME", "bank": "--bank DATASET, cached training images"}
        found = [given[one] for one in read_by(self.function) if one in given]
        return {"needs": " and ".join(found)} if found else {}

    @property
    def _takes(self) -> str:
        if self.stream is not None:
            return "images in the order of a stream"
        return "all images of a set at once" if self.whole else "each image alone"


def own_score(function: Function, name: str, *, sha256: str | None = None) -> OwnScore:
    """Return a function as the score `name`.

    Raises InputError if its parameters are not a batch and keywords with numbers as defaults.
    """
    parameters, converts = _parameters(function, name)
    caller = _Caller(function, name, converts, definition(function))
    docstring = (inspect.getdoc(function) or "") if inspect.isroutine(function) else ""
    return OwnScore(
        rank=caller.rank,
        fit=_fit,
        needs=ANY,
        parameters=parameters,
        whole=bool(getattr(function, "whole", False)),
        formula=" ".join(docstring.split()) or "none",
        ranks_by="",
        source=caller.place[0],
        use="",
        limits="",
        name=name,
        function=function,
        sha256=sha256,
    )


@dataclass(frozen=True)
class _Caller:
    """A function, how its numbers are converted, and its file and line."""

    function: Function
    name: str
    converts: Mapping[str, Convert]
    place: tuple[str, int]

    def rank(self, tile: Tile, context: BatchContext, **given: float) -> Scores:
        """Return the function's scores of a tile's images, float64 (N,), checked."""
        if COSINES in context.used:
            # Before it is this thread's turn. A score that reads them once reads them always.
            _ = tile.cosines
        batch = Batch(self.name, tile, context)
        typed = {key: self.converts[key](value) for key, value in given.items()}

        def call(some: Batch) -> Scores:
            found = numbers(self._called(some, typed), len(some), self._where())
            if tile.first == 0:
                # Here, the error can name the function. Later changes show after the set.
                context.shared.check(self._where())
            return found

        with ONE_AT_A_TIME:
            scores = call(batch)
            checked = context.is_checked or tile.is_whole or len(batch) == 1
            if tile.first == 0 and not checked:
                check_alone(batch, scores, call, self._where())
        return scores

    def _called(self, batch: Batch, given: Mapping[str, float]) -> object:
        return called(lambda: self.function(batch, **given), self.name, self.place[0])

    def _where(self) -> str:
        """Return the function's name, with the file and line of its definition."""
        return named(self.name, *self.place)


def called(call: Callable[[], object], name: str, file: str) -> object:
    """Return what a call of the score `name` returns, whose code is in `file`.

    Raises InputError, in one line, for whatever it raises.
    """
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            # Torch may write to read-only arrays, and warns; these are copies.
            warnings.filterwarnings("ignore", "The given NumPy array is not writ")
            found = call()
            if inspect.iscoroutine(found):
                found.close()  # Nothing awaits it, which Python would warn of.
            return found
    except MissingReferenceError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"{named(name, *place(error, file))} raised {said(error)}") from error


def _fit(context: BatchContext, **given: float) -> BatchContext:
    """Return the context with a record of use of one variant's own."""
    return replace(context, used=set())


def behind(function: object) -> Any:
    """Return the function or class of the user's own behind a partial, wrapper or instance."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        else:
            is_code = inspect.isroutine(function) or inspect.isclass(function)
            return function if is_code else type(function)


def definition(function: Function) -> tuple[str, int]:
    """Return the file and line of a function's definition, ("", 0) if unknown."""
    inner = behind(function)
    code = getattr(inner.__call__ if inspect.isclass(inner) else inner, "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else ("", 0)


def _parameters(function: Function, name: str) -> tuple[dict[str, Parameter], dict[str, Convert]]:
    """Return the parameters of a function's keywords, and how their numbers are converted."""
    try:
        batch, *others = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise InputError(f"{name}: takes no batch of images; {SHAPE}") from None
    if batch.kind not in (batch.POSITIONAL_ONLY, batch.POSITIONAL_OR_KEYWORD):
        raise InputError(f"{name}: its first parameter is {batch}, not the batch; {SHAPE}")
    return keywords(others, name, SHAPE)


def keywords(
    given: Iterable[inspect.Parameter], name: str, shape: str
) -> tuple[dict[str, Parameter], dict[str, Convert]]:
    """Return the parameters of keywords, and how their numbers are converted.

    Raises InputError, with the `shape` to write, for what is no keyword with a number as default.
    """
    parameters, converts = {}, {}
    for one in given:
        if one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL, one.POSITIONAL_ONLY):
            raise InputError(f"{name}: {one} is no keyword with a number as default; {shape}")
        if one.default is one.empty:
            raise InputError(f"{name}: parameter {one.name} has no default; {shape}")
        parameters[one.name], converts[one.name] = _parameter(one.name, one.default, name)
    return parameters, converts


def _parameter(key: str, default: object, name: str) -> tuple[Parameter, Convert]:
    words = OF_MODEL.get(key, {})
    if isinstance(default, bool | np.bool_):
        return Parameter(float(default), whole=True, most=1.0), bool
    if isinstance(default, str) and default in words:
        return Parameter(default, least=-math.inf, words=words), float
    if isinstance(default, Real) and math.isfinite(default):
        # The model's own scale is no whole number, whatever the default is.
        whole = isinstance(default, Integral) and not words
        number = Parameter(float(default), least=-math.inf, whole=whole, words=words)
        return number, int if whole else float
    raise InputError(
        f"{name}: {key}={one_line(ValueError(repr(default)))[:60]} is no default of a score; use "
        "int, float, bool, or 'learned' for temperature, scale and bias"
    )

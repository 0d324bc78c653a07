"""What a user's code reads of its batch, as far as its names tell without a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

REFERENCES = ("negatives", "bank")


def read_by(function: Callable[..., Any] | None) -> list[str]:
    """Return the references that a function names: itself, or functions of its file that it names.

    A reference that only code in another file reads is not found.
    """
    seen: set[str] = set()
    if isinstance(function, FunctionType):
        for name in _names(function, {function}):
            seen.add(name)
    return [one for one in REFERENCES if one in seen]


def _names(function: FunctionType, known: set[FunctionType]) -> Iterator[str]:
    """Yield each name that the code uses, once for each function."""
    for name in _used(function.__code__):
        yield name
        other = function.__globals__.get(name)
        if not isinstance(other, FunctionType) or other in known:
            continue
        if other.__globals__ is function.__globals__:
            known.add(other)
            yield from _names(other, known)


def _used(code: CodeType) -> Iterator[str]:
    """Yield the names in a function's code, and in that of the functions inside it."""
    yield from code.co_names
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _used(one)

"""Properties that are computed once, without a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Value = TypeVar("Value")


class computed_once(Generic[Value]):  # noqa: N801
    """As functools.cached_property, whose lock in Python 3.11 is one for all instances.

    Threads that work on different instances would wait for each other. Those that ask the same one
    at the same moment may compute the value twice.
    """

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute, self.__doc__ = compute, compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        """Keep the name of the attribute."""
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> computed_once[Value]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...
    def __get__(self, instance: object | None, owner: type) -> computed_once[Value] | Value:
        """Compute the value, which then stands in the instance's own attributes."""
        if instance is None:
            return self
        value: Value = self._compute(instance)
        vars(instance)[self._name] = value
        return value

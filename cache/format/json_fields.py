"""Fields of an object in untrusted JSON, each read with a type check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from oodcache.cache.format.rules import shown

# Larger integers are no float, and no count.
LARGEST = 2**63 - 1


def _no_array(given: Any, name: str, what: str, axes: int) -> npt.NDArray[Any]:
    raise ValueError(f"'{what}' is an array, and arrays are not allowed here")


@dataclass(frozen=True)
class Fields:
    """The fields of the object named by `where`, each read with a type check.

    `array_of` reads an array: from its value, field name, full name and number of axes.
    """

    values: Mapping[str, Any]
    where: str = ""
    array_of: Callable[[Any, str, str, int], npt.NDArray[Any]] = _no_array

    def expect(self, *names: str) -> Fields:
        """Return self if it has exactly these fields."""
        if sorted(self.values) != sorted(names):
            owner = f"'{self.where.rstrip('.')}' has" if self.where else "has"
            raise ValueError(f"{owner} fields {sorted(self.values)}, not {sorted(names)}")
        return self

    def text(self, name: str) -> str:
        """Return a non-empty text."""
        return str(self._checked(name, lambda one: isinstance(one, str) and one, "a text"))

    def texts(self, name: str, *, empty: bool = False) -> tuple[str, ...]:
        """Return a list of texts; list and texts are not empty unless `empty`."""

        def is_list(value: Any) -> bool:
            some = isinstance(value, list) and (len(value) > 0 or empty)
            return some and all(isinstance(one, str) and (one or empty) for one in value)

        return tuple(self._checked(name, is_list, "a list of texts"))

    def count(self, name: str, least: int = 1, most: int | None = None) -> int:
        """Return a whole number of at least `least`, and at most `most` if it is given."""
        wanted = f"a whole number of at least {least}"
        if most is not None:
            wanted = f"a whole number from {least:,} to {most:,}"
        largest = LARGEST if most is None else most

        def fits(value: Any) -> bool:
            return type(value) is int and least <= value <= largest

        return int(self._checked(name, fits, wanted))

    def share(self, name: str) -> float:
        """Return a number between 0 and 1."""
        wanted = "a number between 0 and 1"
        return float(self._checked(name, lambda one: type(one) is float and 0 < one < 1, wanted))

    def typed(self, name: str, *types: type) -> Any:
        """Return a value of one of these types, no huge integer; true and false are not numbers."""
        wanted = " or ".join("null" if one is type(None) else one.__name__ for one in types)

        def fits(value: Any) -> bool:
            is_huge = isinstance(value, int) and abs(value) > LARGEST
            return isinstance(value, types) and not isinstance(value, bool) and not is_huge

        return self._checked(name, fits, wanted)

    def number(self, name: str) -> float:
        """Return a number."""
        found: float = self.typed(name, float, int)
        return found

    def fraction(self, name: str, *, optional: bool = False) -> float | None:
        """Return a number from 0 to 1; None for null if `optional`."""
        if optional and self.values[name] is None:
            return None
        if not 0 <= self.number(name) <= 1:
            raise self.wrong(name, "a number from 0 to 1")
        return self.number(name)

    def interval(self, name: str) -> tuple[float, float] | None:
        """Return two numbers, the smaller first, or None for null."""
        given = self.values[name]
        if given is None:
            return None
        if not isinstance(given, list) or len(given) != 2:
            raise self.wrong(name, "two numbers")
        low, high = (Fields({name: one}, self.where).number(name) for one in given)
        if low > high:
            raise self.wrong(name, "two numbers, the smaller first")
        return low, high

    def flag(self, name: str) -> bool:
        """Return true or false."""
        return bool(self._checked(name, lambda one: isinstance(one, bool), "true or false"))

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Return an object with any fields."""
        found: Mapping[str, Any] = self._checked(
            name, lambda one: isinstance(one, dict), "an object"
        )
        return found

    def inner(self, name: str, *names: str) -> Fields:
        """Return the fields of an object that has exactly these."""
        return Fields(self.mapping(name), f"{self.where}{name}.", self.array_of).expect(*names)

    def array(self, name: str, axes: int) -> npt.NDArray[Any]:
        """Return an array with `axes` axes."""
        return self.array_of(self.values[name], name, f"{self.where}{name}", axes)

    def wrong(self, name: str, wanted: str) -> ValueError:
        """Return the error for a field that is not `wanted`."""
        # A name may be anything: the key of an object, with a line break in it.
        named = shown(f"{self.where}{name}")
        return ValueError(f"{named} is {shown(self.values[name])}, not {wanted}")

    def _checked(self, name: str, check: Callable[[Any], Any], wanted: str) -> Any:
        if not check(self.values[name]):
            raise self.wrong(name, wanted)
        return self.values[name]

"""What users' scores fit once per run: each fit with its result, and the references it read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from oodcache.cache.errors import InputError


@dataclass(frozen=True, eq=False)
class OwnFit:
    """What a user's fit returned, and the names of the references that it read."""

    value: Any
    used: frozenset[str]


@dataclass(frozen=True, eq=False)
class OwnFits:
    """The fits of a run, by the function and its arguments; all scores of a run share them."""

    _made: dict[tuple[Any, ...], OwnFit] = field(default_factory=dict)

    def of(
        self, fit: Callable[..., Any], given: tuple[Any, ...], make: Callable[[], OwnFit]
    ) -> OwnFit:
        """Return the fit of a function with what is `given`; `make` makes it, the first time.

        Raises InputError for a function that is defined again at each call.
        """
        key = fit, given
        if key not in self._made:
            code = getattr(fit, "__code__", None)
            others = (one for one, of_one in self._made if of_one == given)
            if code is not None and any(getattr(one, "__code__", None) is code for one in others):
                raise InputError(
                    f"batch.fitted: {getattr(fit, '__name__', 'the function')} is another function "
                    "at each call, and would be fitted for every batch; define it outside the score"
                )
            self._made[key] = make()
        return self._made[key]

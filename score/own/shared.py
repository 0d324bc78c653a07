"""Arrays that all own scores of a run share: copies, with checksums that show any change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

from oodcache.cache.errors import InputError

Numbers = TypeVar("Numbers", bound=np.generic)


@dataclass(frozen=True, eq=False)
class SharedArrays:
    """The arrays by name, as in `batch.classes`, each with its XXH3-64.

    Read-only arrays can be written to by other libraries: torch ignores that flag.
    """

    _copies: dict[str, tuple[npt.NDArray[Any], int]] = field(default_factory=dict)
    _of_set: dict[str, tuple[npt.NDArray[Any], int]] = field(default_factory=dict)

    def copy(self, name: str, values: npt.NDArray[Numbers]) -> npt.NDArray[Numbers]:
        """Return the copy of an array for all own scores, made when the first one reads it."""
        if name not in self._copies:
            made = np.array(values, order="C")
            made.flags.writeable = False
            self._copies[name] = made, _sum(made)
        return self._copies[name][0]

    def held(self, name: str, values: npt.NDArray[Numbers]) -> npt.NDArray[Numbers]:
        """Return a read-only view of an array of one set, checked until the next `check`."""
        if name not in self._of_set:
            view = values.view()
            view.flags.writeable = False
            self._of_set[name] = view, _sum(view)
        return self._of_set[name][0]

    def check(self, whose: str) -> None:
        """Raise InputError if an array has changed; `whose` code may have done so."""
        every = self._copies | self._of_set
        self._of_set.clear()
        for name, (values, before) in every.items():
            if _sum(values) != before:
                raise InputError(f"{whose} changed batch.{name}, which other scores read: copy it")


def _sum(values: npt.NDArray[Any]) -> int:
    return xxh3_64_intdigest(np.ascontiguousarray(values).data)

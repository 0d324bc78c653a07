"""Which kernel is in use: the compiled one where there is one, or NumPy's."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from oodcache.cache.errors import InputError

if TYPE_CHECKING:
    from oodcache.score.kernel.definition import Definition

# "numpy" leaves the compiled kernel aside, "c" insists on it, "avx2" keeps it from using AVX-512.
VARIABLE = "OODCACHE_KERNEL"


class Choice(NamedTuple):
    """A kernel, as results name it: `C, AVX-512`, or `NumPy`, with the `reason` for NumPy."""

    name: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})" if self.reason else self.name


@cache
def kernel() -> Definition:
    """Return the kernel that is in use. Raises InputError as `in_use` does."""
    # Imported late: without NumPy, `oodcache -V` is faster.
    if in_use().reason:
        from oodcache.score.kernel.definition import Definition

        return Definition()
    from oodcache.score.kernel.compiled import Compiled

    return Compiled()


@cache
def in_use() -> Choice:
    """Return which kernel is in use, by `VARIABLE` and by what was built.

    Raises InputError for another value of `VARIABLE`, or if it is `c` and there is no such kernel.
    """
    asked = os.environ.get(VARIABLE, "")
    if asked not in ("", "c", "avx2", "numpy"):
        raise InputError(f"{VARIABLE} is {asked!r}, not c, avx2 or numpy; correct it, or unset it")
    if asked == "numpy":
        return Choice("NumPy", f"{VARIABLE}={asked}")
    found = _compiled()
    if asked and found.reason:
        raise InputError(f"{VARIABLE} is {asked!r}, but {found.reason}; unset it to use NumPy")
    return found


def _compiled() -> Choice:
    """Return the compiled kernel, or why it is NumPy's."""
    try:
        instructions: str = import_module("oodcache.score.kernel._rows").instructions
    except ModuleNotFoundError:
        return Choice("NumPy", "no compiled kernel was built")
    except ImportError as error:
        return Choice("NumPy", f"the compiled kernel cannot be loaded: {error}")
    return Choice(f"C, {instructions}")

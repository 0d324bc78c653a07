"""Slices of words or of images, worked on by several threads, each with one BLAS thread.

The slices do not depend on the number of threads, so neither do results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from oodcache.score.formulas.tile import processors

Made = TypeVar("Made")


def slices(count: int, size: int) -> list[slice]:
    """Return the slices of at most `size` that `count` rows are cut into."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def over_slices(work: Callable[[slice], Made], parts: Sequence[slice]) -> list[Made]:
    """Return `work(part)` of each part, in order."""
    threads = min(processors(), len(parts))
    with _libraries().limit(limits=1, user_api="blas"):
        if threads < 2:
            return [work(part) for part in parts]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(work, parts))


@cache
def _libraries() -> ThreadpoolController:
    # Finding the BLAS libraries takes milliseconds, each time.
    return ThreadpoolController()

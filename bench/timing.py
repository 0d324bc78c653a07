"""How long calls take, run in turns: what every benchmark of this folder takes medians of."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.float64]


def seconds(work: Callable[[], object]) -> float:
    """Return the wall-clock seconds of one call."""
    return took(work)[0]


def took(work: Callable[[], object]) -> tuple[float, float]:
    """Return the wall-clock seconds of one call, and the processor seconds.

    Those of processes that it started and waited for count, too.
    """
    start, processor = time.perf_counter(), _processor_seconds()
    work()
    return time.perf_counter() - start, _processor_seconds() - processor


def in_turns(*works: Callable[[], object], runs: int) -> Times:
    """Return the times of all, run in turns so that they meet the same machine.

    Of shape (runs, works, 2): wall-clock and processor seconds.
    """
    return np.array([[took(work) for work in works] for _ in range(runs)])


def _processor_seconds() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime

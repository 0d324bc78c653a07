"""How long one call takes: what every benchmark of this folder pairs and takes medians of."""

import time
from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    """Return the wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start

"""Claims about properties that are computed once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from oodcache.cache.computed_once import computed_once


class Counted:
    """An instance that counts how often its value is computed."""

    def __init__(self, barrier: Barrier | None = None) -> None:
        self.calls, self.barrier = 0, barrier

    @computed_once
    def value(self) -> int:
        """Return a number."""
        self.calls += 1
        if self.barrier is not None:
            self.barrier.wait(timeout=60)
        return 7


def test_a_value_is_computed_once() -> None:
    one = Counted()
    assert (one.value, one.value, one.calls) == (7, 7, 1)
    assert vars(one)["value"] == 7
    assert Counted.value.__doc__ == "Return a number."


def test_threads_compute_the_values_of_different_instances_at_the_same_time() -> None:
    # Each waits until the other computes, too.
    barrier = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(lambda one: one.value, [Counted(barrier), Counted(barrier)])] == [7, 7]

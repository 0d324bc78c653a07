from __future__ import annotations

from threading import get_ident

import pytest
from threadpoolctl import threadpool_info

from oodcache.score.streams.activated import slices as module
from oodcache.score.streams.activated.slices import over_slices, slices


def test_slices_hold_each_row_once() -> None:
    parts = slices(23, 5)
    assert [place for part in parts for place in range(23)[part]] == [*range(23)]
    assert [part.stop - part.start for part in parts] == [5, 5, 5, 5, 3]
    assert not slices(0, 5)


@pytest.mark.parametrize("threads", [1, 3])
def test_work_is_done_in_order_with_one_blas_thread(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "processors", lambda: threads)

    def work(part: slice) -> tuple[int, int, bool]:
        blas = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
        return part.start, get_ident(), set(blas) <= {1}

    found = over_slices(work, slices(20, 2))
    assert [start for start, _, _ in found] == [*range(0, 20, 2)]
    assert len({thread for _, thread, _ in found}) <= threads
    assert all(is_one for _, _, is_one in found)

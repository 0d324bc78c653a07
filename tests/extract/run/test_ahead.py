"""Claims about items made ahead in a thread: in order, not too many, and gone with their taker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from oodcache.extract.run.ahead import ahead


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("ahead")]


def counting(made: list[int], count: int) -> Iterator[int]:
    for number in range(count):
        made.append(number)
        yield number


@pytest.mark.parametrize("depth", [1, 2, 7])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_all_items_come_in_order_and_the_thread_ends(depth: int, count: int) -> None:
    assert list(ahead(iter(range(count)), depth)) == list(range(count))
    assert not threads()


def test_the_next_items_are_made_before_they_are_asked_for_and_no_more() -> None:
    made, reached = list[int](), threading.Event()

    def watched() -> Iterator[int]:
        for number in counting(made, 100):
            if number == 3:
                reached.set()
            yield number

    with closing(ahead(watched(), 3)) as items:
        assert next(items) == 0
        assert reached.wait(10)
    assert made == [0, 1, 2, 3]


def test_an_error_comes_where_its_item_would_have_come() -> None:
    def failing() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("third")

    items, taken = ahead(failing(), 5), []
    with pytest.raises(ValueError, match="third"):
        for item in items:
            taken.append(item)
    assert taken == [1, 2]
    assert not threads()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, ValueError])
def test_whoever_stops_taking_ends_the_thread(stop: type[BaseException]) -> None:
    made: list[int] = []
    with pytest.raises(stop), closing(ahead(counting(made, 1000), 2)) as items:
        for _ in items:
            raise stop
    assert not threads()
    assert len(made) <= 3


def test_nothing_is_made_before_the_first_is_asked_for() -> None:
    made: list[int] = []
    items = ahead(counting(made, 3), 2)
    assert not threads()
    assert not made
    items.close()

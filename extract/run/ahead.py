"""Items made in a thread, a few ahead of whoever takes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, cast

Item = TypeVar("Item")


def ahead(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    """Yield the items in order, while a thread makes up to `depth` that follow.

    What making one raises is raised where it would have been yielded. The thread begins with the
    first item, and has ended once the last is taken or the generator is closed.
    """
    iterator, end = iter(items), object()
    waiting: deque[Future[object]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        try:
            for _ in range(depth):
                waiting.append(thread.submit(next, iterator, end))
            while (item := waiting.popleft().result()) is not end:
                waiting.append(thread.submit(next, iterator, end))
                yield cast(Item, item)
        finally:
            for one in waiting:
                one.cancel()

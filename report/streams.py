"""Courses of streams: the path of a score on one OOD set in one order, with its measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oodcache.report.tables.grid import Key, key, names
from oodcache.score.measures.result import HEADLINES, Result, StreamPath
from oodcache.score.onepass.variants import Variant


@dataclass(frozen=True)
class StreamCourse:
    """A row of results: `method` on `ood`, its images in `order`, as typed.

    `method` is the score as typed, with the model or the template if they differ. `orders` has the
    headline measures of each order, such as "shuffle 0". `path` is None for an average, and in
    results of an earlier version. A stream that `is_shared` has images of other OOD sets, too.
    """

    method: str
    order: str
    ood: str
    orders: Mapping[str, Mapping[str, float]]
    path: StreamPath | None
    is_shared: bool = False


def courses(results: Sequence[Result]) -> list[StreamCourse]:
    """Return the courses of all scores that learn from a stream, in order."""
    learning = [(one, one.stream) for one in results if one.stream is not None]
    methods = names(_method(one) for one, _ in learning)
    return [
        StreamCourse(
            methods[_method(one)],
            stream.order,
            one.ood,
            {
                order: {name: measures[name] for name in HEADLINES}
                for order, measures in stream.orders.items()
            },
            stream.path,
            not one.is_average and stream.images > one.n_id + one.n_ood,
        )
        for one, stream in learning
    ]


def _method(one: Result) -> Key:
    model, template, _ = key(one)
    return model, template, Variant(one.score, one.parameters).label


def pathless(results: Sequence[Result]) -> list[str]:
    """Return the rows on one OOD set whose streams an earlier version did not follow."""
    without = [
        one for one in results if one.stream and one.stream.path is None and not one.is_average
    ]
    return list(dict.fromkeys(key(one)[2] for one in without))


def windows(shown: Sequence[StreamCourse]) -> str:
    """Return the lengths of the courses' windows, such as "200" or "200 to 600".

    >>> windows([])
    ''
    """
    lengths = sorted({one.path.window for one in shown if one.path is not None})
    return " to ".join(f"{length:,}" for length in dict.fromkeys([*lengths[:1], *lengths[-1:]]))

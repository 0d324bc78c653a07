"""The orders and the path of a stream, read back from the untrusted row of a results file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from oodcache.cache.format.json_fields import Fields
from oodcache.score.measures.result import HEADLINES, MEASURES, StreamMeasures, StreamPath

COUNTS = ("id_held", "ood_held")
FRACTIONS = ("id_share", "ood_share", "threshold")


def stream_measures(row: Mapping[str, Any]) -> StreamMeasures:
    """Return the orders of a row's streams; raise ValueError if they are not valid.

    Results that were made before streams had paths have none.
    """
    newer = ["path"] if "path" in row else []
    given = Fields(row, "stream.")
    given.expect("order", "images", "orders", "deviations", "note", *newer)
    given.typed("order", str)
    given.typed("note", str)
    given.count("images")
    several = Fields(given.mapping("orders"), "stream.orders.")
    if not several.values:
        raise given.wrong("orders", "an object with an order")
    for name in several.values:
        _check_measures(several.mapping(name), f"stream.orders.{name[:60]}.")
    if (row["deviations"] is None) != (len(several.values) == 1):
        wanted = "null" if len(several.values) == 1 else "an object, as there are several orders"
        raise given.wrong("deviations", wanted)
    if row["deviations"] is not None:
        _check_measures(given.mapping("deviations"), "stream.deviations.")
    path = None if row.get("path") is None else _path(given.mapping("path"))
    return StreamMeasures(**{**row, "path": path})


def _check_measures(measures: Mapping[str, Any], where: str) -> None:
    inner = Fields(measures, where)
    for name in (*(measure.name for measure in MEASURES), *measures):
        if name not in measures:
            raise ValueError(f"no '{where}{name}'")
        inner.fraction(name)


def _path(row: Mapping[str, Any]) -> StreamPath:
    given = Fields(row, "stream.path.").expect(*(one.name for one in fields(StreamPath)))
    given.typed("order", str)
    given.count("window")
    ends, moments = (_counts(given, name) for name in ("ends", "moments"))
    measured = given.inner("measured", *HEADLINES)
    found: dict[str, Any] = {**row, "ends": ends, "moments": moments}
    found["measured"] = {name: _fractions(measured, name, len(ends)) for name in HEADLINES}
    there = [name for name in (*COUNTS, *FRACTIONS) if row[name] is not None]
    for held, share in zip(COUNTS, FRACTIONS, strict=False):
        if (held in there) != (share in there):
            raise given.wrong(share, f"null together with '{held}', or neither is")
    for name in there:
        read = _fractions if name in FRACTIONS else _counts
        found[name] = read(given, name, len(moments))
    return StreamPath(**found)


def _counts(given: Fields, name: str, length: int | None = None) -> tuple[int, ...]:
    """Return a list of whole numbers, of a `length` if it is given."""
    items, least = _items(given, name, length), 0 if name in COUNTS else 1
    return tuple(items.count(place, least) for place in items.values)


def _fractions(given: Fields, name: str, length: int) -> tuple[float | None, ...]:
    """Return a list of fractions or nulls."""
    items = _items(given, name, length)
    return tuple(items.fraction(place, optional=True) for place in items.values)


def _items(given: Fields, name: str, length: int | None) -> Fields:
    """Return the items of a list as fields, by their places."""
    found = given.typed(name, list)
    if not found or length not in (None, len(found)):
        raise given.wrong(name, f"a list of {'one or more' if length is None else length}")
    return Fields({str(place): one for place, one in enumerate(found)}, f"{given.where}{name}.")

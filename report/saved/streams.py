"""The orders and the path of a stream, read back from the untrusted row of a results file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from oodcache.cache.format.json_fields import Fields
from oodcache.score.measures.orders.stream_path import WINDOWS
from oodcache.score.measures.result import HEADLINES, MEASURES, StreamMeasures, StreamPath
from oodcache.score.streams.runs import MOMENTS

COUNTS, SHARES = ("id_held", "ood_held"), ("id_share", "ood_share")


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
    path = None if row.get("path") is None else _path(given.mapping("path"), row)
    return StreamMeasures(**{**row, "path": path})


def _check_measures(measures: Mapping[str, Any], where: str) -> None:
    inner = Fields(measures, where)
    for name in (*(measure.name for measure in MEASURES), *measures):
        if name not in measures:
            raise ValueError(f"no '{where}{name}'")
        inner.fraction(name)


def _path(row: Mapping[str, Any], stream: Mapping[str, Any]) -> StreamPath:
    """Return the path of a stream whose other fields have been checked."""
    given = Fields(row, "stream.path.").expect(*(one.name for one in fields(StreamPath)))
    if given.typed("order", str) not in stream["orders"]:
        raise given.wrong("order", "one of 'stream.orders'")
    ends = _moments(given, "ends", WINDOWS, stream["images"])
    moments = _moments(given, "moments", MOMENTS, stream["images"])
    if given.count("window") > ends[0]:
        raise given.wrong("window", f"at most the first of 'ends', {ends[0]:,}")
    measured = given.inner("measured", *HEADLINES)
    found: dict[str, Any] = {**row, "ends": ends, "moments": moments}
    found["measured"] = {name: _fractions(measured, name, len(ends)) for name in HEADLINES}
    for held, share in zip(COUNTS, SHARES, strict=True):
        found |= _side(given, held, share, moments)
    if row["threshold"] is not None:
        found["threshold"] = _fractions(given, "threshold", len(moments))
    return StreamPath(**found)


def _side(given: Fields, held: str, share: str, moments: Sequence[int]) -> dict[str, Any]:
    """Return what one side's memory held, and its shares: each with a number if it held any."""
    if given.values[held] is None or given.values[share] is None:
        if given.values[held] is not given.values[share]:
            raise given.wrong(share, f"null together with '{held}', or neither is")
        return {}
    items = _items(given, held, len(moments))
    counts = tuple(
        items.count(place, 0, most) for place, most in zip(items.values, moments, strict=True)
    )
    shares = _fractions(given, share, len(moments))
    for place, (count, value) in enumerate(zip(counts, shares, strict=True)):
        if (count == 0) != (value is None):
            wanted = f"{'null' if count == 0 else 'a number'}, as '{held}' has {count:,} there"
            raise Fields({str(place): value}, f"{given.where}{share}.").wrong(str(place), wanted)
    return {held: counts, share: shares}


def _moments(given: Fields, name: str, most: int, images: int) -> tuple[int, ...]:
    """Return a rising list of at most `most` counts, of `images` at most."""
    if len(found := given.typed(name, list)) > most:
        raise ValueError(f"'{given.where}{name}' has {len(found):,} items, not {most} at most")
    items, rising = _items(given, name), list[int]()
    for place in items.values:
        rising.append(items.count(place, rising[-1] + 1 if rising else 1, images))
    return tuple(rising)


def _fractions(given: Fields, name: str, length: int) -> tuple[float | None, ...]:
    """Return a list of fractions or nulls."""
    items = _items(given, name, length)
    return tuple(items.fraction(place, optional=True) for place in items.values)


def _items(given: Fields, name: str, length: int | None = None) -> Fields:
    """Return the items of a list as fields, by their places."""
    found = given.typed(name, list)
    if not found or length not in (None, len(found)):
        raise given.wrong(name, f"a list of {'one or more' if length is None else length}")
    return Fields({str(place): one for place, one in enumerate(found)}, f"{given.where}{name}.")

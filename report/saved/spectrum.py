"""What a row tells of csid images, read back from the untrusted row of a results file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from oodcache.cache.format.json_fields import Fields
from oodcache.score.measures.result import HEADLINES
from oodcache.score.measures.spectrum.spectrum import CSID, FULL, Drop, Spectrum


def spectrum(row: Mapping[str, Any], positives: str) -> Spectrum:
    """Return what a row on `positives` tells of them; raise ValueError if it is not valid."""
    given = Fields(row, "spectrum.").expect(*(one.name for one in fields(Spectrum)))
    given.typed("id_set", str)
    counts = ("images", "with_source", "classes")
    for name in counts:
        inner = Fields(given.mapping(name), f"spectrum.{name}.")
        for each in inner.values:
            inner.count(each, 0)
    images, csid = row["images"], [*row["with_source"]]
    own = positives.removeprefix(CSID)
    is_full = positives == FULL and len(images) > 1 and [*images] == [row["id_set"], *csid]
    if not is_full and not (positives.startswith(CSID) and [*images] == csid == [own]):
        raise given.wrong("images", f"the sets of {positives[:80]}")
    if [*row["classes"]] != csid:
        raise given.wrong("classes", "counts of the same csid sets as 'with_source'")
    given.fraction("own_accuracy", optional=True)
    if (row["drop"] is None) == is_full:
        raise given.wrong("drop", "an object" if is_full else "null in a row on one set")
    drops = given.inner("drop", *HEADLINES) if is_full else None
    found = drops and {name: _drop(drops.mapping(name), name) for name in HEADLINES}
    return Spectrum(**{**row, "drop": found})


def _drop(row: Mapping[str, Any], name: str) -> Drop:
    given = Fields(row, f"spectrum.drop.{name}.").expect(*(one.name for one in fields(Drop)))
    return Drop(given.number("value"), given.interval("ci"), given.interval("bootstrap"))

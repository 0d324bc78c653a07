"""The draws of a bank, read back from the untrusted row of a results file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oodcache.cache.format.json_fields import Fields
from oodcache.score.measures.result import MEASURES
from oodcache.score.measures.shots import Shots


def shots(row: Mapping[str, Any]) -> Shots:
    """Return the shots of a row; raise ValueError if they are not valid."""
    given = Fields(row, "shots.").expect("per_class", "draws", "ranges")
    per_class = given.count("per_class")
    each = Fields(given.mapping("draws"), "shots.draws.")
    if not each.values:
        raise given.wrong("draws", "an object with a draw")
    names: list[str] = []
    for seed in each.values:
        measures = Fields(each.mapping(seed), f"shots.draws.{seed[:60]}.")
        names = names or [*measures.values]
        measures.expect(*names)
        for name in (*(one.name for one in MEASURES), *names):
            if name not in measures.values:
                raise ValueError(f"no 'shots.draws.{seed[:60]}.{name}'")
            measures.fraction(name)
    found = Shots.of(per_class, {seed: each.mapping(seed) for seed in each.values})
    ranges = row["ranges"]
    of_file = None
    if ranges is not None:
        inner = Fields(given.mapping("ranges"), "shots.ranges.")
        of_file = {name: inner.interval(name) for name in inner.values}
    if of_file != found.ranges:
        raise given.wrong("ranges", "the least and largest of 'shots.draws'")
    return found

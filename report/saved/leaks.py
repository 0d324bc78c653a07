"""What a row tells of leaks, read back from the untrusted row of a results file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from oodcache.cache.format.json_fields import Fields
from oodcache.score.measures.result import LeakCount


def leak_count(row: Mapping[str, Any]) -> LeakCount:
    """Return the leaks of a row; raise ValueError if they are not valid."""
    given = Fields(row, "leaks.").expect(*(one.name for one in fields(LeakCount)))
    given.count("words", 0)
    for name in ("names", "descendants", "ancestors", "left_out"):
        if row[name] is not None:
            given.count(name, 0)
    given.typed("compared", str)
    return LeakCount(**row)

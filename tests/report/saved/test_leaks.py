"""Claims about leaks read back: what was written is read, and nothing else."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from samples.report.results import FIRST

from oodcache.report.saved.leaks import leak_count
from oodcache.report.saved.results import parsed
from oodcache.report.tables.formats import to_json
from oodcache.score.measures.result import LeakCount

COUNTS = (
    LeakCount(5, 2, 1, 0, "WordNet 3.0", 3),
    LeakCount(5, None, None, None, "spelling"),
)


@pytest.mark.parametrize("count", COUNTS)
def test_what_was_written_is_read(count: LeakCount) -> None:
    row = replace(FIRST, negatives="far", leaks=count)
    assert parsed(to_json([row], (), {}).encode(), Path("r.json")).results == (row,)


def test_results_of_an_earlier_version_have_none() -> None:
    whole = json.loads(to_json([FIRST], (), {}))
    del whole["sha256"], whole["results"][0]["leaks"]
    (found,) = parsed(json.dumps(whole).encode(), Path("r.json")).results
    assert found.leaks is None
    assert not found.is_diagnostic


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"words": -1}, "'leaks.words' is -1"),
        ({"names": True}, "'leaks.names' is True"),
        ({"ancestors": 0.5}, "'leaks.ancestors' is 0.5"),
        ({"left_out": "3"}, "'leaks.left_out' is '3'"),
        ({"compared": None}, "'leaks.compared' is None"),
        ({"more": 1}, "'leaks' has fields"),
    ],
)
def test_what_would_not_be_written_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        leak_count(asdict(COUNTS[0]) | changes)

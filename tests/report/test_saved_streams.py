"""Claims about streams read back: any path that is valid comes back as it was written."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oodcache.report.saved_streams import stream_measures
from oodcache.score.measures.result import StreamMeasures, StreamPath

MEASURED = {"auroc": 0.5, "aupr_in": 0.5, "aupr_out": 0.5, "fpr95": 0.25}
FRACTIONS = st.none() | st.floats(0, 1)


@st.composite
def paths(draw: st.DrawFn) -> StreamPath:
    windows, moments = draw(st.integers(1, 9)), draw(st.integers(1, 9))

    def some(values: st.SearchStrategy[Any], count: int) -> Any:
        return tuple(draw(st.lists(values, min_size=count, max_size=count)))

    def side() -> Any:
        if draw(st.booleans()):
            return None, None
        return some(st.integers(0, 99), moments), some(FRACTIONS, moments)

    return StreamPath(
        draw(st.text()),
        draw(st.integers(1, 99)),
        some(st.integers(1, 99), windows),
        {name: some(FRACTIONS, windows) for name in ("auroc", "fpr95")},
        some(st.integers(1, 99), moments),
        *(*side(), *side()),
        draw(st.none() | st.just(some(FRACTIONS, moments))),
    )


@given(st.none() | paths())
def test_what_was_written_is_read(path: StreamPath | None) -> None:
    wrote = StreamMeasures("drift", 90, {"drift": MEASURED}, path=path)
    assert stream_measures(json.loads(json.dumps(asdict(wrote)))) == wrote

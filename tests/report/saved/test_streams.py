"""Claims about streams read back: any path that is valid comes back as it was written."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.report.saved.streams import stream_measures
from oodcache.score.measures.result import StreamMeasures, StreamPath

MEASURED = {"auroc": 0.5, "aupr_in": 0.5, "aupr_out": 0.5, "fpr95": 0.25}
FRACTIONS = st.none() | st.floats(0, 1)


@st.composite
def paths(draw: st.DrawFn) -> StreamPath:
    """Draw a path of 90 images in the order "drift"."""

    def some(values: st.SearchStrategy[Any], count: int) -> Any:
        return tuple(draw(st.lists(values, min_size=count, max_size=count)))

    def rising() -> tuple[int, ...]:
        return tuple(sorted(draw(st.sets(st.integers(1, 90), min_size=1, max_size=9))))

    ends, moments = rising(), rising()

    def side() -> Any:
        if draw(st.booleans()):
            return None, None
        held = tuple(draw(st.integers(0, one)) for one in moments)
        return held, tuple(draw(st.floats(0, 1)) if one else None for one in held)

    return StreamPath(
        "drift",
        draw(st.integers(1, ends[0])),
        ends,
        {name: some(FRACTIONS, len(ends)) for name in ("auroc", "fpr95")},
        moments,
        *(*side(), *side()),
        draw(st.none() | st.just(some(FRACTIONS, len(moments)))),
    )


@given(st.none() | paths())
def test_what_was_written_is_read(path: StreamPath | None) -> None:
    wrote = StreamMeasures("drift", 90, {"drift": MEASURED}, path=path)
    assert stream_measures(json.loads(json.dumps(asdict(wrote)))) == wrote


PATH: dict[str, Any] = {
    "order": "drift",
    "window": 40,
    "ends": [40, 90],
    "measured": {"auroc": [0.5, 0.5], "fpr95": [None, 0.5]},
    "moments": [64, 90],
    **{"id_held": [0, 2], "id_share": [None, 0.5], "ood_held": None, "ood_share": None},
    "threshold": None,
}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"ends": [40, 10**400]}, r"'stream\.path\.ends\.1' is 10{199}…, not .* from 41 to 90$"),
        ({"moments": [64, 10**400]}, r"moments\.1' is 1.*, not a whole number from 65 to 90$"),
        ({"ends": [50, 40]}, r"ends\.1' is 40, not a whole number from 51 to 90$"),
        ({"ends": [40, 91]}, r"ends\.1' is 91, not a whole number from 41 to 90$"),
        ({"window": 41}, r"window' is 41, not at most the first of 'ends', 40$"),
        ({"order": "shuffle 0"}, r"order' is 'shuffle 0', not one of 'stream\.orders'$"),
        ({"id_share": [0.5, 0.5]}, r"id_share\.0' is 0\.5, not null, as 'id_held' has 0 there$"),
        ({"id_share": [None, None]}, r"share\.1' is None, not a number, as 'id_held' has 2 there$"),
        ({"id_held": [0, 91]}, r"id_held\.1' is 91, not a whole number from 0 to 90$"),
        ({"id_held": None}, r"id_share' is \[None, 0\.5\], not null together with 'id_held'"),
        ({"ends": [*range(1, 102)]}, r"^'stream\.path\.ends' has 101 items, not 100 at most$"),
        ({"moments": [*range(1, 22)]}, r"moments' has 21 items, not 20 at most$"),
        ({"threshold": [0.5]}, r"threshold' is \[0\.5\], not a list of 2$"),
    ],
)
def test_a_path_that_no_stream_has_is_rejected(changed: dict[str, Any], words: str) -> None:
    wrote = asdict(StreamMeasures("drift", 90, {"drift": MEASURED})) | {"path": PATH}
    assert stream_measures(wrote).path is not None
    with pytest.raises(ValueError, match=words) as found:
        stream_measures(wrote | {"path": PATH | changed})
    assert len(str(found.value)) < 400 and "\n" not in str(found.value)

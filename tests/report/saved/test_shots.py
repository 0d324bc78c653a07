"""Claims about draws of a bank read back: what was written is read, all else is rejected."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.report.results import FIRST

from oodcache.report.saved.results import parsed
from oodcache.report.saved.shots import shots
from oodcache.report.tables.formats import to_json
from oodcache.score.measures.shots import Shots

NAMES = ("auroc", "aupr_in", "aupr_out", "fpr95", "fpr_at_tpr_0.9")
MEASURED = st.fixed_dictionaries({name: st.floats(0, 1) for name in NAMES})


@given(st.integers(1, 99), st.lists(MEASURED, min_size=1, max_size=4))
def test_what_was_written_is_read(per_class: int, each: list[dict[str, float]]) -> None:
    wrote = Shots.of(per_class, {str(place): one for place, one in enumerate(each)})
    assert shots(json.loads(json.dumps(asdict(wrote)))) == wrote


def test_rows_of_several_banks_are_read_back() -> None:
    draws = {str(seed): dict.fromkeys(NAMES, 0.25 * seed) for seed in (1, 2)}
    given: dict[str, Any] = {"bank_labels": "own", "auroc_ci": None}
    rows = tuple(
        replace(FIRST, bank=f"train:{number}", shots=Shots.of(number, draws), **given)
        for number in (1, 4)
    )
    assert parsed(to_json(rows, [], {}).encode(), Path("r.json")).results == rows


GOOD: dict[str, Any] = asdict(
    Shots.of(4, {"0": dict.fromkeys(NAMES, 0.5), "1": dict.fromkeys(NAMES, 0.75)})
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"per_class": 0}, "'shots.per_class' is 0, not a whole number of at least 1"),
        ({"draws": {}}, "'shots.draws' is {}, not an object with a draw"),
        ({"draws": {"0": {"auroc": 0.5}}}, "no 'shots.draws.0.aupr_in'"),
        ({"draws": GOOD["draws"] | {"1": {}}}, "'shots.draws.1' has fields"),
        ({"draws": {"0": dict.fromkeys(NAMES, 2.0)}}, "'shots.draws.0.auroc' is 2.0, not a number"),
        ({"ranges": None}, "'shots.ranges' is None, not the least and largest of 'shots.draws'"),
        ({"ranges": {"auroc": [0.5, 0.9]}}, "not the least and largest of 'shots.draws'"),
        ({"more": 1}, "'shots' has fields"),
    ],
)
def test_anything_else_is_rejected(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError) as error:
        shots(json.loads(json.dumps(GOOD)) | changes)
    assert words in str(error.value)

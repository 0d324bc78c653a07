"""Claims about selective classification and clean rows read back: what was written."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from samples.report.results import FIRST

from oodcache.cache.errors import InputError
from oodcache.report.saved.results import parsed
from oodcache.report.saved.selective import saved_selective
from oodcache.report.tables.formats import to_json
from oodcache.score.measures.selective.selective import RiskMeasures, Selective

MEASURES = RiskMeasures(0.1, 0.05, {"0.8": 0.9, "0.95": 1.0}, {"0.95": 0.75, "0.5": None})
FOUND = Selective(40, MEASURES, replace(MEASURES, aurc=0.3), replace(MEASURES, augrc=0.2))
ROW = replace(FIRST, selective=FOUND, clean=replace(FIRST, n_id=49_000, auroc=0.9))


def test_what_was_written_is_read() -> None:
    assert parsed(to_json([ROW], (), {}).encode(), Path("r.json")).results == (ROW,)


def test_results_of_an_earlier_version_have_none() -> None:
    whole = json.loads(to_json([ROW], (), {}))
    del whole["sha256"], whole["results"][0]["selective"], whole["results"][0]["clean"]
    (found,) = parsed(json.dumps(whole).encode(), Path("r.json")).results
    assert (found.selective, found.clean) == (None, None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": 0}, "'selective.images' is 0"),
        ({"more": 1}, "'selective' has fields"),
        ({"balanced": None}, "'selective.balanced' is None, not an object"),
        ({"id_alone": {"aurc": 0}}, "'selective.id_alone' has fields"),
        ({"id_alone": {**asdict(MEASURES), "aurc": 1.5}}, "'selective.id_alone.aurc' is 1.5"),
        (
            {"with_ood": {**asdict(MEASURES), "accuracy_at_coverage": {"0.8": None}}},
            "'selective.with_ood.accuracy_at_coverage.0.8' is None",
        ),
        (
            {"with_ood": {**asdict(MEASURES), "accuracy_at_tpr": {"<b>": 0.5}}},
            "'selective.with_ood.accuracy_at_tpr' has '<b>', which is no share",
        ),
        (
            {"with_ood": {**asdict(MEASURES), "accuracy_at_tpr": {"nan": 0.5}}},
            "'selective.with_ood.accuracy_at_tpr' has 'nan', which is no share",
        ),
    ],
)
def test_what_would_not_be_written_is_refused(changes: dict[str, Any], words: str) -> None:
    row = json.loads(json.dumps(asdict(FOUND)))
    with pytest.raises(ValueError) as error:
        saved_selective({**row, **changes})
    assert words in str(error.value)


@pytest.mark.parametrize("changes", [{"ood": "SUN"}, {"score": "energy"}, {"clean": {}}])
def test_a_clean_row_of_another_row_is_refused(changes: dict[str, Any]) -> None:
    whole = json.loads(to_json([ROW], (), {}))
    del whole["sha256"]
    clean = whole["results"][0]["clean"]
    clean.update({name: dict(clean) if value == {} else value for name, value in changes.items()})
    with pytest.raises(InputError) as error:
        parsed(json.dumps(whole).encode(), Path("r.json"))
    assert "'clean' is not a row of the same score and sets" in str(error.value)

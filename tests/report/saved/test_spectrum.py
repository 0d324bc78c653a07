"""Claims about csid rows read back: what was written is read, and nothing else."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from samples.report.spectra import shifted

from oodcache.report.saved.results import parsed
from oodcache.report.saved.spectrum import spectrum
from oodcache.report.tables.formats import to_json

ROWS = shifted()


def test_what_was_written_is_read() -> None:
    text = to_json(ROWS, (), {})
    assert parsed(text.encode(), Path("r.json")).results == tuple(ROWS)


def test_results_of_an_earlier_version_have_none() -> None:
    whole = json.loads(to_json(ROWS[:1], (), {}))
    del whole["sha256"], whole["results"][0]["spectrum"]
    (found,) = parsed(json.dumps(whole).encode(), Path("r.json")).results
    assert found.spectrum is None


@pytest.mark.parametrize(
    ("place", "changes", "words"),
    [
        (3, {"images": {"imagenet-val": 1}}, "not the sets of full-spectrum"),
        (1, {"images": {"sun": 1}}, "not the sets of csid:imagenet-r"),
        (1, {"images": {"imagenet-r": -1}}, "'spectrum.images.imagenet-r' is -1"),
        (1, {"own_accuracy": 2.0}, "'spectrum.own_accuracy' is 2.0"),
        (1, {"classes": {}}, "not counts of the same csid sets"),
        (3, {"drop": None}, "'spectrum.drop' is None, not an object"),
        (1, {"drop": {}}, "not null in a row on one set"),
        (3, {"drop": {"auroc": {}, "fpr95": {}}}, "'spectrum.drop.auroc' has fields"),
        (1, {"more": 1}, "'spectrum' has fields"),
        (1, {"id_set": 4}, "'spectrum.id_set' is 4"),
    ],
)
def test_what_would_not_be_written_is_refused(
    place: int, changes: dict[str, Any], words: str
) -> None:
    row = json.loads(json.dumps(asdict(ROWS[place])))
    with pytest.raises(ValueError) as error:
        spectrum({**row["spectrum"], **changes}, row["id"])
    assert words in str(error.value)


def test_a_huge_integer_is_no_bound_of_an_interval() -> None:
    row = json.loads(json.dumps(asdict(ROWS[3])))
    row["spectrum"]["drop"]["fpr95"]["bootstrap"] = [-(10**400), 0.5]
    with pytest.raises(ValueError, match=r"'spectrum\.drop\.fpr95\.bootstrap' is -1000"):
        spectrum(row["spectrum"], row["id"])


def test_a_row_of_the_id_set_has_no_spectrum() -> None:
    row = json.loads(json.dumps(asdict(ROWS[1])))["spectrum"]
    with pytest.raises(ValueError, match="not the sets of imagenet-r"):
        spectrum(row, "imagenet-r")

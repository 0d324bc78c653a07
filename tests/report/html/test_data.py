"""Claims about the data of the page's script: its numbers, and its names if they are replaced."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from samples.report.arrays import unpacked
from samples.report.content import HOSTILE, MODELS, sample
from samples.report.streams import streamed

from oodcache.report.content import Content, EmbeddingMap
from oodcache.report.html.arrays import PackedArrays
from oodcache.report.html.data import as_json, data, written
from oodcache.report.html.renaming import Named, renamed
from oodcache.report.saved.results import Saved

SAVED, CONTENT = sample()
NEW = {"mcm": "MCM", "max-logit": "Max", MODELS[0]: "CLIP", "near": "Near", "pets": "Pets"}
CHART = EmbeddingMap(
    MODELS[0], ("pets", "near"), 1, (0, 1), ("a.png", "near"), (0.0, 1.0), (0.0, 1.0), (0.5, 0.1), 2
)


def data_of(content: Content, named: Named, saved: Saved = SAVED) -> Any:
    """Return the data as the script reads them."""
    arrays = PackedArrays()
    made = as_json(data(saved, content, arrays, named))
    return unpacked(json.loads(made), arrays.bytes())


def test_numbers_in_its_data_are_those_of_the_content_to_six_digits() -> None:
    row, first = data_of(CONTENT, {})["rows"][0], CONTENT.rows[0]
    assert row["curve"]["kept_id"] == list(first.curve.kept_id)
    assert row["curve"]["ranked"][0] is None
    assert row["curve"]["ranked"][1:] == pytest.approx(list(first.curve.ranked[1:]), rel=1e-5)
    assert row["threshold"] == first.threshold


def test_names_are_new_wherever_a_figure_shows_them() -> None:
    with_map = replace(CONTENT, maps=(CHART,))
    old, new = (data_of(with_map, named) for named in ({}, NEW))
    assert new["ood"] == ["Near", HOSTILE, "average"]
    assert [one["name"] for one in new["heat"]] == [
        renamed(one["name"], NEW) for one in old["heat"]
    ]
    assert "Max · CLIP" in [one["name"] for one in new["rows"]]
    for before, after in zip(old["rows"], new["rows"], strict=True):
        assert (after["id"], [*after["n_ood"]]) == ("Pets", ["Near", HOSTILE])
        assert after["curve"]["kept_ood"]["Near"] == before["curve"]["kept_ood"]["near"]
        assert after["fooled_ood"]["Near"] == before["fooled_ood"]["near"]
        assert after["fooled_id"] == before["fooled_id"]
        assert after["calibration"].keys() <= {"Near", HOSTILE, "average"}
        assert after["key"] == before["key"]
    for line in (line for one in new["sweeps"] for line in one["lines"]):
        assert line["ood"] != "near" and line["model"] != MODELS[0]
    (chart,) = new["maps"]
    assert (chart["model"], chart["called"], chart["sets"]) == (MODELS[0], "CLIP", ["Pets", "Near"])
    assert new["paths"] == [["a.png", "near"]]


def test_streams_have_the_new_names_and_the_same_numbers() -> None:
    learning = streamed(SAVED)
    old, new = (data_of(Content(()), named, learning)["streams"] for named in ({}, NEW))
    assert {one["ood"] for one in new} == {renamed(one["ood"], NEW) for one in old}
    assert [one["path"] for one in new] == [one["path"] for one in old]


def test_maps_of_one_list_of_images_share_it() -> None:
    other = replace(CHART, model=MODELS[1], paths=("a.png", "b.png"))
    found = data_of(replace(CONTENT, maps=(CHART, other, replace(CHART, model="x"))), {})
    assert [one["paths"] for one in found["maps"]] == [0, 1, 0]
    assert found["paths"] == [["a.png", "near"], ["a.png", "b.png"]]
    assert found["maps"][2]["called"] == "x"


def test_json_has_no_nan_and_text_no_lone_surrogate() -> None:
    with pytest.raises(ValueError):
        as_json({"x": float("nan")})
    assert written("a\udcff") == "a\\udcff" and written("ä") == "ä"

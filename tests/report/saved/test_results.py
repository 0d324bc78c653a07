"""Claims about results read back from JSON, a stranger's too."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.report.results import FIRST, PLAIN_DIFFERENCE

from oodcache.cache.errors import InputError
from oodcache.report.saved.results import read
from oodcache.report.tables.formats import to_json
from oodcache.report.tables.grid import key
from oodcache.score.measures.probability import probability_measures
from oodcache.score.measures.result import Compared, Counterpart, Pick, StreamMeasures, StreamPath

MEASURED = {"auroc": 0.5, "aupr_in": 0.5, "aupr_out": 0.5, "fpr95": 0.25, "fpr_at_tpr_0.9": 0.125}
STREAM = {"order": "drift", "images": 90, "orders": {"drift": MEASURED}, "deviations": None}
STREAM["note"] = "adds two"
PATH = StreamPath(
    *("shuffle 0", 200, (200, 300), {"auroc": (0.5, None), "fpr95": (1.0, None)}, (64, 128, 300)),
    *(None, None, (0, 5, 9), (None, 0.2, 1.0), (0.0, 0.25, 0.5)),
)
COURSE = json.loads(json.dumps(asdict(PATH)))
TWO = {"shuffle 0": MEASURED, "shuffle 1": MEASURED}
SEVERAL = {**STREAM, "orders": TWO}
BAD = {**MEASURED, "fpr95": 2}
FULL = replace(
    FIRST,
    bootstrap={"auroc": (0.9, 0.95)},
    calibration=probability_measures(np.array([0.9, 0.7]), np.array([0.2])),
    negatives="words",
    bank="train:16",
    bank_labels="own",
    bank_shared_images={"imagenet-val": 3},
    picked=Pick("Places", 4, 0.75, {"SUN": 3}),
    stream=StreamMeasures("shuffle:2", 300, TWO, MEASURED, "so", PATH),
)
IN_ORDERS = replace(PLAIN_DIFFERENCE, orders={"shuffle 0": -0.5, "shuffle 1": 0.5}, deviation=0.25)
PROVENANCE = {"command": "oodcache score"}
PICKED = {"on": "Places", "tried": 4, "auroc": 0.75, "shared_images": {}}


def coursed(**changes: Any) -> dict[str, Any]:
    several = {**SEVERAL, "images": 300, "deviations": MEASURED}
    return {**several, "path": {**COURSE, **changes}}


def written(tmp_path: Path, whole: Any) -> Path:
    path = tmp_path / "results.json"
    path.write_text(whole if isinstance(whole, str) else json.dumps(whole))
    return path


def whole() -> dict[str, Any]:
    """Return results without their SHA-256, as whoever changes them leaves them."""
    loaded: dict[str, Any] = json.loads(to_json([FULL], [PLAIN_DIFFERENCE], PROVENANCE))
    del loaded["sha256"]
    return loaded


def test_a_row_from_before_streams_had_paths_has_none(tmp_path: Path) -> None:
    before = whole()
    del before["results"][0]["stream"]["path"]
    (found,) = read(written(tmp_path, before)).results
    assert FULL.stream is not None
    assert found == replace(FULL, stream=replace(FULL.stream, path=None))


@pytest.mark.parametrize("name", ["auroc", "ood", "n_id"])
def test_a_changed_number_or_name_is_refused_unless_on_purpose(tmp_path: Path, name: str) -> None:
    changed = json.loads(to_json([FULL], [PLAIN_DIFFERENCE], PROVENANCE))
    changed["results"][0][name] = {"auroc": 0.9876, "ood": "elsewhere", "n_id": 77}[name]
    with pytest.raises(InputError, match=r"was changed after it was written: .* remove 'sha256'"):
        read(written(tmp_path, changed))
    del changed["sha256"]
    (found,) = read(written(tmp_path, changed)).results
    assert getattr(found, name) == changed["results"][0][name]


def test_a_path_that_is_not_utf_8_is_written_escaped(tmp_path: Path) -> None:
    provenance = {"command": os.fsdecode(b"oodcache score --cache emb\xff"), "files": []}
    path = tmp_path / "r.json"
    path.write_text(to_json([FULL], [], provenance), encoding="utf-8")
    assert read(path).provenance["command"] == r"oodcache score --cache emb\xff"


def test_order_and_spacing_may_change(tmp_path: Path) -> None:
    text = to_json([FULL], [PLAIN_DIFFERENCE], PROVENANCE)
    again = json.dumps(dict(reversed(json.loads(text).items())), indent=4)
    assert read(written(tmp_path, again)) == read(written(tmp_path, text))


def test_results_come_back_as_they_were(tmp_path: Path) -> None:
    differences = [PLAIN_DIFFERENCE, IN_ORDERS]
    saved = read(written(tmp_path, to_json([FIRST, FULL_ELSEWHERE], differences, PROVENANCE)))
    assert saved.results == (FIRST, FULL_ELSEWHERE)
    assert saved.differences == (PLAIN_DIFFERENCE, IN_ORDERS)
    assert saved.provenance == PROVENANCE


@pytest.mark.parametrize(
    ("typed", "bank", "labels"),
    [
        ("train:16 (labels predicted)", "train:16", "predicted"),
        ("train:16", "train:16", "own"),
        (None, None, None),
    ],
)
def test_results_of_0_1_name_the_bank_and_its_labels_in_one_text(
    tmp_path: Path, typed: str | None, bank: str | None, labels: str | None
) -> None:
    old = whole()
    del old["results"][0]["bank_labels"]
    old["results"][0]["bank"] = typed
    (found,) = read(written(tmp_path, old)).results
    assert (found.bank, found.bank_labels) == (bank, labels)


MCM = Counterpart(
    *("A paper", "b/c", "MCM", "mcm", "a {}", None, Compared(0.7)),
    auroc={"SUN": Compared(0.9, 0.8, 0.8 - 0.9)},
    fpr95={},
    missing=(),
    unlike=("another prompt",),
    note="",
)


def test_what_was_published_is_read_back(tmp_path: Path) -> None:
    published = [MCM, replace(MCM, score=None, accuracy=None, auroc={})]
    saved = read(written(tmp_path, to_json([FIRST], [], PROVENANCE, published)))
    assert saved.published == tuple(published)
    row = replace(MCM, stream="shuffle:3", settings="mean of three", precision="float16", where="x")
    assert read(written(tmp_path, to_json([FIRST], [], PROVENANCE, [row]))).published == (row,)
    assert read(written(tmp_path, to_json([FIRST], [], PROVENANCE))).published is None


def test_published_rows_of_earlier_versions_are_read(tmp_path: Path) -> None:
    older = json.loads(to_json([FIRST], [], PROVENANCE, [MCM]))
    del older["sha256"]
    for name in ("stream", "settings", "precision", "where"):
        del older["published"][0][name]
    assert read(written(tmp_path, older)).published == (MCM,)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("source", None, "'source' is None, not str"),
        ("stream", 3, "'stream' is 3, not str or null"),
        ("unlike", ["", 3], "'unlike' is ['', 3], not a list of texts"),
        ("accuracy", {"published": 1.5}, "'accuracy' has fields ['published'], not ['difference',"),
        ("auroc", {"SUN": 0.9}, "'auroc.SUN' is 0.9, not an object"),
        (
            "fpr95",
            {"SUN": {"published": 2, "own": None, "difference": None}},
            "'fpr95.published' is 2, not a number from 0 to 1",
        ),
    ],
)
def test_published_rows_that_are_none_are_refused(
    tmp_path: Path, field: str, value: object, says: str
) -> None:
    changed = json.loads(to_json([FIRST], [], PROVENANCE, [MCM]))
    del changed["sha256"]
    changed["published"][0][field] = value
    with pytest.raises(InputError) as caught:
        read(written(tmp_path, changed))
    assert f"results.json: published 0 (counted from 0): {says}" in str(caught.value)


FULL_ELSEWHERE = replace(FULL, ood="SUN", auroc_ci=None, id_accuracy=None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": 2}, "results of version 2, but this oodcache reads version 1; score again"),
        ({"version": None}, "results without a version, but this oodcache reads version 1; score"),
        ({"format": "detector"}, "contains no oodcache results; score again, with --output"),
        ({"results": 3}, "contains no oodcache results"),
        ({"results": []}, "contains no results; score again"),
        ({"provenance": 3}, "'provenance' is not an object"),
        ({"differences": [3]}, "difference 0 (counted from 0): "),
        ({"differences": 5}, "'differences' is not a list; score again"),
    ],
)
def test_what_is_no_file_of_results_is_refused(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    path = written(tmp_path, whole() | change)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ") and says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_an_editor_on_windows_saved_again_is_read(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, whole())
    expected = read(path)
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    assert read(path) == expected


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        (
            "auroc",
            1.5,
            "result 0 (counted from 0): 'auroc' is 1.5, not a number from 0 to 1; score again",
        ),
        ("auroc", "0.9", "'auroc' is '0.9'"),
        ("auroc", True, "'auroc' is True"),
        ("auroc_ci", [0.1], "'auroc_ci' is [0.1], not two numbers"),
        ("ood", None, "'ood' is None"),
        ("bank_labels", "mine", "'bank_labels' is 'mine', not own, predicted or null"),
        ("bank", None, "'bank' and 'bank_labels' are null together, or neither is"),
        ("bank_shared_images", {"a": "b"}, "'bank_shared_images.a' is 'b'"),
        ("bank_shared_images", 3, "'bank_shared_images' is 3"),
        ("average_of", ["SUN"], "'average_of' is ['SUN'], not null for a single OOD set"),
        ("n_id", 0.5, "'n_id' is 0.5"),
        ("n_id", 0, "'n_id' is 0, not a whole number of at least 1"),
        ("ties", -1, "'ties' is -1, not a whole number of at least 0"),
        ("auroc_ci", [0.9, 0.7], "'auroc_ci' is [0.9, 0.7], not two numbers, the smaller first"),
        ("fpr_convention", "mine", "'fpr_convention' is 'mine'"),
        ("parameters", [], "'parameters' is []"),
        ("parameters", {"warmth": 1}, "'parameters'"),
        ("templates", "a {}", "'templates' is 'a {}'"),
        ("calibration", 3, "'calibration' is 3"),
        ("calibration", {"ece": 0.1}, "'calibration.kept_id' is None"),
        ("picked", 3, "'picked' is 3"),
        ("picked", {"on": "Places"}, "no 'tried'"),
        ("picked", {**PICKED, "auroc": 2}, "'auroc' is 2, not a number from 0 to 1"),
        ("picked", {**PICKED, "on": 1}, "'on' is 1"),
        ("picked", {**PICKED, "shared_images": {"SUN": "3"}}, "'shared_images' is '3'"),
        ("stream", "drift", "'stream' is 'drift', not an object"),
        ("stream", {**STREAM, "images": None}, "'stream.images' is None, not"),
        ("stream", {**STREAM, "images": 0}, "'stream.images' is 0, not"),
        ("stream", {**STREAM, "orders": {}}, "'stream.orders' is {}, not an object with an order"),
        ("stream", {**STREAM, "orders": {"drift": {}}}, "no 'stream.orders.drift.auroc'"),
        ("stream", {**STREAM, "deviations": MEASURED}, "'stream.deviations' is {"),
        ("stream", {**SEVERAL, "deviations": None}, "'stream.deviations' is None, not an object,"),
        ("stream", {**SEVERAL, "deviations": {}}, "no 'stream.deviations.auroc'"),
        ("stream", {**SEVERAL, "deviations": BAD}, "'stream.deviations.fpr95' is 2, not a"),
        ("stream", {**STREAM, "orders": {"x": BAD}}, "'stream.orders.x.fpr95' is 2, not a"),
        ("stream", coursed(window=0), "'stream.path.window' is 0, not a whole number"),
        ("stream", coursed(ends=[]), "'stream.path.ends' is [], not a list of one or more"),
        ("stream", coursed(moments=[1, 2, 0]), "'stream.path.moments.2' is 0, not a whole"),
        ("stream", coursed(ood_held=[1, 2]), "'stream.path.ood_held' is [1, 2], not a list of 3"),
        ("stream", coursed(id_held=[1, 2, 3]), "'stream.path.id_share' is None, not null together"),
        ("stream", coursed(threshold=[2, 1, 1]), "'stream.path.threshold.0' is 2, not a number"),
        ("stream", coursed(measured={}), "'stream.path.measured' has fields [], not"),
        ("stream", {**STREAM, "path": {}}, "'stream.path' has fields [], not"),
        ("stream", {"order": "drift"}, "'stream' has fields ['order'], not"),
    ],
)
def test_a_row_that_is_no_result_is_refused_with_its_key(
    tmp_path: Path, key: str, value: Any, says: str
) -> None:
    changed = whole()
    changed["results"][0][key] = value
    with pytest.raises(InputError) as caught:
        read(written(tmp_path, changed))
    assert says in str(caught.value)


def test_a_users_own_score_has_any_parameters_and_no_code_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    changed = whole()
    for name in ("mine.py:gap", "mine:gap", "mine"):
        given = {"k": 3.0, "scale": "learned"}
        changed["results"][0] |= {"score": name, "parameters": given, "stream": None}
        (found,) = read(written(tmp_path, changed)).results
        assert (found.score, found.parameters) == (name, {"k": 3.0, "scale": "learned"})
        assert key(found)[2] == f"{name}:k=3,scale=learned"
    changed["results"][0]["parameters"] = {"k=3,j": 1}
    with pytest.raises(InputError, match="'parameters' has 'k=3,j', unknown to 'mine'"):
        read(written(tmp_path, changed))
    assert not (tmp_path / "mark").exists()


def test_a_row_without_a_key_is_refused_with_the_key(tmp_path: Path) -> None:
    changed = whole()
    del changed["results"][0]["auroc"]
    with pytest.raises(InputError, match=r"result 0 \(counted from 0\): no 'auroc'; score again"):
        read(written(tmp_path, changed))


def test_an_image_is_no_file_of_results(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" * 9)
    with pytest.raises(InputError, match=r"photo\.jpg: not JSON: it is not text; score again, wit"):
        read(tmp_path / "photo.jpg")


def test_two_results_of_one_score_and_set_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, to_json([FIRST, FIRST], [], PROVENANCE))
    with pytest.raises(InputError, match="contains two results of 'mcm' on 'iNaturalist'"):
        read(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"results": [NaN]}', "[" * 100_000, "\xff"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match="score again, with --output FILE.json"):
        read(path)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False)
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=3 * settings().max_examples)
@given(data=st.data())
def test_whatever_stands_in_a_place_is_read_or_refused_in_a_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    changed = whole()
    place: Any = changed["results"][0] if data.draw(st.booleans()) else changed["differences"][0]
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON)
    path = written(tmp_path_factory.mktemp("fuzz"), json.dumps(changed))
    try:
        saved = read(path)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert len(saved.results) == 1


@pytest.mark.parametrize(
    ("name", "words"), [("gone.json", "no such file or directory"), ("", "is a directory")]
)
def test_what_cannot_be_opened_is_one_line(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path / name)


def test_a_name_that_results_do_not_have_is_refused(tmp_path: Path) -> None:
    """Results without a SHA-256 are those of 0.1, so a damaged name of it must not pass as that."""
    whole = json.loads(to_json([FIRST], (), {}))
    whole["sha25d"] = whole.pop("sha256")
    (tmp_path / "r.json").write_text(json.dumps(whole))
    with pytest.raises(InputError, match="no results have 'sha25d'; "):
        read(tmp_path / "r.json")

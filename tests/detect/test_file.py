"""Claims about the file of a detector: it gives back what it was given, and refuses all else."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.detect.detectors import made

from oodcache.cache.errors import InputError
from oodcache.detect.detector import SavedDetector
from oodcache.detect.file import decoded, encoded, is_detector, read_detector, write_detector
from oodcache.score.formulas.registry import SCORES
from oodcache.score.own.function import OwnScore, own_score
from oodcache.score.streams.methods import STREAM_SCORES

SMALL = {
    **{name: f"{name}:groups=3" for name in ("neglabel", "csp")},
    "nnguide": "nnguide:k=10,temperature=1",
}
Change = Callable[[dict[str, Any]], None]


def signed(whole: dict[str, Any]) -> bytes:
    """Return a file that says what `whole` does, under the SHA-256 that docs/detecting.md names."""
    rest = {name: value for name, value in whole.items() if name != "sha256"}

    def bare(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        array = sorted(value) == ["base64", "dtype", "sha256", "shape"]
        return {key: bare(one) for key, one in value.items() if not array or key != "base64"}

    text = json.dumps(bare(rest), sort_keys=True, separators=(",", ":"))
    return json.dumps({**rest, "sha256": hashlib.sha256(text.encode()).hexdigest()}).encode()


def changed(change: Change, score: str = "mcm") -> bytes:
    whole = json.loads(encoded(made(score).detector))
    change(whole)
    return signed(whole)


# No detector has a score of a stream.
@pytest.mark.parametrize("score", [name for name in SCORES if name not in STREAM_SCORES])
def test_every_score_comes_back_with_the_same_numbers(score: str, tmp_path: Path) -> None:
    one = made(SMALL.get(score, score), bias=-3.0)
    path = tmp_path / "d.json"
    write_detector(path, one.detector)
    found = read_detector(path)
    before, after = one.detector.judge(one.images), found.judge(one.images)
    for name, values in vars(before).items():
        assert np.array_equal(values, vars(after)[name]), name
    assert encoded(found) == encoded(one.detector) == path.read_bytes()
    assert found.choice == one.detector.choice
    assert np.array_equal(after.is_in, after.p_values > 6 / 61)
    assert (~after.is_in).sum() <= 5  # Of those that calibrated, five lie below the sixth.


def gap(batch: Any, *, k: int = 1) -> Any:
    ordered = np.sort(batch.cosines, axis=1)
    return ordered[:, -1] - ordered[:, -1 - k]


def given_gap(sha256: str = "a" * 64) -> dict[str, OwnScore]:
    return {"mine.py:gap": own_score(gap, "mine.py:gap", sha256=sha256)}


def test_a_users_score_comes_back_with_its_code_given_again(tmp_path: Path) -> None:
    one = made("mine.py:gap:k=2", own=given_gap())
    path = tmp_path / "d.json"
    write_detector(path, one.detector)
    kept = json.loads(path.read_text())["score"]
    assert kept == {"name": "mine.py:gap", "parameters": {"k": 2.0}, "code": {"sha256": "a" * 64}}
    found = read_detector(path, given_gap())
    before, after = one.detector.judge(one.images), found.judge(one.images)
    assert np.array_equal(before.scores, after.scores)
    assert encoded(found) == path.read_bytes()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "made with 'mine.py:gap', code of your own; add --score FILE.py:gap (in Python: the"),
        (given_gap("b" * 64), "of SHA-256 aaaaaaaa…, but that of "),
        (given_gap("b" * 64), "is bbbbbbbb…: its code has changed; give the code as it was, or "),
    ],
)
def test_a_users_score_without_its_code_is_asked_for(
    tmp_path: Path, given: dict[str, OwnScore], words: str
) -> None:
    write_detector(tmp_path / "d.json", made("mine.py:gap", own=given_gap()).detector)
    with pytest.raises(InputError) as error:
        read_detector(tmp_path / "d.json", given)
    assert str(error.value).startswith(f"{tmp_path / 'd.json'}: made with 'mine.py:gap'")
    assert words in str(error.value)


@pytest.mark.parametrize("name", ["{path}:gap", "mine:gap", "mine", "mine.py:gap"])
def test_a_detector_never_causes_code_to_be_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    code = tmp_path / "mine.py"
    code.write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\ndef gap(batch): ...\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def change(whole: dict[str, Any]) -> None:
        digest = hashlib.sha256(code.read_bytes()).hexdigest()
        whole["score"]["code"] = {"sha256": digest}
        whole["score"]["name"] = name.format(path=code)

    (tmp_path / "d.json").write_bytes(changed(change))
    with pytest.raises(InputError, match="code of your own; add --score "):
        read_detector(tmp_path / "d.json")
    assert not (tmp_path / "mark").exists()


def test_a_detector_of_a_built_in_score_takes_no_code(tmp_path: Path) -> None:
    write_detector(tmp_path / "d.json", made().detector)
    with pytest.raises(InputError, match="made with the built-in score 'mcm'; remove --score"):
        read_detector(tmp_path / "d.json", given_gap())


def test_infinite_scores_are_kept(tmp_path: Path) -> None:
    one = made()
    scores = np.array([-np.inf] * 30 + [np.inf] * 30)
    object.__setattr__(one.detector.threshold, "scores", scores)
    write_detector(tmp_path / "d.json", one.detector)
    assert json.loads((tmp_path / "d.json").read_text())["threshold"]["ranking"] == "-inf"
    assert np.array_equal(read_detector(tmp_path / "d.json").threshold.scores, scores)


def test_arrays_are_little_endian_base64_under_their_sha256() -> None:
    one = made()
    stored = json.loads(encoded(one.detector))["classes"]["vectors"]
    content = base64.b64decode(stored["base64"])
    assert (stored["dtype"], stored["shape"]) == ("<f4", [4, 8])
    assert stored["sha256"] == hashlib.sha256(content).hexdigest()
    vectors = one.detector.scorer.texts.vectors
    assert np.array_equal(np.frombuffer(content, "<f4").reshape(4, 8), vectors)


@pytest.mark.parametrize("score", ["mcm", "neglabel-sigmoid", "knn"])
@given(seed=st.integers(0, 2**32))
def test_a_mutated_file_is_refused_in_one_line_or_is_equal(score: str, seed: int) -> None:
    whole, chance = encoded(made(score).detector), random.Random(seed)
    start, size = chance.randrange(len(whole)), chance.choice((0, 1, 2, 5, 40))
    filling = chance.choice(
        (b"", chance.randbytes(size), b"0", b"}", b" ", b'"', b"-", b"null", b"1e999", b"[")
    )
    mutated = whole[:start] + filling + whole[start + size :]
    try:
        found = decoded(mutated)
    except (InputError, ValueError):
        return
    assert encoded(found) == whole


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, one in inner:
        found.append((*here, key))
        if isinstance(one, (dict, list)) and len(one) <= 12:
            found += places(one, (*here, key))
    return found


@pytest.mark.parametrize("score", ["mcm", "neglabel-sigmoid", "mahalanobis"])
@given(data=st.data())
def test_any_value_anywhere_under_a_right_sum_is_refused_or_read_as_it_stands(
    score: str, data: st.DataObject
) -> None:
    whole = json.loads(encoded(made(score).detector))
    way = data.draw(st.sampled_from(places(whole)))
    inner = whole
    for key in way[:-1]:
        inner = inner[key]
    if data.draw(st.booleans()) and isinstance(inner, dict):
        del inner[way[-1]]
    else:
        inner[way[-1]] = data.draw(VALUES)
    content = signed(whole)
    try:
        found = decoded(content)
    except (InputError, ValueError):
        return
    assert isinstance(found, SavedDetector)
    again = json.loads(encoded(found))
    for name in ("score", "choice", "classes", "negatives", "bank", "images", "model"):
        assert again[name] == json.loads(content)[name]


def test_another_version_is_refused_with_both(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_bytes(changed(lambda whole: whole.update(version=2)))
    with pytest.raises(InputError) as refused:
        read_detector(path)
    assert str(refused.value) == (
        f"{path}: is a detector of version 2; this oodcache reads version 1; use the oodcache that "
        "wrote it, or calibrate again"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xd8\xff\xe0", "is not a detector: not UTF-8 text (byte 0)"),
        (b"in 0.5 x.png", "is not a detector: not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"", "is not a detector: not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"[" * 100_000, "is not a detector: not JSON: it is nested deeper than 16 levels"),
        (b"[]", "is not a detector; make one with: oodcache calibrate … -o FILE"),
        (b"{}", "is not a detector; make one with: oodcache calibrate … -o FILE"),
        (
            b'{"format": "oodcache-negatives"}',
            "is not a detector; make one with: oodcache calibrate",
        ),
        (b'{"a": NaN}', "is not a detector: not JSON: it contains NaN, which is not JSON"),
    ],
)
def test_what_is_no_detector_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "d.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_detector(path)
    assert str(refused.value).startswith(f"{path}: {words}")
    assert str(refused.value).isprintable()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a file; give one that oodcache calibrate wrote"):
        read_detector(tmp_path)
    with pytest.raises(InputError, match="cannot be read: No such file or directory"):
        read_detector(tmp_path / "x.json")


def test_a_change_by_hand_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    write_detector(path, made().detector)
    path.write_text(path.read_text().replace('"alpha": 0.1', '"alpha": 0.2'))
    with pytest.raises(InputError, match="it was changed or damaged since it was written"):
        read_detector(path)


def vectors(**changes: Any) -> Change:
    return lambda whole: whole["classes"]["vectors"].update(changes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (vectors(dtype="<f8"), "'classes.vectors' has dtype '<f8', not '<f4'"),
        (vectors(shape=[4, -8]), "'classes.vectors' has shape [4, -8], not 2 numbers above 0"),
        (vectors(shape=[2**30, 2**30]), "with a product of at most 67,108,864"),
        (vectors(shape=[4, 9]), "'classes.vectors' has 128 bytes, but its shape needs 144"),
        (vectors(shape=32), "'classes.vectors' has shape 32, not 2 numbers"),
        (vectors(base64="%%%"), "'classes.vectors' is not in base64"),
        (vectors(base64=7), "'classes.vectors' is not in base64"),
        (vectors(sha256="0" * 64), "'classes.vectors' does not match its SHA-256"),
        (vectors(more=1), "'classes.vectors' is not an array with base64, dtype, sha256, shape"),
    ],
)
def test_an_array_that_is_not_what_it_says_is_refused(change: Change, words: str) -> None:
    with pytest.raises(ValueError) as refused:
        decoded(changed(change))
    assert words in str(refused.value)


@pytest.mark.slow
def test_a_file_too_large_to_be_a_detector_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    with path.open("wb") as file:
        file.truncate(2**30 + 1)
    with pytest.raises(InputError, match="is larger than 1,073,741,824 bytes, too large"):
        read_detector(path)


def test_only_what_begins_as_a_detector_is_one(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    write_detector(path, made().detector)
    assert is_detector(path)
    path.write_bytes(b"{}")
    assert not is_detector(path)

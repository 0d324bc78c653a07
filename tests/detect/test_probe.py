"""Claims about the probe that shows a change of a user's code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.detect.detectors import Made, made

from oodcache.cache.errors import InputError
from oodcache.detect.file import encoded, read_detector, write_detector
from oodcache.detect.probe import check_probe, probed
from oodcache.score.own.function import own_score

Settings = dict[str, float]


def scaled(settings: Settings) -> Callable[..., Any]:
    """Return a score that depends on a variable outside its source."""

    def lead(batch: Any, *, k: int = 1) -> Any:
        ordered = np.sort(batch.cosines, axis=1)
        return ordered[:, -1] - settings["share"] * ordered[:, -1 - k]

    return lead


def with_probe(function: Callable[..., Any]) -> tuple[Made, dict[str, Any]]:
    own = {"f": own_score(function, "f", sha256="a" * 64)}
    one = made("f", own=own)
    return replace(one, detector=replace(one.detector, probe=probed(one.detector.scorer))), own


def test_a_variable_that_changed_is_told_when_the_detector_is_loaded(tmp_path: Path) -> None:
    settings = {"share": 0.5}
    one, own = with_probe(scaled(settings))
    path = tmp_path / "d.json"
    write_detector(path, one.detector)
    found = read_detector(path, own)
    assert encoded(found) == path.read_bytes()
    assert found.probe is not None and 1 < len(found.probe) <= 16
    settings["share"] = 0.6
    with pytest.raises(InputError) as error:
        read_detector(path, own)
    line = str(error.value)
    assert line.startswith(f"{path}: f:k=1 scores otherwise than when the detector was made (")
    assert line.endswith(
        "its code, what it imports or a variable that it uses has changed; give them as they "
        "were, or calibrate again"
    )


def test_a_movement_as_of_rounding_is_no_change() -> None:
    one, _ = with_probe(scaled({"share": 0.5}))
    probe = one.detector.probe
    assert probe is not None
    check_probe(replace(one.detector, probe=probe * (1 + 1e-7)))
    with pytest.raises(InputError, match="scores otherwise"):
        check_probe(replace(one.detector, probe=probe + 0.1 * one.detector.threshold.scores.std()))


def test_a_score_that_is_not_given_is_not_probed(tmp_path: Path) -> None:
    assert probed(made().detector.scorer) is None

    def of_images_only(batch: Any) -> Any:
        seen = batch.cosines.max(axis=1)
        return np.where(seen > limit, np.nan, seen)

    limit = 2.0
    one, own = with_probe(of_images_only)
    limit = -2.0
    assert probed(one.detector.scorer) is None
    write_detector(tmp_path / "d.json", replace(one.detector, probe=None))
    assert json.loads((tmp_path / "d.json").read_text())["score"]["code"] == {"sha256": "a" * 64}
    assert read_detector(tmp_path / "d.json", own).probe is None


@pytest.mark.parametrize(("probe", "words"), [([np.nan], "has NaN"), ([1.0], "has 1 numbers, n")])
def test_a_wrong_probe_is_rejected(tmp_path: Path, probe: list[float], words: str) -> None:
    one, own = with_probe(scaled({"share": 0.5}))
    (tmp_path / "d.json").write_bytes(encoded(replace(one.detector, probe=np.array(probe))))
    with pytest.raises(InputError, match=f"'score.code.scores' {words}"):
        read_detector(tmp_path / "d.json", own)

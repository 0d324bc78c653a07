"""Claims about `oodcache.Detector`: made, saved, loaded, and what it judges."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import Run
from samples.detect.detectors import made

import oodcache as package
from oodcache.cache.errors import InputError
from oodcache.detect.file import write_detector
from oodcache.score.own.loading import of_function

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cache(tmp_path: Path, write_pets: Write, write_names: Write) -> package.Cache:
    """Write the images of pets and strays, and names; open the cache."""
    model = tmp_path / "cache/one/demo"
    for seed, name in enumerate(("pets", "strays")):
        write_pets(model / "images" / f"{name}.h5", count=50, seed=seed, requested="one")
    write_names(model / "texts/animals.h5")
    return package.open(tmp_path / "cache")


def gap(batch: Any) -> Any:
    """Return the largest cosine less the second."""
    ordered = np.sort(batch.cosines, axis=1)
    return ordered[:, -1] - ordered[:, -2]


def quiet(text: str) -> None:
    pass


GRID = ("mcm", "energy", "margin")


@pytest.mark.parametrize(
    ("given", "typed"),
    [
        ({"scores": "mcm", "alpha": 0.1}, ("--score=mcm", "--alpha=0.1")),
        (
            {"scores": GRID, "alpha": 0.2, "select_on": "strays", "seed": 3, "template": "a {}"},
            (
                *(f"--score={one}" for one in GRID),
                *("--alpha=0.2", "--select-on=strays", "--seed=3", "--template=a {}"),
            ),
        ),
    ],
)
def test_a_detector_is_the_one_that_calibrate_makes(
    cache: package.Cache, oodcache: Run, given: dict[str, Any], typed: tuple[str, ...]
) -> None:
    done = oodcache(
        *("calibrate", "--cache", cache.folder, "--model", "one", "--id", "pets"),
        *(*typed, "-o", "theirs.json"),
    )
    assert done.status == 0, done.err
    detector = package.Detector.make(cache, "one", id="pets", note=quiet, **given)
    detector.save("ours.json")
    ours, theirs = (json.loads(Path(f"{name}.json").read_text()) for name in ("ours", "theirs"))
    assert ours.pop("sha256") != theirs.pop("sha256")
    command = ours["provenance"].pop("command")
    assert theirs["provenance"].pop("command").startswith("oodcache calibrate")
    assert command.startswith(f"oodcache.Detector.make({str(cache.folder)!r}, 'one', id='pets', sc")
    assert ours == theirs


def test_a_detector_that_was_made_judges_as_the_one_that_was_saved(cache: package.Cache) -> None:
    detector = package.Detector.make(cache.folder, "one", id="pets", scores="mcm", alpha=0.1)
    detector.save("detector.json")
    loaded = package.Detector.load("detector.json", cache=cache.folder)
    decisions = detector.predict("pets")
    assert decisions == loaded.predict("pets")
    assert [one.word for one in decisions].count("error") == 1
    assert [one.word for one in decisions].count("out") == 4  # ⌊0.1 · 50⌋ = 5th lowest is in.
    assert repr(detector) == repr(loaded)
    assert repr(loaded) == "Detector('mcm' of one/demo, alpha 0.1 from 49 images of pets)"


def test_a_detector_of_a_function_is_made_saved_and_loaded_with_it(cache: package.Cache) -> None:
    detector = package.Detector.make(cache, "one", id="pets", scores=gap, alpha=0.1)
    built_in = package.Detector.make(cache, "one", id="pets", scores="margin", alpha=0.1)
    images = cache.images("one", "strays").embeddings[3:]
    ours, theirs = detector.predict(images), built_in.predict(images)
    assert [one.is_in for one in ours] == [one.is_in for one in theirs]
    detector.save("mine.json")
    command = json.loads(Path("mine.json").read_text())["provenance"]["command"]
    assert command.endswith("id='pets', scores=gap, alpha=0.1)")
    assert package.Detector.load("mine.json", score=gap).predict(images) == ours


def test_a_detector_of_a_users_score_is_loaded_with_the_function() -> None:
    mine = made("gap", own={"gap": of_function(gap)})
    write_detector(Path("mine.json"), mine.detector)
    decisions = package.Detector.load("mine.json", score=gap).predict(mine.images)
    assert [one.score for one in decisions] == mine.detector.judge(mine.images).scores.tolist()
    with pytest.raises(InputError, match="made with 'gap', code of your own; add --score FILE.py"):
        package.Detector.load("mine.json")


def test_a_file_is_replaced_only_if_asked_for_and_only_if_it_is_a_detector() -> None:
    write_detector(Path("detector.json"), made().detector)
    detector = package.Detector.load("detector.json")
    with pytest.raises(InputError, match=r"^detector.json: exists; give overwrite=True, or anoth"):
        detector.save("detector.json")
    detector.save("detector.json", overwrite=True)
    assert package.Detector.load("detector.json").predict(np.zeros((0, 8), np.float32)) == []
    Path("notes.txt").write_text("mine")
    Path("folder").mkdir()
    for name in ("notes.txt", "folder"):
        with pytest.raises(InputError, match=f"^{name}: not a detector, so it is not replaced; us"):
            detector.save(name, overwrite=True)
    assert Path("notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"alpha": 5}, "alpha is 5, not a share above 0 and below 1, such as 0.05"),
        ({"alpha": "0.1"}, "alpha is '0.1', not a share"),
        ({"confidence": 95}, "confidence is 95, not a share"),
        ({"alpha": 0.01}, "pets: 49 images are too few to calibrate: alpha 0.01 needs at least 99"),
        ({"scores": GRID}, "scores: mcm, energy, margin are 3 scores, but a detector has one"),
        ({"select_on": "strays"}, "select_on strays: mcm is the only score; remove the option, or"),
        ({"id": "cats"}, "no images 'cats' (there are: pets, strays)"),
    ],
)
def test_a_mistake_in_making_raises_one_line(
    cache: package.Cache, changes: dict[str, Any], words: str
) -> None:
    given: dict[str, Any] = {"id": "pets", "scores": "mcm", "alpha": 0.1, **changes}
    with pytest.raises(InputError) as error:
        package.Detector.make(cache, "one", **given)
    assert words in str(error.value)
    assert "\n" not in str(error.value)

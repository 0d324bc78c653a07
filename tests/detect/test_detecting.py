"""Claims about the images that a detector finds in a folder, and about those that it leaves out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import Run, silent, write_photos, write_strays
from samples.detect.detectors import DIMENSION, made
from samples.extract.transformers_folders import transformers_folder

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.watch import Watch
from oodcache.detect import detecting, judge
from oodcache.detect.calibrating import loaded_again
from oodcache.detect.file import read_detector, write_detector
from oodcache.detect.reloading import Runtime, loaded, request_again
from oodcache.extract.run.embedding import Embedded, FreeFiles


class Even:
    """An embedder for which all images are the first class."""

    def embedded(self, contents: Any, count: int, **given: Any) -> Iterator[Embedded]:
        vectors = np.tile(made().detector.scorer.classes.vectors[0], (count, 1))
        yield Embedded(vectors.astype(np.float32).reshape(count, DIMENSION), {}, rotated=1)


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Go to a folder with a detector and two images, one of them without an extension."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(judge, "loaded", lambda *_: Even())
    write_detector(Path("detector.json"), made().detector)
    Path("gate").mkdir()
    Path("gate/a.avif").write_bytes(b"x")
    Path("gate/b").write_bytes(b"\xff\xd8\xff\xe0")
    Path("gate/notes.txt").touch()
    return []


def judged(notes: list[str], *targets: str) -> int:
    return detecting.detect(
        Path("detector.json"),
        targets,
        cache=Path("embeddings"),
        runtime=Runtime(),
        form="text",
        output=Path("out.txt"),
        watch=Watch(notes.append, silent),
    )


def test_all_images_of_a_folder_are_judged_and_the_rest_is_counted(notes: list[str]) -> None:
    assert judged(notes, "gate") == detecting.ALL_IN
    assert [line.split("\t")[-1] for line in Path("out.txt").read_text().splitlines()] == [
        "gate/a.avif",
        "gate/b",
    ]
    assert "gate: left out: 1 .txt" in notes


@pytest.mark.parametrize("name", ["c.HEIC", "c.svg", "c.tar", "c.zip"])
def test_possible_images_that_are_left_out_are_an_error(notes: list[str], name: str) -> None:
    Path("gate", name).touch()
    assert judged(notes, "gate") == detecting.MISTAKE
    ending = Path(name).suffix.lower()
    assert any(one.startswith(f"gate: left out: 1 {ending}, 1 .txt (") for one in notes)


def test_rotations_are_counted_unless_the_detector_applies_them(notes: list[str]) -> None:
    judged(notes, "gate")
    (said,) = [one for one in notes if "rotation" in one]
    assert said.startswith("1 image with an EXIF rotation, which is not applied, as for the calib")
    preprocessing = {**made().detector.preprocessing, "exif": True}
    Path("detector.json").unlink()
    write_detector(Path("detector.json"), made(preprocessing=preprocessing).detector)
    notes.clear()
    judged(notes, "gate")
    assert not [one for one in notes if "rotation" in one]


def test_a_folder_of_archives_alone_is_refused(notes: list[str]) -> None:
    Path("tars").mkdir()
    Path("tars/0.tar").touch()
    with pytest.raises(InputError, match=r"tars: contains no images \(left out: 1 \.tar \("):
        judged(notes, "tars")


def test_a_detector_of_a_model_in_memory_asks_for_it(tmp_path: Path) -> None:
    saved = made().detector
    model = replace(saved.scorer.model, architecture={"class": "open_clip.model.CLIP"})
    saved = replace(saved, scorer=replace(saved.scorer, model=model))
    write_detector(tmp_path / "detector.json", saved)
    with pytest.raises(InputError, match="model in memory, which has no name to load it by: give"):
        request_again(read_detector(tmp_path / "detector.json"), Runtime())


@pytest.mark.parametrize("prefix", ["local-dir", "transformers"])
def test_a_folder_is_loaded_again_from_anywhere_or_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    load = loaded_again(f"{prefix}:mine")
    assert load == f"{prefix}:{tmp_path / 'mine'}"
    saved = made().detector
    model = replace(saved.scorer.model, name="local", pretrained="mine-0123abcd")
    saved = replace(saved, scorer=replace(saved.scorer, model=model), load=load)
    assert request_again(saved, Runtime()).requested == load
    Path("mine").rename("moved")
    with pytest.raises(InputError, match=f"no such folder, .* with --model {prefix}:PATH"):
        request_again(saved, Runtime())
    assert request_again(saved, Runtime(model="moved")).requested == "moved"


def test_a_folder_that_moved_is_no_repository_and_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved = made().detector
    model = replace(saved.scorer.model, name="local", pretrained="mine-0123abcd")
    scorer = replace(saved.scorer, model=model)
    saved = replace(saved, scorer=scorer, load="transformers:models/mine")
    said = "^models/mine: no such folder, .* with --model transformers:PATH$"
    with pytest.raises(InputError, match=said):
        request_again(saved, Runtime())
    assert request_again(saved, Runtime(model="typo/mine")).requested == "typo/mine"  # To resolve.


@pytest.mark.parametrize("requested", ["transformers:org/name", "hf-hub:org/name", "siglip2"])
def test_what_is_no_folder_is_loaded_again_by_its_name(requested: str) -> None:
    assert loaded_again(requested) == requested


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["siglip", "siglip2-naflex"])
def test_a_plain_folder_of_transformers_is_the_same_model_from_extract_to_detect(
    oodcache: Run, tmp_path: Path, kind: str
) -> None:
    transformers_folder(tmp_path / "models" / "mine", kind)
    write_photos(tmp_path / "photos")
    write_strays(tmp_path / "strays")
    sets = ("photos=photos", "strays=strays", "--classes", "names=photos")
    made = oodcache("extract", "--model", "models/mine", *sets, "--workers", 0)
    assert made.status == 0, made.err
    asked = ("--model", "models/mine", "--classes", "names", "--id", "photos")
    table = oodcache("score", *asked, "--ood", "strays", "--score", "max-logit")
    assert table.status == 0 and "max-logit" in table.out, table.err
    made_of = ("--score", "max-logit", "--alpha", "0.2", "-o", "detector.json")
    done = oodcache("calibrate", *asked, *made_of)
    assert done.status == 0, done.err

    cached = open_images(next((tmp_path / "embeddings").rglob("images/photos.h5")))
    files = FreeFiles([b"photos/" + path for path in cached.paths()])
    again = loaded(read_detector(Path("detector.json")), Runtime(), lambda text: None)
    (found,) = again.embedded(files, cached.rows, batch_size=99, workers=0)
    np.testing.assert_allclose(found.vectors, next(cached.blocks()), atol=1e-5, rtol=0)

    lines = []
    for target in ("photos/", cached.path.relative_to(tmp_path)):
        judged = oodcache("detect", "detector.json", target, "--format", "jsonl", "--workers", 0)
        assert judged.status in (0, 3), judged.err
        lines.append([json.loads(line) for line in judged.out.splitlines()])
    fresh, stored = lines
    assert [one["path"].removeprefix("photos/") for one in fresh] == [one["path"] for one in stored]
    scores = [[one["score"] for one in some] for some in lines]
    np.testing.assert_allclose(*scores, atol=1e-5)
    assert [one["nearest"] for one in fresh] == [one["nearest"] for one in stored]

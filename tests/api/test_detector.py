"""Claims about `oodcache.Detector`: made, saved, loaded, and what it judges."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from samples import Run
from samples.detect.detectors import made

import oodcache as package
from oodcache.cache.errors import InputError
from oodcache.detect import judge
from oodcache.detect.file import write_detector
from oodcache.extract.demo import embedded
from oodcache.extract.run.embedding import Embedded
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
    for again in (gap, [gap], (gap,)):
        assert package.Detector.load("mine.json", scores=again).predict(images) == ours


def test_a_detector_of_a_users_score_is_loaded_with_the_function() -> None:
    mine = made("gap", own={"gap": of_function(gap)})
    write_detector(Path("mine.json"), mine.detector)
    decisions = package.Detector.load("mine.json", scores=gap).predict(mine.images)
    assert [one.score for one in decisions] == mine.detector.judge(mine.images).scores.tolist()
    with pytest.raises(InputError, match="made with 'gap', code of your own; add scores=gap, "):
        package.Detector.load("mine.json")


def test_a_file_is_replaced_only_if_asked_for_and_only_if_it_is_a_detector() -> None:
    write_detector(Path("detector.json"), made().detector)
    detector = package.Detector.load("detector.json")
    with pytest.raises(InputError, match=r"^detector.json: exists; give overwrite=True, or anoth"):
        detector.save("detector.json")
    detector.save("detector.json", overwrite=True)
    assert package.Detector.load("detector.json").predict(np.zeros((0, 8), np.float32)) == []
    with pytest.raises(InputError, match=r"^detector.csv: ends in '.csv'; use .json$"):
        detector.save("detector.csv")
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


@pytest.fixture
def small() -> package.Detector:
    """Return a detector of dimension 8 without a cache."""
    write_detector(Path("small.json"), made().detector)
    return package.Detector.load("small.json", note=quiet)


def test_vectors_of_any_library_and_precision_have_the_same_decisions(
    small: package.Detector,
) -> None:
    vectors = made().images
    expected = small.predict(vectors)
    assert len(expected) == 60
    for same in (
        torch.tensor(vectors, requires_grad=True),
        vectors.astype(np.float64),
        list(vectors),
        [torch.tensor(one) for one in vectors],
        vectors.tolist(),
        (one for one in vectors),
        (vectors[first : first + 7] for first in range(0, 60, 7)),
    ):
        assert small.predict(same) == expected
    for half in (vectors.astype(np.float16), torch.tensor(vectors).bfloat16()):
        found = small.predict(half)
        np.testing.assert_allclose(
            [one.score for one in found], [one.score for one in expected], atol=0.01
        )


def test_one_vector_gives_a_list_of_one_decision(small: package.Detector) -> None:
    vector = made().images[3]
    for one in (vector, torch.tensor(vector), vector.tolist(), vector[None]):
        assert small.predict(one) == small.predict(made().images)[3:4]


class Even:
    """An embedder for which an image is one of the axes, by the number of its bytes."""

    def embedded(self, contents: Any, count: int, **given: Any) -> Iterator[Embedded]:
        vectors = np.zeros((count, 8), np.float32)
        errors = {}
        for row in range(count):
            try:
                vectors[row, len(contents.read(row)) % 8] = 1
            except OSError as error:
                errors[row] = str(error.strerror)
        yield Embedded(vectors, errors)


@pytest.fixture
def even(small: package.Detector, monkeypatch: pytest.MonkeyPatch) -> package.Detector:
    """Return a detector with a model that needs no weights, in a folder with two images."""
    monkeypatch.setattr(judge, "loaded", lambda *given: Even())
    Path("new").mkdir()
    Path("new/a.png").write_bytes(b"123")
    Path("new/b.png").write_bytes(b"12345")
    return small


def test_images_of_every_kind_are_judged_in_their_order(even: package.Detector) -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    mixed = [Path("new/b.png"), pixels, Image.fromarray(pixels), made().images[0], "new"]
    found = even.predict(mixed)
    assert [one.path for one in found] == ["new/b.png", None, None, None, "new/a.png", "new/b.png"]
    assert found[1] == found[2]
    assert found[3:4] == even.predict(made().images[0])
    assert replace(found[0], path=None) == replace(found[5], path=None) != found[1]
    assert even.predict(np.stack([pixels, pixels])) == found[1:3]
    channels_first = torch.tensor(pixels).permute(2, 0, 1)
    assert even.predict(pixels) == even.predict(channels_first) == found[1:2]
    assert even.predict(torch.stack([channels_first] * 2)) == found[1:3]


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (None, "NoneType is not an image: give paths, images (PIL, or uint8 arrays), or unit"),
        (np.zeros((2, 3, 9, 9), np.uint8), "channels come last: np.moveaxis(x, -3, -1)"),
        (torch.zeros(9, 9, 3, dtype=torch.uint8), "the array is uint8 tensor (9, 9, 3): expe"),
        (np.zeros((9, 9, 3), np.float32), "the array: float32 (9, 9, 3) is neither vectors"),
        ([np.eye(8)[0], np.eye(8)[0] * 2], "item 1: row 0 has norm 2.0000, not 1; divide each"),
        (torch.eye(8).half() * 1.1, "the array: row 0 has norm 1.0996, not 1; divide each"),
        (np.eye(8, dtype=int), "the array: int64 (8, 8) is neither vectors nor an image"),
        ([np.eye(3)], "item 0: embeddings of dimension 3, but the detector's have 8"),
        ([np.eye(8)[0], {}], "item 1: dict is not an image: give paths"),
    ],
)
def test_what_is_no_image_is_refused(small: package.Detector, images: Any, words: str) -> None:
    for call in (small.predict, lambda images: list(small.predict_iter(images))):
        with pytest.raises(InputError) as error:
            call(images)
        assert words in str(error.value)
        assert "\n" not in str(error.value)


def test_an_iterator_is_read_a_batch_at_a_time(small: package.Detector) -> None:
    vectors, read = made().images, []

    def stream() -> Iterator[Any]:
        for place in range(10**9):
            read.append(place)
            yield vectors[place % 60]

    decisions = small.predict_iter(stream(), batch_size=4)
    assert read == []
    first = [next(decisions) for _ in range(4)]
    assert read == [0, 1, 2, 3]
    assert first == small.predict(vectors[:4])
    next(decisions)
    assert read[-1] == 7


def test_what_came_before_an_error_is_judged_first(small: package.Detector) -> None:
    def stream() -> Iterator[Any]:
        yield from made().images[:3]
        raise OSError("camera unplugged")

    decisions = small.predict_iter(stream())
    assert [next(decisions) for _ in range(3)] == small.predict(made().images[:3])
    with pytest.raises(OSError, match="camera unplugged"):
        next(decisions)


def test_a_path_of_a_stream_that_cannot_be_read_is_an_error_of_its_own(
    even: package.Detector,
) -> None:
    found = [*even.predict_iter(iter(["new/a.png", "gone.png", Path("new/b.png")]))]
    assert [one.error for one in found] == [None, "No such file or directory", None]
    assert [one.path for one in found] == ["new/a.png", "gone.png", "new/b.png"]


def test_predict_iter_yields_what_predict_returns(even: package.Detector) -> None:
    vectors = made().images
    for images in ("new", Path("new"), ["new/b.png", "new"], vectors, [vectors[0]]):
        assert [*even.predict_iter(images, batch_size=2)] == even.predict(images)
    with pytest.raises(InputError, match="batch_size is 0 .int.; give a whole number, at least 1"):
        next(even.predict_iter("new", batch_size=0))


@pytest.fixture(scope="module")
def in_memory() -> tuple[Any, Any]:
    """Return a small model as a user of open_clip holds it, in training mode."""
    place = f"local-dir:{embedded.MODELS['tiny-clip']}"
    module, preprocess = open_clip.create_model_from_pretrained(place)
    return module.train(), preprocess


PHOTOS = np.random.default_rng(0).integers(0, 256, (6, 9, 7, 3), np.uint8)


def judged(decisions: list[package.Decision]) -> list[tuple[Any, ...]]:
    return [(one.is_in, one.score, one.p_value, one.nearest) for one in decisions]


def test_a_model_in_memory_judges_images_as_its_cached_ones(
    tmp_path: Path, in_memory: tuple[Any, Any]
) -> None:
    cache = package.open(tmp_path / "own", create=True)
    label = cache.extract(in_memory, PHOTOS, name="noise", note=quiet).model
    dimension = cache.images(label, "noise").embeddings.shape[1]
    classes = np.random.default_rng(1).normal(size=(2, dimension))
    cache.add_texts(label, "animals", classes, names=["cat", "dog"], note=quiet)
    given: dict[str, Any] = {"id": "noise", "scores": "mcm", "alpha": 0.3, "note": quiet}
    detector = package.Detector.make(cache, in_memory, **given)
    expected = judged(detector.predict("noise"))
    assert [one[0] for one in expected].count(False) == 1  # Below the ⌊0.3 · 7⌋ = 2nd lowest.
    assert judged(detector.predict(PHOTOS)) == expected
    detector.save("own.json")
    command = json.loads(Path("own.json").read_text())["provenance"]["command"]
    assert f"Detector.make({str(cache.folder)!r}, (module, preprocess), id='noise'" in command
    module, preprocess = in_memory
    loaded = package.Detector.load("own.json", model=(module, preprocess), note=quiet)
    assert judged(loaded.predict(list(PHOTOS))) == expected
    assert module.training
    with pytest.raises(InputError, match=r"Detector.load\(FILE, model=\(module, preprocess\)\)"):
        package.Detector.load("own.json").predict(PHOTOS)
    mine = {"model": (module, lambda image: preprocess(image)), "preprocess_id": "mine"}
    with pytest.raises(InputError, match="^model: preprocessed with fill_color None, but the cali"):
        package.Detector.load("own.json", **mine)
    with torch.no_grad():
        module.logit_scale += 1
    for again in (
        lambda: package.Detector.load("own.json", model=in_memory),
        lambda: package.Detector.make(cache, in_memory, **given),
    ):
        with pytest.raises(InputError, match=r"^model: (weights|.* no images .noise. of its)"):
            again()


def test_arguments_of_a_model_in_memory_are_for_it_alone(in_memory: tuple[Any, Any]) -> None:
    write_detector(Path("detector.json"), made().detector)
    with pytest.raises(InputError, match="^preprocess_id is for a model in memory$"):
        package.Detector.load("detector.json", preprocess_id="mine")
    with pytest.raises(InputError, match="^checkpoint and config are for a model by name$"):
        package.Detector.load("detector.json", model=in_memory, checkpoint="x.pt")
    with pytest.raises(InputError, match="^model is a tuple of 1: expected a name, or"):
        package.Detector.load("detector.json", model=in_memory[:1])

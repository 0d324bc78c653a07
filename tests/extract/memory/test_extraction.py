"""Claims about extractions asked for from Python, below the arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from samples import SmallModel, load_small, planned, write_photos

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.format.place import shard_folder
from oodcache.cache.watch import Watch
from oodcache.extract.memory import extraction
from oodcache.extract.memory.extraction import ExtractCall
from oodcache.extract.memory.row_labels import RowNotes
from oodcache.extract.model import loading
from oodcache.extract.model.encoder import Encoder
from oodcache.extract.model.request import ModelRequest
from oodcache.extract.run import run
from oodcache.extract.run.plan import Settings

WATCH = Watch()


@pytest.fixture
def request_(small_model: SmallModel) -> ModelRequest:
    return ModelRequest(small_model.config.stem, small_model.checkpoint, small_model.config)


@pytest.fixture(scope="module")
def model(small_model: SmallModel) -> Encoder:
    return load_small(small_model)


@pytest.fixture
def loaded_once(model: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the model once for all tests, which takes a second."""
    monkeypatch.setattr(loading, "load", lambda *_, **__: model)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    write_photos(tmp_path / "photos")
    return sorted((tmp_path / "photos").rglob("*.png"))


def pictures(files: list[Path]) -> list[Image.Image]:
    return [Image.open(path, formats=["PNG"]) for path in files]


SMALL = Settings(batch_size=4, shard_rows=6)


@pytest.mark.usefixtures("loaded_once")
def test_images_in_memory_have_the_vectors_of_the_same_files(
    request_: ModelRequest, files: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    wanted = planned(tmp_path, request_, [], sources=[f"pets={folder}"], workers=0)
    (path,) = run.run(wanted, WATCH)
    expected = next(open_images(path).blocks())
    arrays = np.stack([np.asarray(one) for one in pictures(files)])
    for name, images in (("a", folder), ("b", files), ("c", pictures(files)), ("d", arrays)):
        given: dict[str, Any] = {"cache": tmp_path / "cache", "request": request_, "name": name}
        asked = ExtractCall(images=images, workers=0, settings=Settings(batch_size=4), **given)
        (found,) = extraction.extract(asked, WATCH)
        assert np.array_equal(next(open_images(found).blocks()), expected), name


@pytest.mark.usefixtures("loaded_once")
def test_a_run_over_images_in_memory_resumes_where_it_stopped(
    request_: ModelRequest, files: list[Path], tmp_path: Path
) -> None:
    class Data:
        """A dataset that is interrupted in its second shard, once it was listed."""

        def __init__(self, last: int) -> None:
            self.reads: list[int] = []
            self.last = last

        def __len__(self) -> int:
            return len(files)

        def __getitem__(self, row: int) -> Any:
            self.reads.append(row)
            if len(self.reads) > len(files) and row == self.last:
                raise KeyboardInterrupt
            return Image.open(files[row], formats=["PNG"]), row % 2

    def made(data: Any, cache: str) -> list[Path]:
        given: dict[str, Any] = {"cache": tmp_path / cache, "request": request_, "name": "pets"}
        asked = ExtractCall(images=data, workers=0, settings=SMALL, **given)
        return extraction.extract(asked, WATCH)

    with pytest.raises(KeyboardInterrupt):
        made(Data(11), "killed")
    (done,) = (tmp_path / "killed").rglob("*.shards/*.h5")
    assert done.name.startswith("00001-of-00002")
    resumed = Data(-1)
    (path,) = made(resumed, "killed")
    assert sorted(resumed.reads[len(files) :]) == list(range(6, 12))
    (whole,) = made(Data(-1), "undisturbed")
    assert path.read_bytes() == whole.read_bytes()
    assert not shard_folder(path).exists()


@pytest.mark.usefixtures("loaded_once")
def test_one_bad_image_never_stops_a_run(
    request_: ModelRequest, files: list[Path], tmp_path: Path
) -> None:
    files[3].write_bytes(files[3].read_bytes()[:200])
    wanted = ExtractCall(cache=tmp_path, request=request_, images=pictures(files), name="pets")
    (path,) = extraction.extract(wanted, WATCH)
    found = open_images(path)
    assert np.flatnonzero(~found.ok).tolist() == [3]
    assert "OSError" in found.errors()[3]


@pytest.mark.usefixtures("loaded_once")
def test_classes_need_no_images_and_images_no_classes(
    request_: ModelRequest, files: list[Path], tmp_path: Path
) -> None:
    given: dict[str, Any] = {"cache": tmp_path / "cache", "request": request_, "name": "pets"}
    (texts,) = extraction.extract(ExtractCall(classes=["cat", "dog"], **given), WATCH)
    assert texts.parts[-2:] == ("texts", "pets.h5")
    both = ExtractCall(classes=["cat", "dog"], images=(one for one in pictures(files)), **given)
    assert [path.parts[-2] for path in extraction.extract(both, WATCH)] == ["texts", "images"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "nothing to extract: give images, classes, or both"),
        ({"images": ["x.png"]}, 'images need a name in the cache: give one, such as name="pets"'),
        ({"images": "photos"}, "images need a name in the cache"),
        ({"images": ["x.png"], "name": "a/b"}, "dataset 'a/b' is not a valid file name"),
        ({"images": "nowhere", "name": "pets"}, "nowhere: no such file or folder; pets=PATH"),
        ({"images": [], "name": "pets"}, "images is empty"),
        ({"template": "a {}", "images": ["x.png"]}, "template needs class names: give classes"),
        (
            {"images": "photos", "name": "pets", "notes": RowNotes([1])},
            "labels, label_names and paths are for lists: a folder has its own",
        ),
    ],
)
def test_what_is_missing_is_asked_for_before_a_model_is_loaded(
    given: dict[str, Any], said: str, tmp_path: Path
) -> None:
    wanted = ExtractCall(cache=tmp_path, request=ModelRequest("none"), **given)
    with pytest.raises(InputError) as refused:
        extraction.extract(wanted, WATCH)
    assert said in str(refused.value)


def test_an_iterator_cannot_be_retried(tmp_path: Path, request_: ModelRequest) -> None:
    images = iter([np.zeros((4, 4, 3), np.uint8)])
    settings = Settings(retry_failed=True)
    wanted = ExtractCall(
        cache=tmp_path, request=request_, images=images, name="pets", settings=settings
    )
    with pytest.raises(InputError, match="retry_failed needs images that can be read again"):
        extraction.extract(wanted, WATCH)

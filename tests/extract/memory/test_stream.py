"""Claims about images from an iterator."""

from __future__ import annotations

import errno
import io
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from samples import SmallModel, load_small, planned

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.watch import Watch
from oodcache.extract.memory.hugging_face import ColumnNames
from oodcache.extract.memory.kinds import Streamed, kind_of
from oodcache.extract.memory.row_labels import RowNotes
from oodcache.extract.memory.stream import Streaming
from oodcache.extract.model.encoder import Encoder
from oodcache.extract.model.request import ModelRequest
from oodcache.extract.run import run
from oodcache.extract.run.plan import Settings

COUNT = 13
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, 5, 7, 3), np.uint8)
NO_NOTES, WATCH = RowNotes(), Watch()
# Batches of 4 in shards of 6, so that some batches are shorter.
SETTINGS = Settings(batch_size=4, shard_rows=6)


@pytest.fixture(scope="module")
def model(small_model: SmallModel) -> Encoder:
    return load_small(small_model)


def stream(images: Any, notes: RowNotes = NO_NOTES, settings: Settings = SETTINGS) -> Streaming:
    found = kind_of(iter(images), ColumnNames())
    assert isinstance(found, Streamed)
    return Streaming("pets", found, notes, settings)


def test_the_file_is_that_of_the_same_images_in_a_folder(
    model: Encoder, small_model: SmallModel, tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text("".join(f"{row}.png {row % 2}\n" for row in range(COUNT)))
    for row, one in enumerate(PIXELS):
        Image.fromarray(one).save(tmp_path / f"{row}.png")
    request = ModelRequest(small_model.config.stem, small_model.checkpoint, small_model.config)
    given = {"sources": [f"pets={tmp_path / 'list.txt'}"], "shard_rows": 6, "workers": 0}
    (expected,) = run.run(planned(tmp_path, request, [], **given), WATCH)
    notes = RowNotes(paths=[f"{row}.png" for row in range(COUNT)])
    pairs = ((Image.fromarray(one), row % 2) for row, one in enumerate(PIXELS))
    found = stream(pairs, notes).extract(model, tmp_path / "stream", WATCH)
    with h5py.File(expected) as one, h5py.File(found) as other:
        assert list(one) == list(other)
        assert dict(one.attrs) == dict(other.attrs)
        for name in set(one) - {"identity"}:  # Which has another fingerprint.
            assert np.array_equal(one[name][()], other[name][()]), name
            assert one[name].dtype == other[name].dtype


def test_a_bad_image_keeps_its_row(model: Encoder, tmp_path: Path) -> None:
    empty = Image.new("RGB", (0, 3))
    found = open_images(stream([*PIXELS[:5], empty, PIXELS[6]]).extract(model, tmp_path, WATCH))
    assert found.ok.tolist() == [True] * 5 + [False, True]
    assert list(found.errors()) == [5]
    assert not next(found.blocks())[5].any()


def test_an_equal_stream_keeps_the_file_and_another_is_refused(
    model: Encoder, tmp_path: Path
) -> None:
    notes: list[str] = []
    watch = Watch(notes.append)
    path = stream(PIXELS).extract(model, tmp_path, watch)
    before = path.stat().st_mtime_ns
    assert stream(PIXELS).extract(model, tmp_path, watch) == path
    assert path.stat().st_mtime_ns == before
    assert notes[-1] == f"kept {path}"
    with pytest.raises(InputError, match="of 13 images, and these 12 are not the same; give anot"):
        stream(PIXELS[1:]).extract(model, tmp_path, watch)
    with pytest.raises(InputError, match="made with other settings; give another name, or over"):
        stream(PIXELS, settings=Settings(dtype="float16")).extract(model, tmp_path, watch)
    again = Settings(dtype="float16", overwrite=True)
    assert open_images(stream(PIXELS, settings=again).extract(model, tmp_path, watch)).rows == 13


def test_labels_beside_a_stream_are_as_many_as_its_images(model: Encoder, tmp_path: Path) -> None:
    notes = RowNotes([0, 1], ["cat", "dog"])
    assert open_images(stream(PIXELS[:2], notes).extract(model, tmp_path, WATCH)).label[1] == 1
    with pytest.raises(InputError, match="labels has 2 entries for 13 images"):
        stream(PIXELS, notes).extract(model, tmp_path / "more", WATCH)


def test_nothing_is_left_of_a_run_that_stops(model: Encoder, tmp_path: Path) -> None:
    def images() -> Iterator[Any]:
        yield from PIXELS
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream(images()).extract(model, tmp_path, WATCH)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_too_many_bad_images_are_no_file(model: Encoder, tmp_path: Path) -> None:
    empty = Image.new("RGB", (0, 3))
    settings = Settings(max_bad=0.1)
    with pytest.raises(InputError, match="1 of 2 images so far cannot be read"):
        stream([PIXELS[0], empty], settings=settings).extract(model, tmp_path, WATCH)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_memory_holds_no_more_than_a_few_batches(model: Encoder, tmp_path: Path) -> None:
    alive: list[int] = []

    class Counted(np.ndarray):
        def __del__(self) -> None:
            alive.append(-1)

    def images() -> Iterator[Any]:
        for _ in range(60):
            alive.append(1)
            assert sum(alive) <= 4 * SETTINGS.batch_size
            yield PIXELS[0].copy().view(Counted)

    stream(images()).extract(model, tmp_path, WATCH)


def test_a_full_disk_is_one_line(
    model: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.FileIO):
        """A file that takes a part of what is written, then no more."""

        def write(self, content: Any) -> int:
            if self.tell():
                raise OSError(errno.EFBIG, "File too large")
            return super().write(content[:100])

    whole = io.FileIO(tmp_path / "spool", "w+")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full(whole.fileno(), "r+"))
    with pytest.raises(InputError, match=r"pets.h5: cannot be written: File too large: raise the"):
        stream(PIXELS).extract(model, tmp_path, WATCH)


def test_an_image_with_a_zero_vector_is_bad(model: Encoder, tmp_path: Path) -> None:
    def first_is_zero(batch: torch.Tensor) -> torch.Tensor:
        found = model.towers.images(batch)
        found[0] = 0
        return found

    zero = replace(model, towers=replace(model.towers, images=first_is_zero))
    found = open_images(stream(PIXELS[:3]).extract(zero, tmp_path, WATCH))
    why = "the model returned a zero vector, which cannot be normalised"
    assert found.errors() == {0: why}

"""Claims about images embedded here and now: they get the vectors that extraction writes."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from oodcache.cache.names import image_path
from oodcache.cache.shards.shard_set import open_images
from oodcache.extract.model.request import ModelRequest
from oodcache.extract.run import decoding
from oodcache.extract.run.embedding import Embedded, Embedder, FreeFiles, Pictures
from oodcache.extract.sources.listing import Contents


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder.by_name(ModelRequest("tiny-clip"), lambda text: None)


def embedded(embedder: Embedder, contents: Contents, count: int, **given: int | None) -> Embedded:
    """Return all batches as one."""
    options: Any = {"batch_size": 4, "workers": 0, **given}
    batches = list(embedder.embedded(contents, count, **options))
    errors, done = dict[int, str](), 0
    for batch in batches:
        errors |= {done + row: why for row, why in batch.errors.items()}
        done += len(batch.vectors)
    return Embedded(np.concatenate([one.vectors for one in batches]), errors)


@pytest.mark.parametrize("workers", [0, 2])
def test_files_get_the_vectors_that_extraction_wrote(
    demo: Path, embedder: Embedder, workers: int
) -> None:
    written = open_images(image_path(demo / "embeddings", "tiny-clip/demo", "eight-nine"))
    root = os.fsencode(demo / "data" / "eight-nine")
    paths = [root + b"/" + path for path in written.paths()]
    found = embedded(embedder, FreeFiles(paths), len(paths), batch_size=100, workers=workers)
    assert not found.errors
    assert np.allclose(found.vectors, np.concatenate([*written.blocks()]), atol=1e-6)


def test_a_bad_file_has_its_reason_and_the_others_their_vectors(
    photos: Path, embedder: Embedder
) -> None:
    good = [os.fsencode(path) for path in sorted(photos.glob("cat/*.png"))]
    (photos / "bad.png").write_bytes(b"x")
    paths = [
        *good[:3],
        os.fsencode(photos / "bad.png"),
        os.fsencode(photos / "gone.png"),
        *good[3:],
    ]
    found = embedded(embedder, FreeFiles(paths), len(paths))
    assert found.errors == {
        3: "UnidentifiedImageError: cannot identify image file",
        4: "FileNotFoundError: No such file or directory",
    }
    alone = embedded(embedder, FreeFiles(good), len(good))
    assert np.allclose(found.vectors[[0, 1, 2, 5, 6, 7]], alone.vectors, atol=1e-6)
    assert not found.vectors[[3, 4]].any()


def test_the_files_of_one_batch_are_decoded_by_threads_to_the_same_vectors(
    photos: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    batches = decoding.batches

    def counted(*given: Any, threads: int, **others: Any) -> Any:
        asked.append(threads)
        return batches(*given, threads=threads, **others)

    monkeypatch.setattr(decoding, "batches", counted)
    paths = [os.fsencode(path) for path in sorted(photos.glob("*/*.png"))] + [b"gone.png"]
    found = [
        embedded(embedder, FreeFiles(paths), len(paths), batch_size=len(paths), workers=workers)
        for workers in (0, None)
    ]
    assert np.array_equal(found[0].vectors, found[1].vectors)
    assert found[0].errors == found[1].errors
    assert (asked[0], asked[1] > 1) == (0, (os.cpu_count() or 1) > 1)


@pytest.mark.parametrize(
    "mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "YCbCr", "I;16", "I", "F"]
)
def test_an_image_in_memory_is_seen_as_its_file_is(
    tmp_path: Path, embedder: Embedder, mode: str
) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    picture: Image.Image
    if mode.startswith("I"):
        deep = grey[..., 0].astype(np.uint16) * 257
        picture = Image.fromarray(deep if mode == "I;16" else grey[..., 0].astype(np.int32))
    else:
        picture = Image.fromarray(grey).convert("L" if mode == "F" else mode).convert(mode)
    path = tmp_path / "x.tif"
    picture.save(path)
    if mode != "YCbCr":  # Which TIFF stores as JPEGs do.
        picture = Image.open(path)
        assert picture.mode == mode
    from_file = embedded(embedder, FreeFiles([os.fsencode(path)]), 1)
    in_memory = embedded(embedder, Pictures([picture]), 1)
    assert not from_file.errors
    assert np.allclose(in_memory.vectors, from_file.vectors, atol=1e-6)


@pytest.mark.parametrize("exif", [False, True])
def test_an_image_in_memory_is_turned_as_its_file_is(tmp_path: Path, exif: bool) -> None:
    image = Image.fromarray(np.arange(8 * 4 * 3, dtype=np.uint8).reshape(4, 8, 3))
    turned = image.getexif()
    turned[0x0112] = 6
    image.save(tmp_path / "x.png", exif=turned)
    content = Pictures([Image.open(tmp_path / "x.png")], exif).read(0)
    upright = image.transpose(Image.Transpose.ROTATE_270)
    found = np.asarray(Image.open(io.BytesIO(content)))
    assert np.array_equal(found, np.asarray(upright if exif else image))


def test_a_broken_image_in_memory_has_its_reason(tmp_path: Path, embedder: Embedder) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (200, 200), "red").save(path)
    path.write_bytes(path.read_bytes()[:80])
    found = embedded(embedder, Pictures([Image.open(path), Image.new("L", (9, 9))]), 2)
    assert list(found.errors) == [0]
    assert found.errors[0].startswith("OSError: ")


def test_a_file_is_read_when_it_is_decoded() -> None:
    def broken() -> bytes:
        raise OSError("broken")

    found = Pictures([lambda: b"its bytes", broken], exif=True)
    assert found.read(0) == b"its bytes"
    with pytest.raises(OSError, match="broken"):
        found.read(1)


def test_no_image_is_no_batch(embedder: Embedder) -> None:
    assert list(embedder.embedded(FreeFiles([]), 0, batch_size=4, workers=None)) == []


@pytest.mark.parametrize(("shape", "mode"), [((4, 8, 3), "RGB"), ((4, 8), "L"), ((4, 8, 1), "L")])
def test_an_array_in_memory_is_the_image_of_its_numbers(shape: tuple[int, ...], mode: str) -> None:
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    image = Image.frombytes(mode, (8, 4), pixels.tobytes())
    assert Pictures([pixels]).read(0) == Pictures([image]).read(0)

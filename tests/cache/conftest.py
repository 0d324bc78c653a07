"""Small valid files of both kinds, for tests that read them or break them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from oodcache.cache.files.images import ImageBatch, ImageRows, write_images
from oodcache.cache.files.texts import Vocabulary, write_text_shard, write_texts
from oodcache.cache.format.identity import Identity, ModelIdentity
from oodcache.cache.format.place import Run, shard_folder

MODEL = ModelIdentity(
    name="small",
    pretrained="demo",
    requested="small",
    architecture={"embed_dim": 4},
    weights="00" * 32,
    checkpoint=None,
    logit_scale=10.0,
    logit_bias=-5.0,
)
PATHS = (b"cat/0.png", b"dog/1.png", b"2.png", b"cat/3\n.png", b"dog/\xff4.png", b"cat/5.png")
LABELS = (0, 1, -1, 0, 1, 0)
FAILED = {2: "cut short", 4: "no image"}
ROWS = ImageRows(PATHS, np.array(LABELS), ("cat", "dog"))
VOCABULARY = Vocabulary(("cat", "dog", "größer"), ("n1", "n2", "n3"), ("a {}", "a photo of a {}"))


def unit_rows(*shape: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return random float32 rows of norm 1."""
    rows = np.random.default_rng(seed).normal(size=shape)
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def small_vectors(
    failed: Collection[int] = tuple(FAILED),
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the vectors of the small image file: six rows of four, zeros where it failed."""
    vectors = unit_rows(len(PATHS), 4)
    vectors[list(failed)] = 0
    return vectors


def batches(
    vectors: np.ndarray[Any, Any], failed: Mapping[int, str], size: int
) -> Iterator[ImageBatch]:
    """Yield vectors as an encoder does, so many at a time."""
    for first in range(0, len(vectors), size):
        some = vectors[first : first + size]
        errors = {row - first: failed[row] for row in failed if 0 <= row - first < len(some)}
        yield ImageBatch(some, np.linalg.norm(some, axis=1) * 3, errors)


Write = Callable[..., Path]
WriteShards = Callable[..., list[Path]]


@pytest.fixture(scope="session")
def identity() -> Identity:
    """The identity of a model with a bias."""
    return Identity(
        model=MODEL,
        source={"name": "pets", "fingerprint": "11" * 32},
        encoding={"size": 16, "mean": [0.5, 0.5, 0.5]},
        precision={"autocast": "float32"},
        versions={"oodcache": "0.1.0"},
    )


@pytest.fixture(scope="session")
def write_pets(identity: Identity) -> Write:
    """Write six images, two of them not decoded, as the given path."""

    def write(
        path: Path,
        *,
        size: int = 4,
        dtype: npt.DTypeLike = np.float32,
        failed: Mapping[int, str] = FAILED,
        **model: Any,
    ) -> Path:
        write_images(
            path,
            batches(small_vectors(failed), failed, size),
            rows=ROWS,
            identity=replace(identity, model=replace(identity.model, **model)),
            dtype=dtype,
        )
        return path

    return write


@pytest.fixture(scope="session")
def write_names(identity: Identity) -> Write:
    """Write three names under two templates as the given path."""

    def write(path: Path, *, dtype: npt.DTypeLike = np.float32, **model: Any) -> Path:
        write_texts(
            path,
            unit_rows(2, 3, 4),
            np.full((2, 3), 2, np.float32),
            vocabulary=VOCABULARY,
            identity=replace(identity, model=replace(identity.model, **model)),
            dtype=dtype,
        )
        return path

    return write


@pytest.fixture(scope="session")
def write_shards(identity: Identity) -> WriteShards:
    """Write the six images as shards of so many rows beside the given path; return their paths."""

    def write(
        target: Path,
        shard_rows: int = 4,
        *,
        dtype: npt.DTypeLike = np.float32,
        failed: Mapping[int, str] = FAILED,
        **changes: Any,
    ) -> list[Path]:
        run = Run("images", replace(identity, **changes), np.dtype(dtype), shard_rows)
        paths = []
        for place in run.places(len(PATHS)):
            rows = slice(place.first, place.first + place.rows)
            bad = {
                row - rows.start: failed[row] for row in failed if row in range(len(PATHS))[rows]
            }
            path = shard_folder(target) / place.file_name
            write_images(
                path,
                batches(small_vectors(failed)[rows], bad, 2),
                rows=ROWS.cut(place.first, place.rows),
                identity=run.identity,
                dtype=dtype,
                place=place,
            )
            paths.append(path)
        return paths

    return write


@pytest.fixture(scope="session")
def write_text_shards(identity: Identity) -> WriteShards:
    """Write the three names under two templates as shards beside the given path."""

    def write(
        target: Path, shard_rows: int = 4, *, dtype: npt.DTypeLike = np.float32, **changes: Any
    ) -> list[Path]:
        run = Run("texts", replace(identity, **changes), np.dtype(dtype), shard_rows)
        vectors, paths = unit_rows(2, 3, 4).reshape(6, 4), []
        for place in run.places(len(vectors)):
            rows = slice(place.first, place.first + place.rows)
            path = shard_folder(target) / place.file_name
            write_text_shard(
                path,
                vectors[rows],
                np.full(place.rows, 2, np.float32),
                vocabulary=VOCABULARY,
                identity=run.identity,
                dtype=dtype,
                place=place,
            )
            paths.append(path)
        return paths

    return write


@pytest.fixture(scope="session")
def one_model(
    tmp_path_factory: pytest.TempPathFactory,
    write_pets: Write,
    write_names: Write,
    write_shards: WriteShards,
    write_text_shards: WriteShards,
) -> Path:
    """Write images and texts, whole and as shards, which are only copied."""
    folder = tmp_path_factory.mktemp("one-model") / "small" / "demo"
    images, texts = folder / "images" / "pets.h5", folder / "texts" / "names.h5"
    write_pets(images)
    write_shards(images)
    write_names(texts)
    write_text_shards(texts)
    return folder


def copied(model: Path, to: Path, name: str) -> Path:
    """Copy a file of the model, or the folder of its shards; return the file or first shard."""
    target = to / "small" / "demo" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".h5":
        return Path(shutil.copyfile(model / name, target))
    return min(shutil.copytree(model / name, target).iterdir())


@pytest.fixture
def image_file(tmp_path: Path, one_model: Path) -> Path:
    """A valid file of six images, two of them not decoded."""
    return copied(one_model, tmp_path, "images/pets.h5")


@pytest.fixture
def text_file(tmp_path: Path, one_model: Path) -> Path:
    """A valid file of three names under two templates."""
    return copied(one_model, tmp_path, "texts/names.h5")


@pytest.fixture
def shard_file(tmp_path: Path, one_model: Path) -> Path:
    """The first of two shards: four images, one of them not decoded."""
    return copied(one_model, tmp_path, "images/pets.shards")


@pytest.fixture
def text_shard_file(tmp_path: Path, one_model: Path) -> Path:
    """The first of two shards: four rows of six."""
    return copied(one_model, tmp_path, "texts/names.shards")

"""A small cache below the folder that the tests run in, and files of it cut into shards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.cache import cuts
from samples.cache.written_once import written_once

from oodcache.cache.files.images import ImageBatch, ImageRows, write_images
from oodcache.cache.files.texts import Vocabulary, write_text_shard, write_texts
from oodcache.cache.format.identity import Identity, ModelIdentity
from oodcache.cache.format.place import Run, shard_folder

Write = Callable[..., Path]
Cut = Callable[..., list[Path]]
__all__ = ["cut", "cut_texts", "write_names", "write_pets"]
IDENTITY = Identity(
    ModelIdentity("small", "demo", "tiny", {"embed_dim": 4}, "00" * 32, None, 10.0, -5.0),
    {"name": "pets", "fingerprint": "11" * 32},
    {"size": 16},
    {"autocast": "float32"},
    {"oodcache": "0.1.0"},
)


def unit_rows(count: int, seed: int = 0) -> Any:
    rows = np.random.default_rng(seed).normal(size=(count, 4))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="session")
def write_pets() -> Write:
    """Write images, by default seven of which the third is bad, as the path of a cache."""

    def write(
        path: Path,
        *,
        count: int = 7,
        failed: tuple[int, ...] = (2,),
        names: int = 2,
        seed: int = 0,
        dtype: str = "f4",
        **changes: Any,
    ) -> Path:
        vectors, norm = unit_rows(count, seed), np.arange(1, count + 1, dtype=np.float32)
        vectors[list(failed)] = 0
        label = np.arange(count) % names if names else np.full(count, -1)
        model = {"name": path.parts[-4], "pretrained": path.parts[-3]}
        given: dict[str, Any] = {
            "rows": ImageRows(
                [b"%d.png" % row for row in range(count)],
                label,
                [f"name {number}" for number in range(names)],
            ),
            "identity": replace(
                IDENTITY,
                source={**IDENTITY.source, "name": path.stem},
                model=replace(IDENTITY.model, **{**model, **changes}),
            ),
            "dtype": dtype,
        }
        batch = ImageBatch(vectors, norm, {row: f"why {row}" for row in failed})
        return written_once(path, lambda one: write_images(one, [batch], **given), batch, given)

    return write


@pytest.fixture(scope="session")
def write_names() -> Write:
    """Write two templates with three classes as the path of a cache."""

    def write(path: Path, count: int = 3) -> Path:
        vectors = unit_rows(2 * count).reshape(2, count, 4)
        given: dict[str, Any] = {
            "vocabulary": Vocabulary(
                tuple(f"class {number}" for number in range(count)),
                ("",) * count,
                ("a {}", "the {}"),
            ),
            "identity": replace(
                IDENTITY,
                source={**IDENTITY.source, "name": path.stem},
                model=replace(IDENTITY.model, name=path.parts[-4], pretrained=path.parts[-3]),
            ),
        }
        norm = np.full((2, count), 2, np.float32)
        return written_once(
            path, lambda one: write_texts(one, vectors, norm, **given), vectors, given
        )

    return write


@pytest.fixture
def cut() -> Cut:
    """Write what an image file holds as shards of so many rows beside a path; return theirs."""

    def shards(file: Path, target: Path, shard_rows: int = 3) -> list[Path]:
        return cuts.cut(file, target, shard_rows)

    return shards


@pytest.fixture
def cut_texts() -> Cut:
    """Write shards of two rows for two templates with one class beside a path; return theirs."""

    def shards(target: Path, shard_rows: int = 1) -> list[Path]:
        identity = replace(IDENTITY, source={**IDENTITY.source, "name": target.stem})
        run, vectors, paths = Run("texts", identity, np.dtype("f4"), shard_rows), unit_rows(2), []
        for place in run.places(2):
            paths.append(shard_folder(target) / place.file_name)
            write_text_shard(
                paths[-1],
                vectors[place.first : place.first + place.rows],
                np.ones(place.rows, np.float32),
                vocabulary=Vocabulary(("cat",), ("",), ("a {}", "the {}")),
                identity=identity,
                dtype=np.float32,
                place=place,
            )
        return paths

    return shards

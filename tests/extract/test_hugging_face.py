"""Claims about datasets that Hugging Face's own library wrote: the same rows as from a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.extract.runs import once

from oodcache.cache.files.images import open_images

pytestmark = pytest.mark.slow  # The library takes seconds to import.
NAMES = [f"{kind}/{number}.png" for kind in ("cat", "dog") for number in range(6)]
CLASSES = ["dog", "cat"]
Make = Callable[[Path, Path], Path | str]


def dataset(photos: Path, *, in_memory: bool = False) -> Any:
    """Return the photographs as a dataset of the library's, of pixels or of files."""
    import datasets
    from PIL import Image

    images: list[Any] = [str(photos / name) for name in NAMES]
    if in_memory:
        images = [Image.open(one) for one in images]
    labels = [CLASSES.index(name.split("/")[0]) for name in NAMES]
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=CLASSES))
    return datasets.Dataset.from_dict({"image": images, "label": labels}, features=features)


def to_parquet(photos: Path, place: Path) -> Path:
    dataset(photos, in_memory=True).to_parquet(place / "x.parquet", batch_size=5)
    return place / "x.parquet"


def to_shards(photos: Path, place: Path) -> str:
    for shard in range(4):
        rows = dataset(photos).shard(4, shard, contiguous=True)
        rows.to_parquet(place / f"test-{shard:05d}-of-00004.parquet")
    dataset(photos).select([0]).to_parquet(place / "train-00000-of-00001.parquet")
    return f"{place}/test-*.parquet"


def to_disk(photos: Path, place: Path) -> Path:
    dataset(photos).save_to_disk(place, num_shards=5)
    return place


def selection_to_disk(photos: Path, place: Path) -> Path:
    twice = dataset(photos).select([*reversed(range(12))])
    twice.select([*reversed(range(12))]).save_to_disk(place)
    return place


def dictionary_to_disk(photos: Path, place: Path) -> Path:
    import datasets

    every = dataset(photos)
    datasets.DatasetDict(train=every.select([3]), test=every).save_to_disk(place)
    return place / "test"


def paths_in_the_cache(photos: Path, place: Path) -> Path:
    """Return the library's cache of a folder, which holds paths, and no bytes."""
    import datasets

    found = datasets.load_dataset("imagefolder", data_dir=str(photos), cache_dir=str(place))
    assert len(found["train"]) == 12
    return place


@pytest.mark.parametrize(
    "make",
    [to_parquet, to_shards, to_disk, selection_to_disk, dictionary_to_disk, paths_in_the_cache],
)
def test_a_dataset_that_the_library_wrote_gives_the_vectors_of_its_folder(
    tmp_path: Path, photos: Path, make: Make
) -> None:
    folder = open_images(once(tmp_path, "folder", sources=[f"x={photos}"]))
    (tmp_path / "place").mkdir()
    specification = f"x={make(photos, tmp_path / 'place')}"
    found = open_images(once(tmp_path, "other", sources=[specification]))
    assert not found.errors()
    vectors, same = (np.concatenate(list(one.stored_blocks())) for one in (folder, found))
    assert same.tobytes() == vectors.tobytes()
    assert [found.label_names[one] for one in found.label.tolist()] == ["cat"] * 6 + ["dog"] * 6
    assert len({*found.paths()}) == 12

"""Claims about the kinds of images that Python code may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision.datasets import FakeData, ImageFolder

from oodcache.cache.errors import InputError
from oodcache.extract.memory.hugging_face import ColumnNames
from oodcache.extract.memory.in_memory import Indexed
from oodcache.extract.memory.kinds import Paths, Streamed, files, kind_of
from oodcache.extract.memory.pictures import as_file

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3), np.uint8)
IMAGES = [Image.fromarray(one) for one in PIXELS]
NO_COLUMNS = ColumnNames()


def kind(images: object) -> Any:
    return kind_of(images, NO_COLUMNS)


@pytest.mark.parametrize("images", ["photos", Path("photos")])
def test_one_path_is_a_folder_or_file(images: object) -> None:
    assert kind(images) == "photos"


@pytest.mark.parametrize(
    "images",
    [
        ["a.png", Path("b.png")],
        ("a.png", "b.png"),
        np.array(["a.png", "b.png"]),
        (name for name in ("a.png", "b.png")),
        {"a.png": 1, "b.png": 2}.keys(),
        pandas.Series(["a.png", "b.png"], index=[7, 3]),
    ],
)
def test_several_paths_are_files(images: object) -> None:
    found = kind(images)
    assert isinstance(found, Paths)
    assert [Path(one).name for one in found.paths] == ["a.png", "b.png"]


GREYS = PIXELS[:, :, :, 0]


@pytest.mark.parametrize("images", [IMAGES, list(PIXELS), PIXELS, tuple(IMAGES), GREYS])
def test_images_and_arrays_are_indexed(images: object) -> None:
    found = kind(images)
    assert isinstance(found, Indexed)
    assert found.count == 3
    assert np.array_equal(np.asarray(found.sample(1).image), np.asarray(images[1]))  # type: ignore[index]


@pytest.mark.parametrize(
    "images",
    [torch.from_numpy(PIXELS).permute(0, 3, 1, 2), torch.zeros(4, 5, 7, dtype=torch.uint8)],
)
def test_a_tensor_of_images_is_indexed(images: torch.Tensor) -> None:
    found = kind(images)
    assert found.count == len(images)
    assert torch.equal(found.sample(2).image, images[2])


def test_pairs_have_labels() -> None:
    sample = kind([(IMAGES[0], "cat"), (IMAGES[1], "dog")]).sample(1)
    assert (sample.image, sample.label) == (IMAGES[1], "dog")


def test_a_torch_dataset_has_labels_and_its_own_names() -> None:
    data: Any = FakeData(3, (3, 5, 7), 2)
    data.classes = ["cat", "dog"]
    found = kind(data)
    assert (found.count, found.label_names) == (3, ["cat", "dog"])
    assert found.sample(0).image.size == (7, 5)
    assert int(found.sample(0).label) == int(data[0][1])


def test_a_dataset_of_files_has_their_paths(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        IMAGES[0].save(tmp_path / name / "1.png")
    sample = kind(ImageFolder(tmp_path)).sample(1)
    assert (sample.path, sample.label) == (str(tmp_path / "dog" / "1.png"), 1)


def test_a_dataset_gives_the_files_of_its_images_without_labels() -> None:
    class Data(Dataset[Any]):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, row: int) -> Any:
            if row == 1:
                raise OSError("broken")
            return (None if row == 2 else IMAGES[row % 3]), row

    read = list(files(Data()))
    assert [len(read), read[3]()] == [4, as_file(IMAGES[0], "").content]
    with pytest.raises(OSError, match="broken"):
        read[1]()
    with pytest.raises(ValueError, match=r"images\[2\] is None: expected a PIL image"):
        read[2]()


def test_a_dataset_of_something_else_is_refused_at_its_first_element() -> None:
    with pytest.raises(InputError, match=r"images\[0\] is a float32 tensor \(3, 2, 2\), already"):
        next(files(TensorDataset(torch.zeros(1, 3, 2, 2), torch.zeros(1))))


def test_an_iterator_gives_its_images_once_in_order() -> None:
    found = kind((image, row) for row, image in enumerate(IMAGES))
    assert isinstance(found, Streamed)
    samples = [one() for one in found.samples]
    assert [(one.image, one.label) for one in samples] == [(IMAGES[row], row) for row in range(3)]


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (None, "images is NoneType: expected a folder, a list of paths"),
        (3, "images is int: expected"),
        (b"abc", "images is bytes: expected"),
        ({"a": 1}, "images is dict: expected"),
        ({1, 2}, "images is set: expected"),
        ([], "images is empty: expected"),
        (iter([]), "images is an iterator that gives nothing"),
        (np.zeros((0, 5, 7, 3), np.uint8), "images is empty (shape (0, 5, 7, 3))"),
        (np.zeros(3, np.uint8), "images is uint8 (3,): expected one image, (H, W) or (H"),
        (np.array(3, np.uint8), "images is empty (shape ())"),
        (PIXELS[0], "images is one image (shape (5, 7, 3)): give images[None]"),
        (torch.zeros(3, 5, 7), "images is float32, not uint8 from 0 to 255: give images without"),
        (IMAGES[0], "images is one image: give a list of images, such as [image]"),
        (pandas.DataFrame({"path": ["a.png"]}), "images is a DataFrame: give its column of paths"),
        ([IMAGES[0], None], "images[1] is None: expected a path, a PIL image or a uint8 array"),
        ([IMAGES[0], "a.png"], "images[1] is a path, but images[0] is a PIL image: give images"),
        ([IMAGES[0], PIXELS[0]], "images[1] is an array, but images[0] is a PIL image"),
        (DataLoader(TensorDataset(torch.zeros(2, 1))), "is a DataLoader, which gives batches"),
    ],
)
def test_what_can_be_no_images_is_refused(images: object, said: str) -> None:
    with pytest.raises(InputError) as refused:
        kind(images)
    assert said in str(refused.value)
    assert len(str(refused.value).encode()) < 600


def test_a_tuple_of_three_is_refused_with_its_row() -> None:
    with pytest.raises(InputError, match=r"images.1. is a tuple of 3: expected \(image, label\)"):
        kind([(IMAGES[0], 0), (IMAGES[1], 1, 2)]).sample(1)


def test_columns_are_for_tables_alone() -> None:
    with pytest.raises(InputError, match="image_column and label_column are for Hugging Face"):
        kind_of(IMAGES, ColumnNames("image"))

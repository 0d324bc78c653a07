"""Claims about Hugging Face datasets: a double for each rule, the real library for the whole."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from samples.extract.stored import IMAGE, class_label, structs, table, write_parquet

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.extract.memory.hugging_face import ColumnNames, indexed, splits
from oodcache.extract.memory.in_memory import Indexed, listed
from oodcache.extract.memory.kinds import Streamed, kind_of
from oodcache.extract.memory.row_labels import RowNotes
from oodcache.extract.sources.datasets import find, list_images

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3), np.uint8)


@dataclass
class Pictures:
    """A column that says it has images, and may give their bytes."""

    decode: bool = True
    dtype: str = "PIL.Image.Image"


@dataclass
class Classes:
    """A column of class numbers with names."""

    names: list[str] = field(default_factory=lambda: ["dog", "cat"])

    def int2str(self, number: int) -> str:
        return self.names[number]


@dataclass
class Double:
    """What the code may ask of a dataset, and no more."""

    features: Mapping[str, Any]
    rows: list[dict[str, Any]]
    steps: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return self.rows[row]

    def cast_column(self, name: str, feature: Any) -> Double:
        assert feature.decode is False
        return Double({**self.features, name: feature}, self.rows, [*self.steps, name])


class Other:
    """A column of plain values."""


def png(pixels: Any) -> bytes:
    to = io.BytesIO()
    Image.fromarray(pixels).save(to, "PNG")
    return to.getvalue()


def double(**features: Any) -> Double:
    row = {name: {"bytes": b"x", "path": "a.png"} for name in features}
    return Double(features, [row])


def image_of(dataset: Double, **columns: Any) -> str:
    """Return the column that is cast, so that it gives bytes."""
    found: list[str] = []
    dataset.cast_column = lambda name, feature: found.append(name) or dataset  # type: ignore
    indexed(dataset, ColumnNames(**columns))
    return found[0]


def test_the_only_column_of_images_is_taken_or_the_one_that_is_named() -> None:
    assert image_of(double(photo=Pictures(), other=object())) == "photo"
    assert image_of(double(left=Pictures(), right=Pictures()), image="right") == "right"


def test_class_names_keep_their_order() -> None:
    data = Double({"image": Pictures(), "y": Classes()}, [{"image": {}, "y": 1}])
    found = indexed(data, ColumnNames())
    assert (found.label_names, found.sample(0).label) == (("dog", "cat"), 1)


@pytest.mark.parametrize(
    ("features", "columns", "said"),
    [
        ({"a": object()}, {}, "images has no column of images (its columns: 'a'); give image_col"),
        (
            {"a": Pictures(), "b": Pictures()},
            {},
            "images has several columns of images: 'a', 'b'; give image_column='a'",
        ),
        ({"a": Pictures()}, {"image": "b"}, "image_column='b': no such column; there are: 'a'"),
        ({"a": Pictures()}, {"label": "b"}, "label_column='b': no such column; there are: 'a'"),
        (
            {"a": Pictures(), "fine": Classes(), "coarse": Classes()},
            {},
            "images has several columns of labels: 'fine', 'coarse'; give label_column='fine'",
        ),
    ],
)
def test_a_column_that_is_not_clear_is_asked_for(features: Any, columns: Any, said: str) -> None:
    with pytest.raises(InputError) as refused:
        indexed(double(**features), ColumnNames(**columns))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["x", "dog", "ant", "cat"], {"label": [9, 8, 7], "species": [1, 3, 1]}),
        (["0", "1", "2"], {"species": [2, -1, 0]}),
        ([], {"class": [" b", "a", None], "id": [1, 2, 3]}),
    ],
)
@pytest.mark.parametrize("kind", ["photo", "struct", "bytes"])
def test_a_dataset_in_memory_and_in_a_file_is_the_same_images_and_labels(
    tmp_path: Path, names: list[str], columns: dict[str, list[Any]], kind: str
) -> None:
    files = [png(pixels) for pixels in PIXELS]
    called = "photo" if kind == "photo" else "image"
    in_file: Any = pa.array(files) if kind == "bytes" else structs([(one, None) for one in files])
    features: dict[str, Any] = {one: {"_type": "Value"} for one in columns}
    doubles: dict[str, Any] = {called: Pictures(dtype="binary"), **dict.fromkeys(columns, Other())}
    if kind != "bytes":
        features[called] = IMAGE
        doubles[called] = Pictures() if kind == "photo" else {"bytes": 0, "path": 0}
    if names:
        features["species"], doubles["species"] = class_label(*names), Classes(names)
    rows = [
        {called: one, **{name: column[row] for name, column in columns.items()}}
        for row, one in enumerate(files)
    ]
    path = write_parquet(tmp_path / "x.parquet", table({called: in_file, **columns}, features))
    on_disk = list_images(find(f"x={path}", tmp_path))
    here = kind_of(Double(doubles, rows), ColumnNames())
    assert isinstance(here, Indexed)
    in_memory = listed("x", here, RowNotes(), Watch())
    for one in (on_disk, in_memory):
        assert [one.contents.read(row) for row in range(3)] == files
    both = [
        (one.images.labels.tolist(), one.images.label_names, one.numbered)
        for one in (on_disk, in_memory)
    ]
    assert both[0] == both[1]


def test_a_url_is_no_path_of_a_row() -> None:
    rows = [{"image": {"bytes": b"x", "path": path}} for path in ("https://x/0.png", "a/0.png")]
    found = indexed(Double({"image": Pictures()}, rows), ColumnNames())
    assert [found.sample(row).path for row in range(2)] == [None, "a/0.png"]


def test_splits_are_to_be_chosen() -> None:
    assert splits({"train": double(image=Pictures())}) == ["train"]
    assert splits({"a": 1}) is None
    with pytest.raises(InputError, match="images has the splits 'train': give images.'train'."):
        kind_of({"train": double(image=Pictures())}, ColumnNames())


def test_no_rows_are_refused() -> None:
    with pytest.raises(InputError, match="images is a dataset without rows"):
        kind_of(Double({"image": Pictures()}, []), ColumnNames())


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Any]:
    """Return a function that makes a dataset of the real library, two of its images files."""
    import datasets

    folder = tmp_path_factory.mktemp("images")
    for row in range(3):
        Image.fromarray(PIXELS[row]).save(folder / f"{row}.png")

    def make() -> Any:
        features = {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["dog", "cat"]),
            "text": datasets.Value("string"),
        }
        return datasets.Dataset.from_dict(
            {
                "image": [str(folder / f"{row}.png") for row in range(3)],
                "label": [1, 0, 1],
                "text": ["a", "b", "c"],
            },
            features=datasets.Features(features),
        )

    return make


@pytest.mark.slow
@pytest.mark.parametrize("change", ["", "numpy", "transform", "shuffled"])
def test_the_real_library_gives_undecoded_files(real: Callable[[], Any], change: str) -> None:
    data, order = real(), [0, 1, 2]
    if change == "numpy":
        data = data.with_format("numpy")
    elif change == "transform":
        data = data.with_transform(lambda row: {"image": [0], "label": [0]})
    elif change == "shuffled":
        data, order = data.select([2, 0, 1]), [2, 0, 1]
    found = kind_of(data, ColumnNames())
    assert isinstance(found, Indexed)
    assert found.label_names == ("dog", "cat")
    samples = [found.sample(row) for row in range(found.count)]
    assert [one.label for one in samples] == [[1, 0, 1][row] for row in order]
    names = [Path(one.path).name for one in samples if one.path]
    assert names == [f"{row}.png" for row in order]
    assert all(isinstance(one.image, dict) for one in samples)


@pytest.mark.slow
def test_a_streamed_dataset_of_the_real_library_is_read_once(real: Callable[[], Any]) -> None:
    found = kind_of(real().to_iterable_dataset(), ColumnNames())
    assert isinstance(found, Streamed)
    assert found.label_names == ("dog", "cat")
    samples: Iterator[Any] = (one() for one in found.samples)
    assert [one.label for one in samples] == [1, 0, 1]

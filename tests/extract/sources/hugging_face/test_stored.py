"""Claims about images stored in Parquet and Arrow: what a row is called, its label, its bytes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from samples.extract.stored import (
    IMAGE,
    STRUCT,
    class_label,
    structs,
    table,
    write_arrow,
    write_parquet,
)

from oodcache.cache.errors import InputError
from oodcache.extract.sources.hugging_face.stored import (
    AT_ONCE,
    class_names,
    holds_images,
    list_stored,
)
from oodcache.extract.sources.listing import ImageListing, ImageSource, Options

PNG = b"\x89PNG\r\n\x1a\n"
WRITE = {".parquet": write_parquet, ".arrow": write_arrow}
PETS = {"image": IMAGE, "label": class_label("dog", "cat", "horse")}


def listed(*paths: Path, **options: Any) -> ImageListing:
    root = paths[0].parent if len(paths) > 1 else paths[0]
    source = ImageSource("x", root, form="stored", stored=paths, options=Options(**options))
    return list_stored(source)


def of(
    path: Path,
    images: Sequence[tuple[bytes | None, str | None] | None],
    labels: Sequence[Any] | None = None,
    features: Any = None,
) -> Path:
    columns = {"image": structs(images), **({} if labels is None else {"label": labels})}
    return WRITE[path.suffix](path, table(columns, features), 2)


def labels(found: ImageListing) -> list[str | None]:
    names = [*found.images.label_names, None]
    return [names[label] for label in found.images.labels.tolist()]


@pytest.fixture(params=WRITE)
def suffix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_rows_have_their_own_paths_names_of_classes_and_bytes(tmp_path: Path, suffix: str) -> None:
    images = [(b"one", "a.png"), (b"two", "b/c.png"), (b"three", "./d.png")]
    found = listed(of(tmp_path / f"x{suffix}", images, [1, 0, -1], PETS))
    assert found.images.paths == [b"a.png", b"b/c.png", b"d.png"]
    assert labels(found) == ["cat", "dog", None]
    assert found.images.label_names == ("cat", "dog")
    assert (found.numbered, found.notes) == (False, ())
    assert [found.contents.read(row) for row in (2, 0, 1)] == [b"three", b"one", b"two"]
    assert found.contents.is_there(2)


@pytest.mark.parametrize(
    "paths",
    [
        ("0.png", "0.png", "1.png"),
        ("a.png", None, "b.png"),
        ("/home/a.png", "/home/b.png", "/home/c.png"),
        ("../a.png", "b.png", "c.png"),
        ("x" * 5000, "b.png", "c.png"),
        ("", "b.png", "c.png"),
        ("https://x/a.png", "https://x/b.png", "https://x/c.png"),
    ],
)
def test_paths_that_do_not_tell_rows_apart_are_replaced_by_file_and_number(
    tmp_path: Path, suffix: str, paths: Sequence[str | None]
) -> None:
    images = [(b"x", path) for path in paths]
    found = listed(of(tmp_path / f"x{suffix}", images))
    assert found.images.paths == [b"x%s#%d" % (suffix.encode(), row) for row in range(3)]


def test_rows_count_from_0_in_each_file(tmp_path: Path, suffix: str) -> None:
    files = [
        of(tmp_path / place / f"x{suffix}", [(place.encode(), "same.png")] * count, [count] * count)
        for place, count in (("b", 2), ("a", 3))
    ]
    found = listed(*files)
    assert [path.decode() for path in found.images.paths] == [
        *(f"b/x{suffix}#0", f"b/x{suffix}#1"),
        *(f"a/x{suffix}#0", f"a/x{suffix}#1", f"a/x{suffix}#2"),
    ]
    assert [found.contents.read(row) for row in range(5)] == [b"b"] * 2 + [b"a"] * 3
    assert labels(found) == ["2", "2", "3", "3", "3"]


def test_many_files_keep_a_few_of_them_open(tmp_path: Path, suffix: str) -> None:
    files = [of(tmp_path / f"{at}{suffix}", [(b"%d" % at, f"{at}.png")]) for at in range(9)]
    contents: Any = listed(*files).contents
    assert [contents.read(row) for row in range(9)] == [b"%d" % row for row in range(9)]
    assert len(contents._opened) <= AT_ONCE
    other = copy(contents)  # As pickle copies it.
    assert other._opened == {}
    assert other.read(7) == b"7"


def test_images_stored_as_categories_are_read_or_to_be_cast(tmp_path: Path) -> None:
    files = [b"one", b"two", b"one"]
    column = pa.array(files).dictionary_encode()
    found = listed(write_parquet(tmp_path / "x.parquet", table({"image": column}), 2))
    assert [found.contents.read(row) for row in range(3)] == files
    arrow = write_arrow(tmp_path / "x.arrow", table({"image": column}))
    with pytest.raises(InputError, match="'image' is stored as categories .*: cast it to its val"):
        listed(arrow)
    struct = pa.StructArray.from_arrays([column, pa.array(["a", "b", "c"])], ["bytes", "path"])
    with pytest.raises(InputError, match="'image' is a struct of categories .*; cast bytes and p"):
        listed(write_parquet(tmp_path / "y.parquet", table({"image": struct})))


@pytest.mark.parametrize(
    ("column", "feature", "said"),
    [
        (pa.array([[]], pa.list_(STRUCT)), None, "'image' holds several images per row"),
        (structs([(b"x", None)]), "Audio", r"\(its features call 'image' 'Audio'\);"),
    ],
)
def test_a_column_image_of_something_else_is_named_at_once(
    tmp_path: Path, column: Any, feature: str | None, said: str
) -> None:
    features = feature and {"image": {"_type": feature}}
    path = write_parquet(tmp_path / "x.parquet", table({"image": column, "id": [1]}, features))
    with pytest.raises(InputError, match=said):
        holds_images(path)
    path = write_parquet(tmp_path / "x.parquet", table({"other": column}))
    if feature is None:
        with pytest.raises(InputError, match="'other' holds several images per row"):
            holds_images(path)
    paths = write_parquet(tmp_path / "y.parquet", table({"crops": column, "path": ["a.png"]}))
    assert holds_images(paths) is (feature == "Audio")  # Without features it is a struct of one.


def test_a_row_without_an_image_says_so(tmp_path: Path, suffix: str) -> None:
    found = listed(of(tmp_path / f"x{suffix}", [None, (None, "a.png"), (b"x", "b.png")]))
    for row in (0, 1):
        with pytest.raises(ValueError, match="'image.bytes' is null in this row"):
            found.contents.read(row)
    assert found.contents.read(2) == b"x"


def test_images_that_are_paths_are_read_from_their_files(tmp_path: Path, suffix: str) -> None:
    for name in ("b.png", "a.png"):
        (tmp_path / name).write_bytes(name.encode())
    images = [(None, str(tmp_path / "b.png")), (None, str(tmp_path / "a.png"))]
    found = listed(of(tmp_path / f"x{suffix}", images, [1, 2], PETS))
    assert found.images.paths == [b"b.png", b"a.png"]
    assert [found.contents.read(row) for row in range(2)] == [b"b.png", b"a.png"]
    assert labels(found) == ["cat", "horse"]
    relative = of(tmp_path / "far" / f"x{suffix}", [(None, "b.png")])
    assert listed(relative, image_root=tmp_path).contents.read(0) == b"b.png"


def test_a_file_of_paths_with_a_row_without_one_is_rejected(tmp_path: Path, suffix: str) -> None:
    path = of(tmp_path / f"x{suffix}", [(None, "a.png"), None])
    with pytest.raises(InputError, match="row 1 has neither bytes nor a path; remove the row"):
        listed(path)


@pytest.mark.parametrize(
    ("values", "expected", "numbered"),
    [
        ([7, 12, None], ["7", "12", None], True),
        (["cat", "dog", ""], ["cat", "dog", None], False),
        ([b"cat", b"7", None], ["cat", "7", None], False),
        ([None, None, None], [None, None, None], False),
    ],
)
def test_labels_without_features_are_as_in_tables(
    tmp_path: Path, suffix: str, values: list[Any], expected: list[Any], numbered: bool
) -> None:
    images = [(b"x", f"{row}.png") for row in range(3)]
    found = listed(of(tmp_path / f"x{suffix}", images, values))
    assert (labels(found), found.numbered) == (expected, numbered)


def test_classes_that_are_called_by_their_numbers_are_numbers(tmp_path: Path, suffix: str) -> None:
    digits = {"image": IMAGE, "label": class_label(*"0123456789")}
    found = listed(of(tmp_path / f"x{suffix}", [(b"x", "a"), (b"y", "b")], [9, 2], digits))
    assert (labels(found), found.numbered) == (["9", "2"], True)
    other = {"image": IMAGE, "label": class_label("7", "5")}
    found = listed(of(tmp_path / f"x{suffix}", [(b"x", "a"), (b"y", "b")], [0, 1], other))
    assert (labels(found), found.numbered) == (["7", "5"], False)


@pytest.mark.parametrize("label", [3, -2])
def test_a_label_that_is_no_class_is_rejected(tmp_path: Path, suffix: str, label: int) -> None:
    path = of(tmp_path / f"x{suffix}", [(b"x", "a"), (b"y", "b")], [0, label], PETS)
    with pytest.raises(InputError, match=f"x{suffix}: row 1: label {label} is none of the 3 class"):
        listed(path)


def test_a_changed_label_or_image_is_another_dataset(tmp_path: Path, suffix: str) -> None:
    prints = {
        listed(of(tmp_path / f"{at}" / f"x{suffix}", images, values, features)).fingerprint
        for at, (images, values, features) in enumerate(
            [
                ([(b"one", "a"), (b"two", "b")], [0, 1], PETS),
                ([(b"one", "a"), (b"twos", "b")], [0, 1], PETS),
                ([(b"one", "a"), (b"two", "c")], [0, 1], PETS),
                ([(b"one", "a"), (b"two", "b")], [0, 2], PETS),
                ([(b"one", "a"), (b"two", "b")], [0, 1], None),
            ]
        )
    }
    assert len(prints) == 5


def test_files_with_other_columns_or_classes_are_two_datasets(tmp_path: Path, suffix: str) -> None:
    one = of(tmp_path / f"a{suffix}", [(b"x", "a")], [0], PETS)
    other = {"image": IMAGE, "label": class_label("cat", "dog", "horse")}
    two = of(tmp_path / f"b{suffix}", [(b"x", "b")], [0], other)
    with pytest.raises(InputError, match=f"b{suffix}: its columns or classes are not those of"):
        listed(one, two)


def test_a_file_that_changes_after_it_was_listed_is_noticed(tmp_path: Path, suffix: str) -> None:
    path = of(tmp_path / f"x{suffix}", [(b"x", "a")])
    found = listed(path)
    path.write_bytes(path.read_bytes() + b" ")
    assert not found.contents.is_there(0)
    with pytest.raises(ValueError, match="bytes, but had"):
        found.contents.read(0)
    path.unlink()
    assert not found.contents.is_there(0)


def test_classes_are_named_in_the_order_of_their_numbers(tmp_path: Path, suffix: str) -> None:
    path = of(tmp_path / f"x{suffix}", [(b"x", "a")], [2], PETS)
    assert class_names(ImageSource("x", path, stored=(path,))) == ("dog", "cat", "horse")
    path = of(tmp_path / f"y{suffix}", [(b"x", "a")], [2])
    with pytest.raises(InputError, match="no names of 'label', the label.*or --classes NAME=FILE"):
        class_names(ImageSource("x", path, stored=(path,)))


def test_no_rows_are_rejected(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match="has no rows"):
        listed(of(tmp_path / f"x{suffix}", []))


def test_what_a_parquet_holds_is_known_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    for columns, held in (
        ({"img": structs([(b"x", None)])}, True),
        ({"image": structs([(b"x", None)]), "path": ["a.png"]}, True),
        ({"image": [PNG]}, True),
        ({"image": pa.array([None], pa.binary())}, False),
        ({"image": [b"a.png"]}, False),
        ({"image": ["a.png"]}, False),
        ({"path": ["a.png"], "thumbnail": [PNG]}, False),
    ):
        assert holds_images(write_parquet(path, table(columns))) == held, columns


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_file_with_changed_bytes_is_read_or_rejected_in_one_line(
    tmp_path: Path, suffix: str, seed: int
) -> None:
    """Arrow itself dies of some of these files if it is asked in another way."""
    images = [(bytes([row]) * 99, f"{row}.png") for row in range(20)]
    whole = of(tmp_path / f"x{suffix}", images, [row % 3 for row in range(20)], PETS).read_bytes()
    random = Random(seed)
    for number in range(400):
        changed = bytearray(whole)
        for _ in range(random.choice([1, 2, 20])):
            at = random.randrange(len(changed))
            changed[at : at + 4] = random.choice(
                [b"\xff\xff\xff\x7f", b"\0\0\0\0", random.randbytes(1) + changed[at + 1 : at + 4]]
            )
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(changed[: random.randrange(len(changed))] if number % 10 == 0 else changed)
        try:
            found = listed(path)
        except InputError as refused:
            assert "\n" not in str(refused)
            assert len(str(refused).encode()) < 600
            continue
        for row in range(found.rows):
            with suppress(ValueError, OSError):
                found.contents.read(row)

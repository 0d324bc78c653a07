"""Claims about tables of images: which columns are read, and what a row is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from oodcache.cache.errors import InputError
from oodcache.extract.sources.listing import ImageListing, ImageSource, Options
from oodcache.extract.sources.tables import list_table


def listed(path: Path, content: str | bytes | None = None, **options: Any) -> ImageListing:
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list_table(ImageSource("x", path, form="table", options=Options(**options)))


def written(file: Path, **columns: Any) -> Path:
    parquet.write_table(pa.table(columns), file)
    return file


def labels(found: ImageListing) -> list[str | None]:
    names = [*found.images.label_names, None]
    return [names[label] for label in found.images.labels.tolist()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b, c.jpg", "two\nlines.jpg", "tab\t.jpg", "\udcff.jpg"):
        (tmp_path / name).write_bytes(name.encode(errors="surrogateescape"))
    return tmp_path


def test_rows_of_csv_are_paths_and_labels_in_order(folder: Path) -> None:
    text = 'id,path,label\n1,"b, c.jpg",dog\n2,a.jpg,cat\n\n3,"two\nlines.jpg",dog\n'
    found = listed(folder / "x.csv", text)
    assert found.images.paths == [b"b, c.jpg", b"a.jpg", b"two\nlines.jpg"]
    assert labels(found) == ["dog", "cat", "dog"]
    assert found.images.label_names == ("cat", "dog")
    assert (found.numbered, found.notes) == (False, ())


def test_a_tsv_is_split_at_tabs(folder: Path) -> None:
    found = listed(folder / "x.TSV", '\ufefffilename\tclass\r\nb, c.jpg\t3\r\n"tab\t.jpg"\t12\r\n')
    assert found.images.paths == [b"b, c.jpg", b"tab\t.jpg"]
    assert (labels(found), found.numbered) == (["3", "12"], True)


def test_a_path_that_is_not_utf8_is_read_as_it_is(folder: Path) -> None:
    found = listed(folder / "x.csv", b"path\n\xff.jpg\n")
    assert found.images.paths == [b"\xff.jpg"]
    assert found.contents.read(0) == b"\xff.jpg"


@pytest.mark.parametrize("names", [("path", "filepath"), ("filepath", "filename"), ("image", "x")])
def test_the_first_usual_name_of_a_path_column_decides(
    folder: Path, names: tuple[str, str]
) -> None:
    found = listed(folder / "x.csv", f"{names[1]},{names[0]}\nnone.jpg,a.jpg\n")
    assert found.images.paths == [b"a.jpg"]


def test_columns_that_are_named_are_the_ones_that_are_read(folder: Path) -> None:
    text = "path,label,where,kind\nnone.jpg,1,a.jpg,cat\n"
    found = listed(folder / "x.csv", text, path_column="where", label_column="kind")
    assert (found.images.paths, labels(found)) == ([b"a.jpg"], ["cat"])


def test_blanks_around_the_names_of_columns_do_not_hide_them(folder: Path) -> None:
    found = listed(folder / "x.csv", "path, label \na.jpg, cat\n")
    assert (found.images.paths, labels(found)) == ([b"a.jpg"], ["cat"])


def test_a_table_without_labels_says_so(folder: Path) -> None:
    found = listed(folder / "x.csv", "path,kind\na.jpg,cat\n")
    assert labels(found) == [None]
    assert found.notes == (
        "no column label or class: the images are unlabelled; use --label-column for another",
    )


def test_empty_labels_and_minus_one_are_unlabelled(folder: Path) -> None:
    found = listed(folder / "x.csv", 'path,label\na.jpg,\n"b, c.jpg",-1\ntab\t.jpg,7\n')
    assert (labels(found), found.numbered) == ([None, None, "7"], True)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("where,kind\na.jpg,cat\n", {}, "has no column path, filepath, .*; has where, kind; give"),
        ("path\na.jpg\n", {"path_column": "x"}, "has no column 'x', which --path-column names; ha"),
        (
            "path\na.jpg\n",
            {"label_column": "y"},
            "has no column 'y', which --label-col",
        ),
        ("path;label\na.jpg;1\n", {}, "is separated by semicolons; save it with commas, and dec"),
        ("path\tlabel\na.jpg\t1\n", {}, "is separated by tabs; save it with commas"),
        ('path,label\na.jpg, "cat"\n', {}, "line 2: ' \"cat\"' has a blank before its quote"),
        ("path,label\na.jpg,1\ntab,NA\n", {}, "line 3: label 'NA' is not a class number"),
        ("path,path\na.jpg,b\n", {}, "has several columns 'path'; give --path-column"),
        ("path,label\na.jpg,1\nb, c.jpg,2\n", {}, "line 3 has 3 fields, the header 2; quote"),
        ("path,label\na.jpg\n", {}, "line 2 has 1 fields, the header 2"),
        ('path\n"two\nlines.jpg"\n../x.jpg\n', {}, "line 4: '../x.jpg' is not an image path"),
        ('path\na.jpg\n"b', {}, "line 3: not CSV: unexpected end of data"),
        ("path\n", {}, "lists no image"),
        ("", {}, "has no column path, .*; has none"),
        ("path,label\na.jpg,1.0\n", {}, "line 2: label '1.0' is not an integer"),
        ("path\na.jpg\na.jpg\n", {}, "line 3 repeats line 2, 'a.jpg'"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_the_line(
    folder: Path, text: str, options: dict[str, str], words: str
) -> None:
    with pytest.raises(InputError, match=rf"x\.csv: {words}"):
        listed(folder / "x.csv", text, **options)


def test_parquet_gives_texts_categories_and_numbers(folder: Path) -> None:
    paths = ["a.jpg", "b, c.jpg", "tab\t.jpg"]
    texts = listed(written(folder / "x.parquet", path=paths, label=["dog", None, "cat"]))
    assert texts.images.paths == [one.encode() for one in paths]
    assert (labels(texts), texts.numbered) == (["dog", None, "cat"], False)
    numbers = listed(written(folder / "x.parquet", path=paths, label=[3, -1, 20]))
    assert (labels(numbers), numbers.numbered) == (["3", None, "20"], True)
    category = pa.array(["dog", "cat", "dog"]).dictionary_encode()
    assert labels(listed(written(folder / "x.parquet", path=paths, label=category)))[1] == "cat"


def test_parquet_gives_paths_that_are_bytes(folder: Path) -> None:
    found = listed(written(folder / "x.parquet", image=[b"\xff.jpg"]))
    assert found.images.paths == [b"\xff.jpg"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"path": ["a.jpg", None]}, "row 1 has no path"),
        ({"path": [1, 2]}, "row 0 has the path 1, a number"),
        ({"path": ["a.jpg"], "label": [1.5]}, "column 'label' holds double, not texts or integers"),
        ({"path": ["a.jpg", "../b"]}, "row 1: '../b' is not an image path"),
        ({"where": ["a.jpg"]}, "has no column path, .*has where; give --path-column"),
    ],
)
def test_parquet_that_cannot_be_read_is_refused_with_the_row(
    folder: Path, columns: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=rf"x\.parquet: {words}"):
        listed(written(folder / "x.parquet", **columns))


def test_what_is_no_parquet_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="is not a readable parquet file"):
        listed(folder / "x.parquet", "path\na.jpg\n")


def test_parquet_without_its_library_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(folder / "x.parquet", path=["a.jpg"])
    monkeypatch.setattr("oodcache.cache.exchange.parquet.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'oodcache\[io\]'"):
        listed(path)


def test_a_corrected_label_is_another_data_set(folder: Path) -> None:
    one = listed(folder / "x.csv", "path,label\na.jpg,cat\n").fingerprint
    assert listed(folder / "y.csv", "path,label\na.jpg,cat\n").fingerprint == one
    assert listed(folder / "y.csv", "path,label\na.jpg,dog\n").fingerprint != one
    assert listed(folder / "y.csv", "path,label\na.jpg,\n").fingerprint != one


def test_a_parquet_without_paths_may_hold_images_in_a_named_column(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet", jpg=[b"x"], cls=[1])
    with pytest.raises(InputError, match="give --path-column NAME, or --image-column NAME if it"):
        listed(path)
    with pytest.raises(InputError, match="give --path-column NAME$"):
        listed(tmp_path / "x.csv", "jpg,cls\na,1\n")

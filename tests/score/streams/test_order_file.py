"""Claims about order files: every image once, or one line that names the file's."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.score.streams.order_file import read_stream

PATHS = {"in": [b"a.png", b"b.png"], "near": [b"n/1.png"], "far": [b"\xff.png", b"f.png"]}
ALL = ["in,a.png", "in,b.png", "near,n/1.png", "far,\\xff.png", "far,f.png"]


def written(tmp_path: Path, *lines: str, header: str = "dataset,path", name: str = "o.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_the_rows_are_the_order(tmp_path: Path) -> None:
    path = written(tmp_path, *(ALL[place] for place in (3, 0, 4, 2, 1)))
    found = read_stream(path, "file:o.csv", PATHS)
    assert found.places.tolist() == [3, 0, 4, 2, 1]
    assert (found.order, found.against) == ("file:o.csv", ("near", "far"))


def test_a_file_may_have_one_ood_set(tmp_path: Path) -> None:
    path = written(tmp_path, ALL[2], *ALL[:2])
    found = read_stream(path, "file:o.csv", PATHS)
    assert (found.places.tolist(), found.against) == ([2, 0, 1], ("near",))


def test_tabs_and_names_that_are_not_utf8_are_read(tmp_path: Path) -> None:
    path = tmp_path / "o.tsv"
    rows = [b"dataset\tpath", b"far\t\xff.png", b"far\tf.png", b"in\ta.png", b"in\tb.png", b""]
    path.write_bytes(b"\n".join(rows))
    assert read_stream(path, "file:o.tsv", PATHS).places.tolist() == [3, 4, 0, 1]


def test_a_file_of_save_scores_is_an_order(tmp_path: Path) -> None:
    header = "mcm,path,model,data_set"
    rows = ["0.5,f.png,m,far", '1,"\\xff.png",m,far', "0.1,b.png,m,in", "0.2,a.png,m,in"]
    found = read_stream(written(tmp_path, *rows, header=header), "file:o.csv", PATHS)
    assert (found.places.tolist(), found.against) == ([4, 3, 1, 0], ("far",))


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (ALL[1:3], "1 of 2 images of in are missing, such as 'a.png'"),
        (ALL[:4], "1 of 2 images of far are missing, such as 'f.png'"),
        (ALL[:2], "has no image of an OOD set"),
        ([*ALL, ALL[1]], "line 7: 'b.png' of in is in line 3 already; each image has one row"),
        ([*ALL, "on,a.png"], "line 7: 'on' is none of the sets: in, near, far; add --ood on, or "),
        ([*ALL, "in,c.png"], "line 7: in has no image 'c.png' that is scored"),
        (["in"], "line 2: has 1 column, the header 2"),
    ],
)
def test_what_is_no_order_is_one_line(tmp_path: Path, lines: list[str], problem: str) -> None:
    path = written(tmp_path, *lines)
    with pytest.raises(InputError) as raised:
        read_stream(path, "file:o.csv", PATHS)
    assert str(raised.value).startswith(f"{path}: {problem}")
    assert "\n" not in str(raised.value)


def test_other_headers_and_files_are_rejected(tmp_path: Path) -> None:
    for header in ("path,set", "dataset,path,data_set", "in,a.png", "dataset"):
        path = written(tmp_path, *ALL, header=header)
        with pytest.raises(InputError, match=f"line 1: '{header}' is not the header dataset,path"):
            read_stream(path, "file:o.csv", PATHS)
    with pytest.raises(InputError, match="give a .csv or .tsv file"):
        read_stream(tmp_path / "o.txt", "file:o.txt", PATHS)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_stream(tmp_path / "none.csv", "file:none.csv", PATHS)


def test_images_of_one_name_cannot_be_ordered(tmp_path: Path) -> None:
    path = written(tmp_path, *ALL)
    with pytest.raises(InputError, match="in has 1 image with equal paths"):
        read_stream(path, "file:o.csv", {**PATHS, "in": [b"a.png", b"a.png"]})

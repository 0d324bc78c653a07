"""Claims about what is shown of the known datasets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.known import overview
from oodcache.extract.sources.known_sets import KNOWN_SETS


@contextmanager
def no_progress(*_: object) -> Iterator[Callable[[int], None]]:
    yield lambda more: None


def checked(root: Path, *names: str) -> tuple[list[str], str]:
    """Return the lines of a check, and what it ends with."""
    lines = []
    try:
        for line in overview.checked(names, root, progress=no_progress):
            lines.append(line.replace(str(root), "ROOT"))
    except InputError as error:
        return lines, str(error).replace(str(root), "ROOT")
    return lines, ""


def put(root: Path, folder: str, count: int) -> None:
    (root / folder).mkdir(parents=True)
    for number in range(count):
        (root / folder / f"{number}.jpg").touch()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with SUN, NINCO and iNaturalist, all known to have 3 images."""
    for name in ("SUN", "NINCO", "iNaturalist"):
        monkeypatch.setitem(KNOWN_SETS, name, replace(KNOWN_SETS[name], images=3))
    put(tmp_path, "MOS/SUN/images", 3)
    put(tmp_path, "images_largescale/ninco", 3)
    put(tmp_path, "images_largescale/inaturalist", 3)
    return tmp_path


def test_every_known_set_has_a_row_that_says_where_it_is_or_how_to_get_it(root: Path) -> None:
    rows = {row.name: row for row in overview.rows(root)}
    assert list(rows) == list(KNOWN_SETS)
    assert rows["SUN"].path == f"{root}/MOS/SUN/images"
    assert rows["iNaturalist"].path == f"{root}/images_largescale/inaturalist"
    assert rows["Places"].path is None
    lines = overview.table(list(rows.values())).replace(str(root), "ROOT").splitlines()
    shown = {line.split()[0]: " ".join(line.split()) for line in lines[2:]}
    assert shown["SUN"] == "SUN 3 far ROOT/MOS/SUN/images"
    assert shown["Places"] == "Places 10,000 far – oodcache data fetch Places"
    assert shown["OpenImage-O"].endswith(
        "– OpenOOD's folder on Google Drive; into ROOT/images_largescale/openimage_o"
    )
    assert shown["imagenet-val"].startswith(
        "imagenet-val 50,000 ID – image-net.org, which requires a"
    )


def test_rows_are_json_with_null_for_what_is_not(root: Path) -> None:
    rows = {one["name"]: one for one in json.loads(overview.to_json(overview.rows(root)))}
    assert rows["imagenet-val"] == {
        "name": "imagenet-val",
        "images": 50_000,
        "group": None,
        "path": None,
        "url": None,
        "origin": "image-net.org, which requires a login",
        "place": f"{root}/imagenet/val",
    }
    assert rows["Textures"]["url"].endswith("/dtd-r1.0.1.tar.gz")
    assert (rows["Textures"]["group"], rows["NINCO"]["group"]) == ("far", "near")


def test_a_check_counts_all_that_is_there_and_forgives_what_is_not(root: Path) -> None:
    lines, end = checked(root)
    assert end == ""
    assert [line for line in lines if not line.startswith("missing")] == [
        "complete   iNaturalist: 3 images: ROOT/images_largescale/inaturalist",
        "complete   SUN: 3 images: ROOT/MOS/SUN/images",
        "complete   NINCO: 3 images: ROOT/images_largescale/ninco",
    ]
    assert "missing    Places: not below ROOT" in lines
    assert len(lines) == len(KNOWN_SETS)


def test_a_set_that_is_named_must_be_there(root: Path) -> None:
    lines, end = checked(root, "Places", "SUN")
    assert lines == [
        "missing    Places: not below ROOT",
        "complete   SUN: 3 images: ROOT/MOS/SUN/images",
    ]
    assert end == (
        "1 of 2 datasets is not complete: run: oodcache data fetch Places --data-root ROOT"
    )


def test_a_wrong_count_is_said_of_each_set_and_at_the_end(root: Path) -> None:
    (root / "MOS/SUN/images/0.jpg").unlink()
    (root / "images_largescale/ninco/new.jpg").touch()
    for path in (root / "images_largescale/inaturalist").iterdir():
        path.unlink()
    lines, end = checked(root)
    wrong = [line for line in lines if line.startswith("WRONG")]
    assert wrong[0].startswith(
        "WRONG      iNaturalist: ROOT/images_largescale/inaturalist: contains no images (no visible"
    )
    assert wrong[1:] == [
        "WRONG      SUN: 2 images, 3 expected: ROOT/MOS/SUN/images",
        "WRONG      NINCO: 4 images, 3 expected: ROOT/images_largescale/ninco",
    ]
    assert end == (
        "3 of 9 datasets are not complete: move what is wrong elsewhere, and run: oodcache data "
        "fetch iNaturalist SUN --data-root ROOT, or oodcache data ls --data-root ROOT"
    )


def test_files_that_a_list_names_and_that_are_not_there_are_wrong(root: Path) -> None:
    lists = root / "benchmark_imglist/imagenet"
    lists.mkdir(parents=True)
    lines = [f"ninco/{number}.jpg -1\n" for number in (0, 1, 7)]
    (lists / "test_ninco.txt").write_text("".join(lines))
    assert checked(root, "NINCO")[0] == [
        "WRONG      NINCO: 3 images, 1 of them missing: "
        "ROOT/benchmark_imglist/imagenet/test_ninco.txt"
    ]


def test_an_unknown_name_and_no_data_root_are_refused_before_any_count(root: Path) -> None:
    assert checked(root, "SUN", "sun") == (
        [],
        f"dataset 'sun' is not known (known are: {', '.join(KNOWN_SETS)})",
    )
    assert checked(root / "none") == (
        [],
        "ROOT: no such data root; give --data-root FOLDER or set OODCACHE_DATA",
    )


def test_imagenet_without_class_folders_is_not_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = replace(KNOWN_SETS["imagenet-val"], images=2)
    monkeypatch.setitem(KNOWN_SETS, "imagenet-val", known)
    put(tmp_path, "imagenet/val", 2)
    lines, error = checked(tmp_path, "imagenet-val")
    assert lines == [
        "UNSORTED   imagenet-val: 2 images, 2 of them in no folder of a class, so without a label: "
        "ROOT/imagenet/val"
    ]
    assert error.startswith("imagenet-val: has no labels: val/n01440764/ and so on are expected")
    assert "cd ROOT/imagenet/val && wget" in error
    assert len(error) < 500

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
    """A data root with SUN, OpenImage-O and iNaturalist, all known to have 3 images."""
    for name in ("SUN", "OpenImage-O", "iNaturalist"):
        monkeypatch.setitem(KNOWN_SETS, name, replace(KNOWN_SETS[name], images=3))
    put(tmp_path, "MOS/SUN/images", 3)
    put(tmp_path, "images_largescale/openimage_o", 3)
    put(tmp_path, "images_largescale/inaturalist", 3)
    return tmp_path


def test_every_known_set_has_a_row_that_says_where_it_is_or_how_to_get_it(root: Path) -> None:
    rows = {row.name: row for row in overview.rows(root)}
    assert list(rows) == list(KNOWN_SETS)
    assert rows["SUN"].path == f"{root}/MOS/SUN/images"
    assert rows["iNaturalist"].path == f"{root}/images_largescale/inaturalist"
    assert rows["Places"].path is None
    lines = overview.table(list(rows.values())).replace(str(root), "ROOT").splitlines()
    lines = lines[: lines.index("")]
    shown = {line.split()[0]: " ".join(line.split()) for line in lines[2:]}
    assert shown["SUN"] == "SUN 3 far ROOT/MOS/SUN/images"
    assert shown["Places"] == "Places 10,000 far –"
    assert all(len(line) <= 80 for line in lines[2:] if line.endswith("–"))


def test_what_is_missing_is_listed_below_the_table_by_the_place_that_has_it(root: Path) -> None:
    named = ["SUN", "Places", "NINCO", "NINCO-clean-COOD", "cifar10-c", "MNIST", "imagenet-val"]
    lines = overview.table(overview.rows(root, named)).replace(str(root), "ROOT").splitlines()
    assert lines[lines.index("") + 1 :] == [
        "get: oodcache data fetch Places NINCO",  # One archive has both sets of NINCO.
        "OpenOOD's folder on Google Drive (with benchmark_imglist/), into ROOT/images_classic:",
        "    cifar10-c, MNIST",
        "image-net.org, which requires a login, into ROOT/imagenet/val:",
        "    imagenet-val",
    ]
    (there,) = overview.rows(root, ["SUN"])
    assert "" not in overview.table([there]).splitlines()


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
        "role": "ID",
    }
    assert rows["imagenet-es"]["images"] is None
    assert [rows[name]["role"] for name in ("imagenet-r", "MNIST")] == ["csid", "OOD"]
    assert rows["Textures"]["url"].endswith("/dtd-r1.0.1.tar.gz")
    assert (rows["Textures"]["group"], rows["SSB-hard"]["group"]) == ("far", "near")


def test_a_check_counts_all_that_is_there_and_forgives_what_is_not(root: Path) -> None:
    lines, end = checked(root)
    assert end == ""
    assert [line for line in lines if not line.startswith("missing")] == [
        "complete   iNaturalist: 3 images: ROOT/images_largescale/inaturalist",
        "complete   SUN: 3 images: ROOT/MOS/SUN/images",
        "complete   OpenImage-O: 3 images: ROOT/images_largescale/openimage_o",
    ]
    assert "missing    Places: not below ROOT" in lines
    assert len(lines) == 9


def test_without_names_the_usual_sets_are_listed_and_others_only_where_they_are(root: Path) -> None:
    usual = [row.name for row in overview.rows(root, ())]
    assert usual == list(KNOWN_SETS)[:9]
    put(root, "imagenet-a/n01498041", 1)
    assert [row.name for row in overview.rows(root, ())] == [*usual, "imagenet-a"]
    told = overview.others(overview.rows(root, ()))
    assert told.startswith(f"{len(KNOWN_SETS) - 10} more are known: oodcache data ls all, or one")
    assert overview.others(overview.rows(root)) == ""


def test_a_benchmark_is_listed_by_its_name_with_the_role_of_each_set(root: Path) -> None:
    rows = overview.rows(root, ["openood-cifar10"])
    shown = [line.split()[:3] for line in overview.table(rows).splitlines()[2:11]]
    assert shown == [
        ["cifar10-openood", "9,000", "ID"],
        ["CIFAR-100-cifar10", "9,000", "near"],
        ["TinyImageNet-cifar10", "7,793", "near"],
        ["MNIST", "70,000", "far"],
        ["SVHN", "26,032", "far"],
        ["Textures", "5,640", "far"],
        ["Places365-cifar10", "35,195", "far"],
        ["TinyImageNet-cifar10-val", "1,000", "select"],
        ["cifar10-c", "10,000", "csid"],
    ]


def test_a_set_of_an_unknown_count_is_counted_and_never_called_complete(root: Path) -> None:
    put(root, "imagenet-es/light/n01440764", 2)
    lines, end = checked(root, "imagenet-es")
    assert lines == [
        "counted    imagenet-es: 2 images (the published count is not known): ROOT/imagenet-es"
    ]
    assert end == ""
    (row,) = overview.rows(root, ["imagenet-es"])
    assert "not known" in overview.table([row])


def test_shifted_images_in_no_class_folder_are_said(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KNOWN_SETS, "imagenet-a", replace(KNOWN_SETS["imagenet-a"], images=2))
    put(root, "imagenet-a", 2)
    lines, end = checked(root, "imagenet-a")
    assert lines[0].startswith("UNSORTED   imagenet-a: 2 images, 2 of them in no folder of a class")
    assert end == (
        "imagenet-a: has no labels: a folder for each class is expected in ROOT/imagenet-a"
    )


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
    (root / "images_largescale/openimage_o/new.jpg").touch()
    for path in (root / "images_largescale/inaturalist").iterdir():
        path.unlink()
    lines, end = checked(root)
    wrong = [line for line in lines if line.startswith("WRONG")]
    assert wrong[0].startswith(
        "WRONG      iNaturalist: ROOT/images_largescale/inaturalist: contains no images (no visible"
    )
    assert wrong[1:] == [
        "WRONG      SUN: 2 images, 3 expected: ROOT/MOS/SUN/images",
        "WRONG      OpenImage-O: 4 images, 3 expected: ROOT/images_largescale/openimage_o",
    ]
    assert end == (
        "3 of 9 datasets are not complete: move what is wrong elsewhere, and run: oodcache data "
        "fetch iNaturalist SUN --data-root ROOT, or oodcache data ls --data-root ROOT"
    )


def test_files_that_a_list_names_and_that_are_not_there_are_wrong(root: Path) -> None:
    lists = root / "benchmark_imglist/imagenet"
    lists.mkdir(parents=True)
    lines = [f"openimage_o/{number}.jpg -1\n" for number in (0, 1, 7)]
    (lists / "test_openimage_o.txt").write_text("".join(lines))
    assert checked(root, "OpenImage-O")[0] == [
        "WRONG      OpenImage-O: 3 images, 1 of them missing: "
        "ROOT/benchmark_imglist/imagenet/test_openimage_o.txt"
    ]


def test_an_unknown_name_and_no_data_root_are_refused_before_any_count(root: Path) -> None:
    assert checked(root, "SUN", "sun") == (
        [],
        "dataset 'sun' is not known (known are: imagenet-val, imagenet-openood, iNaturalist, SUN, "
        "Places, Textures, SSB-hard, NINCO, OpenImage-O, …, and those of mos, openood-imagenet, "
        "openood-imagenet200, openood-cifar10, openood-cifar100, shifted, ninco-clean, "
        "mcm-fine-grained, small: oodcache data ls all; perhaps SUN)",
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

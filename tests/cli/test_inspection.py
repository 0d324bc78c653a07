"""Claims about `oodcache cache info`."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from samples import Run

from oodcache.cache.files.images import open_images

Write = Callable[..., Path]
Cut = Callable[..., list[Path]]
IMAGES = Path("embeddings/small/demo/images")


def info(oodcache: Run, *arguments: object) -> list[str]:
    shown = oodcache("cache", "info", *arguments)
    assert (shown.status, shown.err) == (0, "")
    return shown.out.splitlines()


def test_counts_norms_labels_and_bad_rows_are_the_files(oodcache: Run, write_pets: Write) -> None:
    path = write_pets(IMAGES / "pets.h5")
    shown = info(oodcache, path)
    size = f"{path.stat().st_size / 1e6:.2g}"
    assert shown[0] == f"{path}: 7 images x 4, float32, {size} MB"
    norm = open_images(path).norm[[0, 1, 3, 4, 5, 6]]
    assert f"vectors: sha256 {open_images(path).identity.vectors}" in shown
    after = shown.index("ok: 6 rows, not ok: 1")
    assert shown[after + 1 :] == [
        f"norms before normalising: {norm.min():g} to {norm.max():g}, median {np.median(norm):g}",
        "labels: 2 names",
        "  name 0: 4",
        "  name 1: 3",
        "not decoded: 1 image",
        "  row 2: 2.png: why 2",
    ]


def test_one_is_singular_and_no_labels_are_said(oodcache: Run, write_pets: Write) -> None:
    one = info(oodcache, write_pets(IMAGES / "one.h5", count=1, failed=(), names=1))
    assert ": 1 image x 4, " in one[0]
    assert "ok: 1 row, not ok: 0" in one
    assert "labels: 1 name" in one
    none = info(oodcache, write_pets(IMAGES / "none.h5", names=0))
    assert "unlabelled: 7" in none
    assert not [line for line in none if line.startswith("labels")]


def test_a_thousand_labels_are_summed_up_unless_all_are_asked_for(
    oodcache: Run, write_pets: Write
) -> None:
    path = write_pets(IMAGES / "many.h5", count=1500, failed=tuple(range(0, 120, 2)), names=1000)
    shown = info(oodcache, path)
    start = shown.index("labels: 1,000 names, 1 to 2 images each, median 1.5")
    assert shown[start + 1 : start + 4] == ["  name 0: 2", "  name 1: 2", "  name 2: 2"]
    assert shown[start + 20 : start + 22] == [
        "  name 19: 2",
        "  … and 980 more: use --all to list them",
    ]
    bad = shown.index("not decoded: 60 images")
    assert shown[bad + 20 :] == [
        "  row 38: 38.png: why 38",
        "  … and 40 more: use --all to list them",
    ]
    everything = info(oodcache, path, "--all")
    assert "  name 999: 1" in everything
    assert everything[-1] == "  row 118: 118.png: why 118"
    assert not [line for line in everything if "more" in line]
    assert "labels: 1,000 names" in everything


@pytest.mark.parametrize("count", [20, 21])
def test_up_to_twenty_of_a_list_are_all_there(oodcache: Run, write_pets: Write, count: int) -> None:
    shown = info(oodcache, write_pets(IMAGES / "x.h5", count=count, failed=(), names=count))
    labels = [line for line in shown if re.match("  name [0-9]+: 1$", line)]
    assert len(labels) == 20
    assert any("… and 1 more" in line for line in shown) == (count > 20)


def test_texts_have_templates_classes_and_norms(oodcache: Run, write_names: Write) -> None:
    shown = info(oodcache, write_names(Path("embeddings/small/demo/texts/names.h5"), 30))
    assert ": 2 templates x 30 classes x 4, float32, " in shown[0]
    assert "norms before normalising: 2 to 2, median 2" in shown
    assert shown[shown.index("templates:") + 1 :][:2] == ["  a {}", "  the {}"]
    assert shown[-1] == "  … and 10 more: use --all to list them"


def test_a_shard_tells_its_place_its_run_and_its_file(
    oodcache: Run, write_pets: Write, cut: Cut
) -> None:
    whole = write_pets(IMAGES / "pets.h5")
    paths = cut(whole, whole)
    shown = info(oodcache, paths[1])
    assert ": 3 images x 4, " in shown[0]
    assert shown[1:3] == ["shard: 2 of 3, rows 3 to 5 of 7", f"of: {whole}"]
    assert re.fullmatch("run: [0-9a-f]{64}", shown[3])
    assert paths[1].name.endswith(f"{shown[3][5:13]}.h5")
    assert "next to it: 3 of 3 shards of run " + shown[3][5:13] in info(oodcache, whole)
    elsewhere = Path("copied.h5")
    paths[1].rename(elsewhere)
    assert "of: small/demo/images/pets.h5 of a cache" in info(oodcache, elsewhere)


def test_a_shard_of_texts_tells_its_rows(oodcache: Run, cut_texts: Cut) -> None:
    paths = cut_texts(Path("embeddings/small/demo/texts/names.h5"))
    shown = info(oodcache, paths[0])
    assert ": 1 row of 2 templates x 1 class x 4, float32, " in shown[0]
    assert "  the {}" in shown


@pytest.mark.parametrize("named", ["file", "folder"])
def test_what_is_begun_says_what_is_missing_and_what_to_type(
    oodcache: Run, write_pets: Write, cut: Cut, tmp_path: Path, named: str
) -> None:
    target = IMAGES / "my pets.h5"
    paths = cut(write_pets(tmp_path / "small/demo/images/pets.h5"), target, 1)
    asked = target if named == "file" else target.with_suffix(".shards")
    complete = info(oodcache, asked)
    assert f"  to merge them: oodcache cache merge {shlex.quote(str(target))}" in complete
    for number in (1, 3, 4):
        paths[number].unlink()
    shown = info(oodcache, asked)
    assert shown[0] == f"{target.with_suffix('.shards')}: shards of {target}, which does not exist"
    assert shown[2:6] == [
        "  4 of 7 shards, 4 of 7 rows",
        "  not ok so far: 1",
        "  missing: shards 2, 4 to 5",
        "  to resume: run the same oodcache extract again",
    ]
    assert "  requested: tiny" in shown


def test_a_damaged_shard_is_named_with_the_way_out_which_works(
    oodcache: Run, write_pets: Write, cut: Cut, tmp_path: Path
) -> None:
    target = IMAGES / "my pets.h5"
    paths = cut(write_pets(tmp_path / "small/demo/images/pets.h5"), target)
    paths[1].write_bytes(b"")
    shown = info(oodcache, target)
    (damaged,) = (line for line in shown if line.startswith("DAMAGED "))
    assert damaged.startswith(f"DAMAGED {paths[1]}: ")
    (typed,) = (line.partition(": ")[2] for line in shown if line.startswith("remove it"))
    assert oodcache(*shlex.split(typed)[1:], "--yes").status == 0
    assert not paths[1].exists()


def test_two_runs_are_told_apart(
    oodcache: Run, write_pets: Write, cut: Cut, tmp_path: Path
) -> None:
    whole = write_pets(tmp_path / "small/demo/images/pets.h5")
    for rows in (3, 4):
        cut(whole, IMAGES / "pets.h5", rows)
    shown = info(oodcache, IMAGES / "pets.shards")
    assert len([line for line in shown if line.startswith("run: ")]) == 2
    assert "2 runs have shards here: remove those of all but one" in shown


def test_an_empty_folder_of_shards_says_so(oodcache: Run) -> None:
    (IMAGES / "pets.shards").mkdir(parents=True)
    assert info(oodcache, IMAGES / "pets.h5")[-1] == "no shard yet"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("nothing", "cannot be read: No such file"),
        ("folder", "is not a file; expected an .h5 file of embeddings"),
        ("fifo", "is not a file; expected an .h5 file of embeddings"),
        ("text", "is not a whole HDF5 file"),
    ],
)
def test_what_is_no_file_of_embeddings_is_one_line(oodcache: Run, made: str, words: str) -> None:
    path = Path("x.h5")
    {
        "nothing": lambda: None,
        "folder": path.mkdir,
        "fifo": lambda: os.mkfifo(path),
        "text": lambda: path.write_text("words"),
    }[made]()
    refused = oodcache("cache", "info", path)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith(f"oodcache: {path}: ")
    assert words in refused.err
    assert refused.err.count("\n") == 1


def test_a_name_shows_every_file_that_is_called_so(oodcache: Run, write_pets: Write) -> None:
    paths = [write_pets(Path("embeddings") / one / "demo/images/pets.h5") for one in ("a", "b")]
    shown = [line for path in paths for line in info(oodcache, path)]
    assert info(oodcache, "pets") == shown

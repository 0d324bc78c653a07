"""Claims about `oodcache cache ls`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from samples import Run

from oodcache.cache.store import listing
from oodcache.cache.store.screen import Screen

Write = Callable[..., Path]
Cut = Callable[..., list[Path]]
IMAGES = Path("embeddings/small/demo/images")
TEXTS = Path("embeddings/small/demo/texts")
KEYS = [
    *("path", "model", "kind", "name", "state", "rows", "dimension", "dtype"),
    *("templates", "classes", "bad", "shards", "bytes", "modified", "error", "near"),
]


def lines(oodcache: Run) -> list[str]:
    shown = oodcache("cache", "ls")
    assert shown.status == 0
    return [" ".join(line.split()) for line in shown.out.splitlines()[2:]]


def objects(oodcache: Run) -> list[dict[str, Any]]:
    shown = oodcache("cache", "ls", "--format", "json")
    assert shown.status == 0
    found: list[dict[str, Any]] = json.loads(shown.out)
    return found


def test_a_model_is_a_heading_and_each_file_a_line(
    oodcache: Run, write_pets: Write, write_names: Write
) -> None:
    pets = write_pets(IMAGES / "pets.h5", count=1200, dtype="f2")
    names = write_names(TEXTS / "names.h5", 1000)
    write_pets(Path("embeddings/another/tag/images/pets.h5"), failed=())
    for path, hours in ((pets, 3), (names, 24 * 12)):
        then = datetime.now(UTC).timestamp() - hours * 3600
        os.utime(path, (then, then))
    size = {path: f"{path.stat().st_size / 1e6:.2g}" for path in (pets, names)}
    assert lines(oodcache)[2:] == [
        "small/demo",
        f"images pets 1,200 4 float16 {size[pets]} 3 h 1 complete",
        f"texts names 2 x 1,000 4 float32 {size[names]} 12 d 0 complete",
    ]
    assert lines(oodcache)[0] == "another/tag"


def test_json_has_the_documented_keys_and_the_files_facts(
    oodcache: Run, write_pets: Write, write_names: Write
) -> None:
    path = write_pets(IMAGES / "pets.h5")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    write_names(TEXTS / "names.h5")
    images, texts = objects(oodcache)
    assert images == {
        "path": str(path),
        "model": "small/demo",
        "kind": "images",
        "name": "pets",
        "state": "complete",
        "rows": 7,
        "dimension": 4,
        "dtype": "float32",
        "templates": None,
        "classes": None,
        "bad": 1,
        "shards": None,
        "bytes": path.stat().st_size,
        "modified": "2023-11-14T22:13:20Z",
        "error": None,
        "near": None,
    }
    assert (texts["rows"], texts["templates"], texts["classes"]) == (6, 2, 3)
    assert list(images) == list(texts) == KEYS
    page = (Path(__file__).parents[2] / "docs/output/results.md").read_text()
    section = page.split("## `oodcache cache ls --format json`")[1].split("\n## ")[0]
    for key in KEYS:
        assert f"`{key}`" in section


def test_what_is_begun_says_how_far_it_is(
    oodcache: Run, tmp_path: Path, write_pets: Write, cut: Cut
) -> None:
    whole = write_pets(tmp_path / "small/demo/images/pets.h5")
    cut(whole, IMAGES / "pets.h5")[0].unlink()
    (one,) = objects(oodcache)
    assert one["path"] == str(IMAGES / "pets.shards")
    assert (one["state"], one["shards"]) == ("incomplete", {"done": 2, "of": 3})
    assert (one["rows"], one["bad"], one["error"]) == (7, 0, None)
    assert one["bytes"] == sum(path.stat().st_size for path in IMAGES.glob("*/*.h5"))
    assert lines(oodcache)[1].endswith(" 0 2 of 3 shards")


def test_shards_that_make_one_file_are_complete(
    oodcache: Run, tmp_path: Path, write_pets: Write, cut: Cut
) -> None:
    whole = write_pets(tmp_path / "small/demo/images/pets.h5")
    paths = cut(whole, IMAGES / "pets.h5")
    (one,) = objects(oodcache)
    assert (one["state"], one["rows"], one["bad"]) == ("complete", 7, 1)
    assert lines(oodcache)[1].endswith(" 1 complete; 3 of 3 shards")
    again = paths[0].with_name("again.h5")
    again.write_bytes(paths[0].read_bytes())
    assert objects(oodcache)[0]["state"] == "incomplete"
    again.write_bytes(b"broken")
    assert objects(oodcache)[0]["state"] == "incomplete"
    again.unlink()
    cut(whole, IMAGES / "pets.h5", 4)
    assert objects(oodcache)[0]["state"] == "incomplete"


def test_shards_of_texts_count_templates_and_classes(oodcache: Run, cut_texts: Cut) -> None:
    cut_texts(TEXTS / "names.h5")[1].unlink()
    (one,) = objects(oodcache)
    assert (one["kind"], one["templates"], one["classes"], one["rows"]) == ("texts", 2, 1, 2)
    assert one["shards"] == {"done": 1, "of": 2}
    assert lines(oodcache)[1].startswith("texts names 2 x 1 4 float32 ")


def test_a_finished_file_with_shards_beside_it_is_one_line_of_both(
    oodcache: Run, write_pets: Write, cut: Cut
) -> None:
    path = write_pets(IMAGES / "pets.h5")
    cut(path, path)[1].unlink()
    (one,) = objects(oodcache)
    assert (one["state"], one["shards"]) == ("complete", {"done": 2, "of": 3})
    assert one["bad"] == 1
    assert lines(oodcache)[1].endswith(" complete; 2 of 3 shards")


def test_a_damaged_shard_is_said_and_the_others_are_counted(
    oodcache: Run, write_pets: Write, cut: Cut, tmp_path: Path
) -> None:
    whole = write_pets(tmp_path / "small/demo/images/pets.h5")
    paths = cut(whole, IMAGES / "pets.h5")
    paths[1].write_bytes(b"broken")
    (one,) = objects(oodcache)
    assert one["shards"] == {"done": 2, "of": 3}
    assert one["error"].startswith(f"{paths[1]}: ")
    assert f"2 of 3 shards; NOT VALID: {paths[1]}: " in lines(oodcache)[1]


@pytest.mark.slow
def test_shards_of_two_runs_are_counted_apart(
    oodcache: Run, write_pets: Write, cut: Cut, tmp_path: Path
) -> None:
    whole = write_pets(tmp_path / "small/demo/images/pets.h5")
    for path in cut(whole, IMAGES / "pets.h5", 1)[1:]:
        path.unlink()
    cut(whole, IMAGES / "pets.h5", 4)
    (one,) = objects(oodcache)
    assert one["shards"] == {"done": 2, "of": 2}


def test_an_empty_folder_of_shards_has_no_shard_yet(oodcache: Run) -> None:
    (IMAGES / "pets.shards").mkdir(parents=True)
    (one,) = objects(oodcache)
    assert (one["shards"], one["rows"], one["bytes"]) == ({"done": 0, "of": None}, None, 0)
    assert lines(oodcache)[1].endswith(" – no shard yet")


@pytest.mark.parametrize("make", ["text", "fifo", "folder", "dangling"])
def test_what_is_no_valid_file_is_a_line_with_the_reason(
    oodcache: Run, write_pets: Write, make: str
) -> None:
    path = write_pets(IMAGES / "pets.h5")
    write_pets(IMAGES / "sound.h5")
    path.unlink()
    {
        "text": lambda: path.write_text("words"),
        "fifo": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "dangling": lambda: path.symlink_to("nowhere"),
    }[make]()
    broken, sound = objects(oodcache)
    assert broken["state"] == "not valid"
    assert broken["error"].startswith(f"{path}: ")
    assert broken["rows"] is broken["dtype"] is broken["bad"] is None
    assert sound["state"] == "complete"
    shown = lines(oodcache)[1]
    assert "NOT VALID: " in shown
    assert str(path) not in shown.partition("NOT VALID")[2]


def test_a_file_in_the_other_kinds_folder_is_not_valid(oodcache: Run, write_names: Write) -> None:
    write_names(IMAGES / "names.h5")
    (one,) = objects(oodcache)
    assert "kind is 'texts', expected 'images'" in one["error"]


def test_no_vector_is_read(oodcache: Run, write_pets: Write, write_names: Write) -> None:
    for path in (write_pets(IMAGES / "pets.h5"), write_names(TEXTS / "names.h5")):
        with h5py.File(path, "r+") as file:
            file["embeddings"][:] = np.nan
    assert [one["state"] for one in objects(oodcache)] == ["complete", "complete"]


def test_a_long_name_is_whole_off_a_terminal_and_escapes_are_shown(
    oodcache: Run, write_pets: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    name = "a" * 100 + "\x1b[31m"
    written = write_pets(IMAGES / "pets.h5")
    written.rename(IMAGES / f"{name}.h5")
    shown = oodcache("cache", "ls")
    assert "a" * 100 + r"\x1b[31m" in shown.out
    assert "\x1b" not in shown.out
    (one,) = objects(oodcache)
    assert one["name"] == name


def test_a_name_that_is_not_utf_8_comes_back_from_json(oodcache: Run, write_pets: Write) -> None:
    path = IMAGES / os.fsdecode(b"\xff.h5")
    write_pets(IMAGES / "pets.h5").rename(path)
    (one,) = objects(oodcache)
    assert os.fsencode(one["path"]) == os.fsencode(path)
    assert r"\udcff" in oodcache("cache", "ls").out


def test_nothing_is_a_line_for_people_and_an_empty_list_for_programs(oodcache: Run) -> None:
    empty = oodcache("cache", "ls")
    assert (empty.status, empty.out) == (1, "")
    assert "embeddings: contains no embeddings; create some: oodcache demo" in empty.err
    assert objects(oodcache) == []


def test_a_table_without_a_limit_is_as_wide_as_it_needs_and_a_styled_one_has_bold_headings(
    oodcache: Run, write_pets: Write
) -> None:
    write_pets(IMAGES / ("x" * 120 + ".h5"))
    files = listing.listed(Path("embeddings"))
    styled = listing.table(files, Screen(styled=True))
    assert "\x1b[1msmall/demo\x1b[0m" in styled.splitlines()
    assert "x" * 120 in styled
    assert max(map(len, listing.table(files).splitlines())) > 120


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        *((-10, "0 s"), (0.9, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min")),
        *((7200, "2 h"), (2 * 86400 - 1, "47 h"), (12.9 * 86400, "12 d"), (1e8, "3 y")),
    ],
)
def test_an_age_is_in_the_largest_unit_that_it_holds_twice(seconds: float, shown: str) -> None:
    assert listing.age(seconds) == shown


def test_of_shards_that_are_all_damaged_none_is_counted(
    oodcache: Run, write_pets: Write, cut: Cut, tmp_path: Path
) -> None:
    for path in cut(write_pets(tmp_path / "small/demo/images/pets.h5"), IMAGES / "pets.h5", 7):
        path.write_bytes(b"broken")
    (one,) = objects(oodcache)
    assert (one["state"], one["shards"]) == ("incomplete", {"done": 0, "of": None})
    assert f" NOT VALID: {path}: " in lines(oodcache)[1]

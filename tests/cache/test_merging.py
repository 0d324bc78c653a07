"""Claims about merging shards into the file that they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import pytest

from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.identity import Identity
from oodcache.cache.image_file import open_images
from oodcache.cache.merging import find, merge, peek
from oodcache.cache.shards import shard_folder
from oodcache.cache.text_file import open_texts
from oodcache.cache.verification import verify

WriteShards = Callable[..., list[Path]]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


@pytest.mark.parametrize("shard_rows", [1, 2, 4, 5, 6, 100])
def test_merged_images_are_the_file_written_whole(
    tmp_path: Path, image_file: Path, write_shards: WriteShards, shard_rows: int
) -> None:
    target = tmp_path / "cache" / "pets.h5"
    paths = write_shards(target, shard_rows)
    merge(target, [peek(path) for path in reversed(paths)])
    assert target.read_bytes() == image_file.read_bytes()
    assert files(target.parent) == ["pets.h5"]


@pytest.mark.parametrize("shard_rows", [1, 2, 4, 6, 100])
def test_merged_texts_are_the_file_written_whole(
    tmp_path: Path, text_file: Path, write_text_shards: WriteShards, shard_rows: int
) -> None:
    target = tmp_path / "cache" / "names.h5"
    write_text_shards(target, shard_rows)
    merge(target, find(target).shards)
    assert target.read_bytes() == text_file.read_bytes()
    assert open_texts(target).embeddings.shape == (2, 3, 4)
    assert files(target.parent) == ["names.h5"]


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ([0], "rows 0 to 1 are missing (shard 1 of 3)"),
        ([1], "rows 2 to 3 are missing (shard 2 of 3)"),
        ([2], "rows 4 to 5 are missing (shard 3 of 3)"),
        ([1, 2], "rows 2 to 5 are missing (shard 2 to 3 of 3)"),
    ],
)
def test_a_gap_is_refused_and_named(
    tmp_path: Path, write_shards: WriteShards, missing: list[int], words: str
) -> None:
    paths = write_shards(tmp_path / "pets.h5", 2)
    for number in missing:
        paths[number].unlink()
    left = files(tmp_path)
    with pytest.raises(InputError) as refused:
        merge(tmp_path / "pets.h5", find(tmp_path / "pets.h5").shards)
    assert words in str(refused.value)
    assert "run the same oodcache extract again" in str(refused.value)
    assert files(tmp_path) == left


def test_an_overlap_is_refused_and_named(tmp_path: Path, write_shards: WriteShards) -> None:
    one, two = write_shards(tmp_path / "pets.h5")
    (again,) = (path for path in write_shards(tmp_path / "b.h5") if path.name == one.name)
    with pytest.raises(InputError) as refused:
        merge(tmp_path / "pets.h5", [peek(path) for path in (one, two, again)])
    assert "holds rows 0 to 3 again, as " in str(refused.value)
    assert not (tmp_path / "pets.h5").exists()


def test_shards_of_two_runs_are_never_mixed(
    tmp_path: Path, identity: Identity, write_shards: WriteShards
) -> None:
    first, _ = write_shards(tmp_path / "a.h5")
    for number, (changes, words) in enumerate(
        [
            ({"model": replace(identity.model, weights="ff")}, "made from other weights than"),
            ({"encoding": {"size": 9}}, "made from other preprocessing than"),
            ({"source": {"name": "pets", "fingerprint": "x"}}, "from another list of inputs than"),
        ]
    ):
        _, second = write_shards(tmp_path / f"{number}.h5", **changes)
        with pytest.raises(InputError, match=words):
            merge(tmp_path / "pets.h5", [peek(first), peek(second)])


def test_a_damaged_shard_is_refused_and_all_stay(tmp_path: Path, write_shards: WriteShards) -> None:
    target = tmp_path / "pets.h5"
    paths = write_shards(target)
    with h5py.File(paths[1], "r+") as file:
        file["embeddings"][1, :2] = file["embeddings"][1, :2][::-1]
    left = files(tmp_path)
    with pytest.raises(RuleError, match=r"00002-of-00002-.*rule F10"):
        merge(target, find(target).shards)
    paths[0].write_bytes(paths[0].read_bytes()[:-9])
    found = find(target)
    assert list(found.damaged) == [paths[0]]
    assert [shard.path for shard in found.shards] == [paths[1]]
    assert files(tmp_path) == left


def test_what_varies_between_machines_is_named_whole(
    tmp_path: Path, identity: Identity, write_shards: WriteShards
) -> None:
    target = tmp_path / "pets.h5"
    write_shards(target, versions={"torch": "2.5"}, precision={"device": "B"})
    second = write_shards(tmp_path / "b.h5", versions={"torch": "2.4"}, precision={"device": "A"})[
        1
    ]
    second.rename(shard_folder(target) / second.name)
    merge(target, find(target).shards)
    made = open_images(target).identity
    assert made.versions == {"torch": "2.4 + 2.5"}
    assert made.precision["device"] == "A + B"
    verify(target)


def test_shards_from_elsewhere_stay_and_others_in_the_folder_too(
    tmp_path: Path, write_shards: WriteShards
) -> None:
    elsewhere = write_shards(tmp_path / "elsewhere.h5")
    merge(tmp_path / "pets.h5", [peek(path) for path in elsewhere])
    assert all(path.exists() for path in elsewhere)
    beside, others = write_shards(tmp_path / "a.h5"), write_shards(tmp_path / "a.h5", 3)
    merge(tmp_path / "a.h5", [peek(path) for path in beside])
    assert not any(path.exists() for path in beside)
    assert all(path.exists() for path in others)

"""Claims about merging shards into the file that they make."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.files.images import ImageBatch, ImageRows, open_images, write_images
from oodcache.cache.files.texts import Vocabulary, open_texts, write_text_shard
from oodcache.cache.format.identity import Identity
from oodcache.cache.format.place import Run, shard_folder
from oodcache.cache.shards.merging import find, joined, merge, peek
from oodcache.cache.store.verification import verify

Write = Callable[..., Path]
WriteShards = Callable[..., list[Path]]
NAMES, IDS, TEMPLATES = ("cat", "dog", "größer"), ("n1", "n2", "n3"), ("a {}", "a photo of a {}")


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


@pytest.mark.slow
def test_a_long_vocabulary_is_not_held_once_a_shard(tmp_path: Path, identity: Identity) -> None:
    target, shard_rows = tmp_path / "words.h5", 100
    names = (*(f"word {at}" for at in range(1999)), "long " * 200)  # 2 MB as a column.
    run = Run("texts", identity, np.dtype("f4"), shard_rows)
    vectors = np.tile(np.eye(4, dtype=np.float32), (500, 1))
    for place in run.places(2000):
        write_text_shard(
            shard_folder(target) / place.file_name,
            vectors[place.first : place.first + place.rows],
            np.ones(place.rows, np.float32),
            vocabulary=Vocabulary(names, ("",) * 2000, ("{}",)),
            identity=identity,
            dtype=np.float32,
            place=place,
        )
    tracemalloc.start()
    merge(target, find(target).shards)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert open_texts(target).embeddings.tobytes() == vectors.tobytes()
    assert peak < 20e6, "twenty shards, each with all the words"


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
    assert "repeats rows 0 to 3 of " in str(refused.value)
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
    assert joined([made, made]).versions == made.versions
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


def refused_and_all_stay(target: Path, paths: list[Path], words: str) -> None:
    """Merge what was peeked at; assert that it is refused in a line and changes no folder."""
    left = files(target.parent)
    with pytest.raises(InputError) as refused:
        merge(target, [peek(path) for path in paths])
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert files(target.parent) == left


def test_shards_of_float16_are_the_file_written_whole(
    tmp_path: Path,
    write_pets: Write,
    write_names: Write,
    write_shards: WriteShards,
    write_text_shards: WriteShards,
) -> None:
    for write, shards in ((write_pets, write_shards), (write_names, write_text_shards)):
        whole = write(tmp_path / "whole.h5", dtype=np.float16)
        target = tmp_path / "cache" / "merged.h5"
        merge(target, [peek(path) for path in shards(target, dtype=np.float16)])
        assert target.read_bytes() == whole.read_bytes()


def test_a_shard_may_hold_only_bad_rows(
    tmp_path: Path, write_pets: Write, write_shards: WriteShards
) -> None:
    failed = {0: "cut", 1: "odd"}
    paths = write_shards(tmp_path / "cache" / "pets.h5", 2, failed=failed)
    assert [peek(path).failed for path in paths] == [2, 0, 0]
    merge(tmp_path / "cache" / "pets.h5", [peek(path) for path in paths])
    whole = write_pets(tmp_path / "pets.h5", failed=failed)
    assert (tmp_path / "cache" / "pets.h5").read_bytes() == whole.read_bytes()


def test_shards_that_hold_only_bad_rows_all_are_refused(
    tmp_path: Path, write_shards: WriteShards
) -> None:
    paths = write_shards(tmp_path / "pets.h5", 2, failed={row: f"bad {row}" for row in range(6)})
    words = "pets.h5: not written: none of 6 images could be decoded, the first: bad 0"
    refused_and_all_stay(tmp_path / "pets.h5", paths, words)


def forged_shard(
    path: Path, identity: Identity, *, dimension: int = 4, names: tuple[str, ...] = ("cat", "dog")
) -> Path:
    """Write rows 4 and 5 of the six images as a shard of the run, whatever is in it."""
    place = Run("images", identity, np.dtype(np.float32), 4).places(6)[1]
    vectors = np.eye(2, dimension, dtype=np.float32)
    rows = ImageRows([b"4.png", b"5.png"], np.array([0, 1]), names)
    batch = ImageBatch(vectors, np.ones(2, np.float32))
    write_images(path, [batch], rows=rows, identity=identity, place=place)
    return path


def test_forged_shards_of_one_run_are_refused(
    tmp_path: Path, identity: Identity, write_shards: WriteShards
) -> None:
    target = tmp_path / "pets.h5"
    first, second = write_shards(target)
    forged_shard(second, identity, dimension=5)
    refused_and_all_stay(target, [first, second], f"{second}: has another shape than {first}: one")
    forged_shard(second, identity, names=("dog", "cat"))
    refused_and_all_stay(target, [first, second], f"{second}: has other label names than {first}")
    merge(target, [peek(first), peek(forged_shard(second, identity))])
    verify(target)


def test_a_path_that_two_shards_hold_is_refused(
    tmp_path: Path, identity: Identity, write_shards: WriteShards
) -> None:
    target = tmp_path / "pets.h5"
    first, second = write_shards(target)
    place = peek(second).place
    batch = ImageBatch(np.eye(2, 4, dtype=np.float32), np.ones(2, np.float32))
    rows = ImageRows([b"cat/0.png", b"5.png"], np.array([0, 1]), ("cat", "dog"))
    write_images(second, [batch], rows=rows, identity=identity, place=place)
    refused_and_all_stay(target, [first, second], "'path' holds b'cat/0.png' twice (rule F12)")


@pytest.mark.parametrize(
    "vocabulary",
    [
        Vocabulary(("cat", "dog", "bird"), IDS, TEMPLATES),
        Vocabulary(NAMES, ("n1", "n3", "n2"), TEMPLATES),
        Vocabulary(NAMES, IDS, ("a {}", "the {}")),
        Vocabulary(("cat", "dog"), ("n1", "n2"), ("a {}", "the {}", "one {}")),
    ],
)
def test_forged_shards_of_another_vocabulary_are_refused(
    tmp_path: Path, identity: Identity, write_text_shards: WriteShards, vocabulary: Vocabulary
) -> None:
    target = tmp_path / "names.h5"
    first, second = write_text_shards(target)
    write_text_shard(
        second,
        np.eye(2, 4, dtype=np.float32),
        np.ones(2, np.float32),
        vocabulary=vocabulary,
        identity=identity,
        dtype=np.float32,
        place=peek(second).place,
    )
    refused_and_all_stay(target, [first, second], f"{second}: has another vocabulary than {first}")


def test_a_shard_that_goes_before_it_is_read_is_one_line(
    tmp_path: Path, write_shards: WriteShards, write_text_shards: WriteShards
) -> None:
    for name, write in (("pets.h5", write_shards), ("names.h5", write_text_shards)):
        paths = write(tmp_path / name)
        peeked = [peek(path) for path in paths]
        paths[1].unlink()
        left = files(tmp_path)
        with pytest.raises(InputError, match="was merged or removed while it was read: run the"):
            merge(tmp_path / name, peeked)
        assert files(tmp_path) == left


def test_a_shard_that_is_written_again_before_it_is_read_is_merged(
    tmp_path: Path, image_file: Path, write_shards: WriteShards
) -> None:
    target = tmp_path / "pets.h5"
    peeked = [peek(path) for path in write_shards(target)]
    again = [peek(path) for path in write_shards(target)]
    assert [one.version for one in peeked] != [one.version for one in again]
    merge(target, peeked)
    assert target.read_bytes() == image_file.read_bytes()


def test_a_shard_that_is_replaced_before_it_is_read_is_one_line(
    tmp_path: Path, write_shards: WriteShards, write_text_shards: WriteShards
) -> None:
    for name, write in (("pets.h5", write_shards), ("names.h5", write_text_shards)):
        paths = write(tmp_path / name)
        peeked = [peek(path) for path in paths]
        other = write(tmp_path / f"other-{name}", encoding={"size": 9})[1]
        other.replace(paths[1])
        left = files(tmp_path)
        with pytest.raises(
            InputError, match="was replaced while it was read: run the command again"
        ):
            merge(tmp_path / name, peeked)
        assert files(tmp_path) == left


FULL = """
import resource, signal, sys
from pathlib import Path
from oodcache.cache.errors import InputError
from oodcache.cache.shards.merging import find, merge
target = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for limit in range(0, int(sys.argv[2]), int(sys.argv[2]) // 12):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        merge(target, find(target).shards)
        print("merged")
    except InputError as error:
        print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits files as POSIX does")
@pytest.mark.parametrize("name", ["pets.h5", "names.h5"])
def test_no_room_to_merge_at_any_moment_is_one_line_and_all_shards_stay(
    tmp_path: Path, write_shards: WriteShards, write_text_shards: WriteShards, name: str
) -> None:
    target = tmp_path / "cache" / name
    write = write_shards if name == "pets.h5" else write_text_shards
    write(target)
    left = files(target.parent)
    command = [sys.executable, "-c", FULL, os.fspath(target), "3000"]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    words = f"{target}: cannot be written: File too large: raise the limit (ulimit -f), or give "
    assert [line.startswith(words) for line in run.stdout.splitlines()] == [True] * 12
    assert run.stderr == ""
    assert files(target.parent) == left
    merge(target, find(target).shards)
    verify(target)

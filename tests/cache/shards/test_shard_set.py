"""Claims about a complete set of shards: it is read as the file that a merge would make."""

from __future__ import annotations

import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import permissions_bind, slow_except

from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.files import images as image_file
from oodcache.cache.files import texts as text_file
from oodcache.cache.files.images import ImageBatch, ImageFile, ImageRows, write_images
from oodcache.cache.files.texts import TextFile, TextRows
from oodcache.cache.format.identity import Identity
from oodcache.cache.format.place import Run, shard_folder
from oodcache.cache.shards import shard_set
from oodcache.cache.shards.merging import find, merge

Write = Callable[..., Path]
WriteShards = Callable[..., list[Path]]
SIZES = [1, 2, 4, 5, 6, 100]


def merged(target: Path) -> Path:
    """Return the file that the shards beside `target` make, elsewhere; leave them."""
    other = target.parents[1] / "merged" / target.name
    if not other.exists():
        shutil.copytree(shard_folder(target), shard_folder(other))
        merge(other, find(other).shards)
    return other


def refused(read: Callable[[Path], Any], target: Path) -> str:
    with pytest.raises(InputError) as error:
        read(target)
    assert "\n" not in str(error.value)
    return str(error.value)


def assert_same_images(found: ImageFile, whole: ImageFile) -> None:
    assert (found.rows, found.dimension, found.dtype) == (whole.rows, whole.dimension, whole.dtype)
    for name in ("ok", "label", "norm"):
        one, other = getattr(found, name), getattr(whole, name)
        assert (one.dtype, one.tobytes()) == (other.dtype, other.tobytes())
    assert (found.label_names, found.place) == (whole.label_names, None)
    assert found.paths() == whole.paths()
    assert list(found.errors().items()) == list(whole.errors().items())
    assert found.identity == replace(whole.identity, vectors="")


def blocks(file: ImageFile | TextRows, rows: int) -> list[tuple[tuple[int, ...], bytes]]:
    return [(block.shape, block.tobytes()) for block in file.stored_blocks(rows)]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["f4", "f2"])
@pytest.mark.parametrize("shard_rows", slow_except([2, 5], SIZES))
def test_images_are_the_merged_files(
    tmp_path: Path, write_shards: WriteShards, shard_rows: int, dtype: str
) -> None:
    target = tmp_path / "cache" / "pets.h5"
    paths = write_shards(target, shard_rows, dtype=dtype)
    found, whole = shard_set.open_images(target), image_file.open_images(merged(target))
    assert_same_images(found, whole)
    assert found.path == shard_folder(target)
    assert len(found.shards) == len(paths)
    for rows in (1, 2, 3, 4, 6, 7, 2048):
        assert blocks(found, rows) == blocks(whole, rows)
        for one, other in zip(found.blocks(rows), whole.blocks(rows), strict=True):
            assert one.tobytes() == other.tobytes()
    for first in range(6):
        one, other = found.stored(first, 6 - first), whole.stored(first, 6 - first)
        assert one.vectors.tobytes() == other.vectors.tobytes()
        assert one.errors == other.errors
    assert not target.exists()


@pytest.mark.parametrize("dtype", ["f4", "f2"])
@pytest.mark.parametrize("shard_rows", slow_except([2, 5], SIZES))
def test_texts_are_the_merged_files(
    tmp_path: Path, write_text_shards: WriteShards, shard_rows: int, dtype: str
) -> None:
    target = tmp_path / "cache" / "names.h5"
    paths = write_text_shards(target, shard_rows, dtype=dtype)
    other = merged(target)
    found, whole = shard_set.open_texts(target), text_file.open_texts(other)
    assert found.embeddings.tobytes() == whole.embeddings.tobytes()
    assert found.embeddings.shape == whole.embeddings.shape
    rows, whole_rows = shard_set.open_text_rows(target), text_file.open_text_rows(other)
    for size in (1, 2, 3, 8192):
        assert blocks(rows, size) == blocks(whole_rows, size)
    for template in (0, 1):
        places = np.array([2, 0, 2])
        taken = [one.take(places, template=template).tobytes() for one in (rows, whole_rows)]
        assert taken[0] == taken[1]
    assert rows.dimension == whole_rows.dimension
    for one, same in ((found, whole), (rows, whole_rows)):
        assert isinstance(one, (TextFile, TextRows))
        assert (one.vocabulary, one.identity) == (same.vocabulary, same.identity)
        assert (one.path, len(one.shards)) == (shard_folder(target), len(paths))


def test_the_sums_of_the_shards_are_those_that_they_say(
    tmp_path: Path, write_shards: WriteShards
) -> None:
    target = tmp_path / "pets.h5"
    said = [image_file.open_image_shard(path).identity.vectors for path in write_shards(target, 2)]
    assert shard_set.open_images(target).shards == tuple(said)
    assert len(set(said)) == 3


def test_what_is_read_to_be_exported_has_the_sum_of_all_vectors(
    tmp_path: Path, write_shards: WriteShards, write_text_shards: WriteShards
) -> None:
    images, texts = tmp_path / "cache" / "pets.h5", tmp_path / "cache" / "names.h5"
    write_shards(images, 4)
    write_text_shards(texts, 4)
    assert shard_set.read(images).identity == image_file.open_images(merged(images)).identity
    assert shard_set.read(texts).identity == text_file.open_texts(merged(texts)).identity


def test_a_finished_file_wins_over_shards_beside_it(
    tmp_path: Path, write_pets: Write, write_shards: WriteShards
) -> None:
    target = write_pets(tmp_path / "pets.h5")
    write_shards(target, 4, encoding={"size": 9})[0].unlink()
    found = shard_set.open_images(target)
    assert (found.path, found.shards) == (target, ())
    target.write_bytes(b"broken")
    assert refused(shard_set.open_images, target).startswith(f"{target}: ")


def test_without_shards_a_missing_file_is_what_it_was(tmp_path: Path) -> None:
    words = f"{tmp_path / 'pets.h5'}: cannot be read: No such file or directory"
    assert refused(shard_set.open_images, tmp_path / "pets.h5") == words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ([2], "5 of 6 shards exist (missing: 3)"),
        ([0, 3, 4], "3 of 6 shards exist (missing: 1, 4 to 5)"),
        ([1, 2, 3, 4, 5], "1 of 6 shards exist (missing: 2 to 6)"),
    ],
)
def test_an_incomplete_set_says_what_is_there_and_what_to_type(
    tmp_path: Path,
    write_shards: WriteShards,
    write_text_shards: WriteShards,
    gone: list[int],
    words: str,
) -> None:
    for write, read in (
        (write_shards, shard_set.open_images),
        (write_text_shards, shard_set.open_texts),
        (write_text_shards, shard_set.open_text_rows),
    ):
        target = tmp_path / f"{read.__name__}.h5"
        paths = write(target, 1)
        assert shard_set.is_complete(target)
        for place in gone:
            paths[place].unlink()
        told = f"{shard_folder(target)}: {words}; run the same oodcache extract again"
        assert refused(read, target) == told
        assert not shard_set.is_complete(target)


def test_of_many_gaps_the_first_are_named(
    tmp_path: Path, write_shards: WriteShards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_set, "SHOWN", 1)
    paths = write_shards(tmp_path / "pets.h5", 1)
    for place in (0, 2, 4):
        paths[place].unlink()
    assert "(missing: 1 and 2 more ranges)" in refused(shard_set.open_images, tmp_path / "pets.h5")


def test_a_folder_without_shards_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "pets.shards"
    folder.mkdir()
    (folder / ".00001-of-00002-aa.h5.part").touch()
    assert refused(shard_set.open_images, tmp_path / "pets.h5") == (
        f"{folder}: contains no shard: run the same oodcache extract again"
    )


def test_shards_of_two_runs_are_refused(tmp_path: Path, write_shards: WriteShards) -> None:
    target = tmp_path / "pets.h5"
    write_shards(target)
    write_shards(target, encoding={"size": 9})
    told = refused(shard_set.open_images, target)
    assert "made from other preprocessing than" in told
    assert told.endswith(
        "shards of two runs cannot be merged; remove those of one run with: oodcache cache rm"
    )


def test_rows_that_are_there_twice_are_refused(tmp_path: Path, write_shards: WriteShards) -> None:
    target = tmp_path / "pets.h5"
    first = write_shards(target)[0]
    again = shutil.copy(first, first.with_name("copy.h5"))
    words = f"{again}: repeats rows 0 to 3 of {first}"
    assert refused(shard_set.open_images, target) == words


def test_a_damaged_shard_is_named_with_what_removes_it(
    tmp_path: Path, write_shards: WriteShards
) -> None:
    target = tmp_path / "pets.h5"
    second = write_shards(target)[1]
    second.write_bytes(second.read_bytes()[:-9])
    told = refused(shard_set.open_images, target)
    assert told.startswith(f"{second}: is not a whole HDF5 file: ")
    remedy = f"oodcache cache rm {second} and run the same oodcache extract again"
    assert told.endswith(f"; remove it with: {remedy}")


def test_a_row_that_is_no_unit_vector_is_named_in_its_own_shard(
    tmp_path: Path, write_shards: WriteShards
) -> None:
    target = tmp_path / "pets.h5"
    second = write_shards(target)[1]
    with h5py.File(second, "r+") as file:
        file["embeddings"][1] *= 2
    found = shard_set.open_images(target)
    words = f"{second}: row 1 of 'embeddings' has norm 2.0000; expected norm 1 (rule F5)"
    assert refused(lambda path: list(found.blocks(3)), target) == words


def test_texts_whose_sum_is_another_are_named(
    tmp_path: Path, write_text_shards: WriteShards
) -> None:
    target = tmp_path / "names.h5"
    second = write_text_shards(target)[1]
    with h5py.File(second, "r+") as file:
        file["embeddings"][1] = file["embeddings"][1][::-1]
    for read in (shard_set.open_texts, shard_set.open_text_rows):
        with pytest.raises(RuleError, match="rule F10") as error:
            read(target)
        assert str(error.value).startswith(f"{second}: ")


def test_shards_of_the_other_kind_are_refused(
    tmp_path: Path, write_shards: WriteShards, write_text_shards: WriteShards
) -> None:
    first = write_shards(tmp_path / "a.h5")[0]
    told = refused(shard_set.open_texts, tmp_path / "a.h5")
    assert told == f"{first}: holds images, not texts"
    first = write_text_shards(tmp_path / "b.h5")[0]
    told = refused(shard_set.open_images, tmp_path / "b.h5")
    assert told == f"{first}: holds texts, not images"


def test_other_label_names_are_refused(
    tmp_path: Path, identity: Identity, write_shards: WriteShards
) -> None:
    target = tmp_path / "pets.h5"
    first, second = write_shards(target)
    found = image_file.open_image_shard(second)
    rows = ImageRows(found.paths(), found.label, ("cat", "cow"))
    write_images(
        second, [found.stored(0, 2)], rows=rows, identity=identity, dtype="f4", place=found.place
    )
    words = f"{second}: has other label names than {first}"
    assert refused(shard_set.open_images, target) == words


def test_a_path_in_two_shards_is_refused_as_paths_are_read(
    tmp_path: Path, identity: Identity, write_shards: WriteShards
) -> None:
    target = tmp_path / "pets.h5"
    _, second = write_shards(target)
    found = image_file.open_image_shard(second)
    rows = ImageRows([b"cat/0.png", b"5.png"], found.label, found.label_names)
    write_images(
        second, [found.stored(0, 2)], rows=rows, identity=identity, dtype="f4", place=found.place
    )
    opened = shard_set.open_images(target)
    words = f"{shard_folder(target)}: 'path' holds b'cat/0.png' twice (rule F12)"
    assert refused(lambda path: opened.paths(), target) == words


READS: dict[str, Callable[[ImageFile], object]] = {
    "blocks": lambda file: list(file.blocks()),
    "paths": lambda file: file.paths(),
    "errors": lambda file: file.errors(),
}


@pytest.mark.parametrize("name", READS)
def test_a_shard_that_is_replaced_while_it_is_read_is_refused(
    tmp_path: Path, write_shards: WriteShards, name: str
) -> None:
    target = tmp_path / "pets.h5"
    paths = write_shards(target)
    found = shard_set.open_images(target)
    write_shards(tmp_path / "other.h5", encoding={"size": 9})[1].replace(paths[1])
    words = f"{paths[1]}: was replaced while it was read: run the command again"
    assert refused(lambda path: READS[name](found), target) == words


@pytest.mark.parametrize("name", READS)
def test_a_set_that_is_merged_while_it_is_read_is_refused(
    tmp_path: Path, write_shards: WriteShards, name: str
) -> None:
    target = tmp_path / "pets.h5"
    paths = write_shards(target)
    found = shard_set.open_images(target)
    merge(target, find(target).shards)
    words = "was merged or removed while it was read: run the command again"
    assert refused(lambda path: READS[name](found), target) == f"{paths[0]}: {words}"
    assert shard_set.open_images(target).path == target


def test_a_shard_that_is_written_again_is_read(tmp_path: Path, write_shards: WriteShards) -> None:
    target = tmp_path / "pets.h5"
    write_shards(target)
    found = shard_set.open_images(target)
    before = blocks(found, 3)
    write_shards(target)
    assert blocks(found, 3) == before


def test_a_set_that_is_merged_as_it_is_opened_is_read_from_the_file(
    tmp_path: Path, write_shards: WriteShards, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "pets.h5"
    write_shards(target)
    looked, shards = shard_set.complete, find(target).shards

    def complete(*arguments: Any) -> Any:
        merge(target, shards)
        return looked(*arguments)

    monkeypatch.setattr(shard_set, "complete", complete)
    assert shard_set.open_images(target).path == target


@permissions_bind
def test_a_folder_that_may_not_be_written_is_read(
    tmp_path: Path, write_shards: WriteShards
) -> None:
    target = tmp_path / "pets.h5"
    for path in write_shards(target):
        path.chmod(0o400)
    for folder in (shard_folder(target), tmp_path):
        folder.chmod(0o500)
    try:
        assert len(list(shard_set.open_images(target).blocks(2))) == 3
    finally:
        for folder in (tmp_path, shard_folder(target)):
            folder.chmod(0o700)


def write_many(target: Path, identity: Identity, rows: int, shard_rows: int) -> None:
    """Write shards of vectors (rows, 64), long paths and a bad row beside `target`."""
    run, generator = Run("images", identity, np.dtype("f4"), shard_rows), np.random.default_rng(1)
    for place in run.places(rows):
        vectors = generator.normal(size=(place.rows, 64)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[0] = 0
        paths = [b"%0200d.png" % (place.first + row) for row in range(place.rows)]
        write_images(
            shard_folder(target) / place.file_name,
            [ImageBatch(vectors, np.ones(place.rows, np.float32), {0: f"bad {place.first}"})],
            rows=ImageRows(paths, np.arange(place.rows) % 2, ("cat", "dog")),
            identity=identity,
            dtype="f4",
            place=place,
        )


@pytest.mark.parametrize("shard_rows", [2047, 2048, 2049, 5000])
def test_blocks_do_not_depend_on_where_shards_end(
    tmp_path: Path, identity: Identity, shard_rows: int
) -> None:
    target = tmp_path / "cache" / "many.h5"
    write_many(target, identity, 5000, shard_rows)
    found, whole = shard_set.open_images(target), image_file.open_images(merged(target))
    assert_same_images(found, whole)
    assert [len(block) for block in found.blocks()] == [2048, 2048, 904]
    assert blocks(found, 2048) == blocks(whole, 2048)
    wanted = np.array([3, 2047, 4999])
    both = [list(one.blocks_with(wanted)) for one in (found, whole)]
    assert [first for first, _ in both[0]] == [0, 4096]
    for (first, one), (other_first, other) in zip(*both, strict=True):
        assert (first, one.tobytes()) == (other_first, other.tobytes())


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory, identity: Identity) -> dict[int, ImageFile]:
    """Twenty rows, cut into shards of each length."""
    folder, found = tmp_path_factory.mktemp("cuts"), {}
    rows = np.eye(20, dtype=np.float32)
    for shard_rows in (1, 2, 3, 7, 10, 19, 20, 21):
        target = folder / f"{shard_rows}.h5"
        for place in Run("images", identity, np.dtype("f4"), shard_rows).places(20):
            here = slice(place.first, place.first + place.rows)
            paths = [b"%d" % row for row in range(20)][here]
            write_images(
                shard_folder(target) / place.file_name,
                [ImageBatch(rows[here], np.ones(place.rows, np.float32))],
                rows=ImageRows(paths, np.full(place.rows, -1), ()),
                identity=identity,
                place=place,
            )
        found[shard_rows] = shard_set.open_images(target)
    return found


@pytest.mark.slow
@given(st.sampled_from((1, 2, 3, 7, 10, 19, 20, 21)), st.integers(0, 19), st.data())
def test_any_rows_are_those_of_the_whole_whatever_the_cut(
    cuts: dict[int, ImageFile], shard_rows: int, first: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, 20 - first))
    found = cuts[shard_rows].stored(first, count).vectors
    assert found.tobytes() == np.eye(20, dtype=np.float32)[first : first + count].tobytes()


@pytest.mark.slow
def test_memory_does_not_grow_with_vectors_or_paths(tmp_path: Path, identity: Identity) -> None:
    target = tmp_path / "many.h5"
    write_many(target, identity, 40_000, 2000)
    tracemalloc.start()
    found = shard_set.open_images(target)
    for _ in found.blocks():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.rows == 40_000
    assert peak < 4e6, "10 MB of vectors, 8 MB of paths"

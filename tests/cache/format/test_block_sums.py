"""Claims about checksums of blocks; the oracle is the library over plain slices."""

from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from oodcache.cache.errors import RuleError
from oodcache.cache.exchange.export import export
from oodcache.cache.files.images import ImageBatch, ImageFile, ImageRows, open_images, write_images
from oodcache.cache.format.block_sums import MOST, ROWS, BlockSums, block_rows
from oodcache.cache.format.identity import Identity
from oodcache.cache.format.place import Run, shard_folder
from oodcache.cache.shards import shard_set
from oodcache.cache.shards.merging import find, merge

COUNT = 2 * ROWS + 100
SHARD_ROWS = ROWS + 50
Read = Callable[[ImageFile], object]
READS: dict[str, Read] = {
    "blocks": lambda file: list(file.blocks()),
    "odd blocks": lambda file: list(file.blocks(700)),
    "the first row": lambda file: next(file.blocks(1)),
    "some rows": lambda file: list(file.blocks_with(np.array([5]))),
    "a few rows": lambda file: file.stored(ROWS - 3, 2),
    "stored": lambda file: list(file.stored_blocks()),
    "export": lambda file: export(file, file.path.with_suffix(".npy"), lambda rows: None),
}


def batches(first: int, count: int) -> Iterator[ImageBatch]:
    vectors = np.eye(8, dtype=np.float32)[np.arange(first, first + count) % 8]
    yield ImageBatch(vectors[:1000], np.ones(min(count, 1000), np.float32))
    yield ImageBatch(vectors[1000:], np.ones(max(0, count - 1000), np.float32))


def rows_from(first: int, count: int) -> ImageRows:
    rows = range(first, first + count)
    return ImageRows([b"%d.png" % row for row in rows], np.full(count, -1), ())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, identity: Identity) -> Path:
    path = tmp_path_factory.mktemp("sums") / "a.h5"
    write_images(path, batches(0, COUNT), rows=rows_from(0, COUNT), identity=identity)
    return path


@pytest.fixture
def file(written: Path, tmp_path: Path) -> Path:
    path = tmp_path / "a.h5"
    path.write_bytes(written.read_bytes())
    return path


@pytest.fixture
def shards(tmp_path: Path, identity: Identity) -> Path:
    """Return the target of shards that no multiple of a block fills."""
    run = Run("images", identity, np.dtype("f4"), SHARD_ROWS)
    target = tmp_path / "shards" / "a.h5"
    for place in run.places(COUNT):
        write_images(
            shard_folder(target) / place.file_name,
            batches(place.first, place.rows),
            rows=rows_from(place.first, place.rows),
            identity=identity,
            place=place,
        )
    return target


def swap(path: Path, one: int, other: int, *, old: bool = False) -> None:
    with h5py.File(path, "r+") as file:
        file["embeddings"][[one, other]] = file["embeddings"][[one, other]][::-1]
        if old and "checksums" in file.attrs:
            del file.attrs["checksums"], file.attrs["path_checksum"]


def test_a_file_has_the_sum_of_each_block_and_of_its_paths(written: Path) -> None:
    with h5py.File(written) as file:
        vectors, paths = file["embeddings"][:], file["path"][:]
        blocks = [vectors[first : first + ROWS].tobytes() for first in (0, ROWS, 2 * ROWS)]
        assert file.attrs["checksums"].tolist() == [xxh3_64_intdigest(one) for one in blocks]
        assert file.attrs["path_checksum"] == xxh3_64_intdigest(paths.tobytes())


@given(st.lists(st.integers(0, 3 * ROWS), max_size=5))
def test_sums_do_not_depend_on_the_batches(sizes: list[int]) -> None:
    rows = np.arange(sum(sizes), dtype=np.float32)[:, None]
    sums = BlockSums(len(rows))
    for part in np.split(rows, np.cumsum(sizes)):
        sums.add(part)
    blocks = [rows[at : at + ROWS].tobytes() for at in range(0, len(rows), ROWS)]
    assert sums.values().tolist() == [xxh3_64_intdigest(one) for one in blocks]


@pytest.mark.parametrize("rows", [1, ROWS * MOST, ROWS * MOST + 1, 10**12])
def test_the_sums_of_any_number_of_rows_fit_an_attribute(rows: int) -> None:
    size = block_rows(rows)
    assert size % ROWS == 0
    assert -(-rows // size) * 8 < 2**16


@pytest.mark.parametrize("how", READS)
def test_every_read_of_a_block_checks_the_whole_block(file: Path, how: str) -> None:
    READS[how](open_images(file))
    swap(file, 11, 1000)  # In the first block, whatever rows of it are read.
    with pytest.raises(RuleError, match=r"rows 0 to 2047 of 'embeddings' differ .*rule F14"):
        READS[how](open_images(file))


@pytest.mark.parametrize("how", READS)
def test_every_read_of_a_file_of_0_1_checks_its_sha256(file: Path, how: str) -> None:
    swap(file, 11, 12, old=True)
    swapped = open_images(file)
    with pytest.raises(RuleError, match="rule F10"):
        READS[how](swapped)
    swap(file, 11, 12)  # Back.
    READS[how](swapped)


@pytest.mark.parametrize("old", [False, True])
def test_swapped_rows_of_a_shard_are_refused_in_the_set_and_in_the_merge(
    shards: Path, old: bool
) -> None:
    parts = find(shards).shards
    list(shard_set.open_images(shards).blocks())
    swap(parts[1].path, 3, 4, old=old)
    with pytest.raises(RuleError, match="rule F10" if old else "rows 0 to 2047 .*rule F14"):
        list(shard_set.open_images(shards).blocks())
    with pytest.raises(RuleError, match="rule F10"):
        merge(shards, find(shards).shards)


def test_a_merged_file_has_the_sums_of_an_undisturbed_one(shards: Path, written: Path) -> None:
    merge(shards, find(shards).shards)
    assert shards.read_bytes() == written.read_bytes()


def test_swapped_paths_are_refused(file: Path) -> None:
    with h5py.File(file, "r+") as raw:
        raw["path"][:2] = raw["path"][:2][::-1]
    with pytest.raises(RuleError, match="'path' differs from its checksum"):
        open_images(file).paths()

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.files.images import ImageBatch, ImageFile, ImageRows, open_images, write_images
from oodcache.cache.format import structure
from oodcache.cache.format.container import AHEAD
from oodcache.cache.format.identity import Identity
from oodcache.cache.store.verification import verify

Write = Callable[..., Path]
Rows = np.ndarray[Any, np.dtype[np.float32]]


def unit_rows(count: int, dimension: int = 16) -> Rows:
    rows = np.random.default_rng(count).normal(size=(count, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def images(count: int) -> ImageRows:
    return ImageRows([b"%d.png" % row for row in range(count)], np.full(count, -1), ())


def batch(vectors: Rows, errors: dict[int, str] | None = None) -> ImageBatch:
    return ImageBatch(vectors, np.ones(len(vectors), np.float32), errors or {})


def read(file: ImageFile, rows: int = 8192) -> Rows:
    return np.concatenate(list(file.blocks(rows)))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_float32_comes_back_to_the_bit(tmp_path: Path, identity: Identity) -> None:
    vectors = unit_rows(100)
    parts = [batch(vectors[:64]), batch(vectors[64:])]
    written = write_images(tmp_path / "a.h5", parts, rows=images(100), identity=identity)
    assert (written.rows, written.dimension, written.dtype) == (100, 16, np.float32)
    assert written.ok.all()
    assert read(open_images(tmp_path / "a.h5")).tobytes() == vectors.tobytes()


def test_float16_comes_back_near_and_of_norm_one(tmp_path: Path, identity: Identity) -> None:
    vectors = unit_rows(100, 512)
    vectors[7] = 0
    written = write_images(
        tmp_path / "a.h5",
        [batch(vectors, {7: "no image"})],
        rows=images(100),
        identity=identity,
        dtype=np.float16,
    )
    found = read(written)
    assert written.dtype == np.float16
    assert found.dtype == np.float32
    assert np.abs(found - vectors).max() < 1e-3
    norm = np.linalg.norm(found.astype(np.float64), axis=1)
    assert norm[7] == 0
    assert np.abs(np.delete(norm, 7) - 1).max() < 1e-6


def test_a_row_that_is_not_ok_keeps_its_place(image_file: Path) -> None:
    file = open_images(image_file)
    assert file.ok.tolist() == [True, True, False, True, False, True]
    assert file.errors() == {2: "cut short", 4: "no image"}
    assert (np.linalg.norm(read(file), axis=1) > 0.5).tolist() == file.ok.tolist()


def test_labels_and_paths_come_back_as_they_were(image_file: Path) -> None:
    file = open_images(image_file)
    assert file.label.tolist() == [0, 1, -1, 0, 1, 0]
    assert file.label.dtype == np.int64
    assert file.label_names == ("cat", "dog")
    assert file.paths()[3:5] == [b"cat/3\n.png", b"dog/\xff4.png"]
    assert file.identity.model.logit_bias == -5.0


@given(paths=st.lists(st.binary(min_size=1, max_size=20), min_size=1, unique=True))
def test_any_path_of_a_file_system_survives(
    tmp_path_factory: pytest.TempPathFactory, identity: Identity, paths: list[bytes]
) -> None:
    paths = [b"x" + path.replace(b"\0", b"0") + b"%d" % row for row, path in enumerate(paths)]
    rows = ImageRows([path.replace(b"..", b"") for path in paths], np.full(len(paths), -1), ())
    path = tmp_path_factory.mktemp("paths") / "a.h5"
    vectors = unit_rows(len(paths), 2)
    assert write_images(path, [batch(vectors)], rows=rows, identity=identity).paths() == rows.paths


@pytest.fixture(scope="module")
def hundred(tmp_path_factory: pytest.TempPathFactory, identity: Identity) -> ImageFile:
    path = tmp_path_factory.mktemp("hundred") / "a.h5"
    return write_images(path, [batch(unit_rows(100))], rows=images(100), identity=identity)


@given(size=st.integers(1, 300))
def test_blocks_of_any_size_give_the_same_rows(hundred: ImageFile, size: int) -> None:
    blocks = list(hundred.blocks(size))
    assert all(len(block) == size for block in blocks[:-1])
    assert np.concatenate(blocks).tobytes() == unit_rows(100).tobytes()


def test_every_block_is_the_callers_own(hundred: ImageFile) -> None:
    first, second = next(hundred.blocks(50)), next(hundred.blocks(50))
    first[:] = 0
    assert second.any()


def test_two_equal_runs_give_equal_files_however_they_were_cut(
    tmp_path: Path, write_pets: Write
) -> None:
    one = write_pets(tmp_path / "a.h5")
    time.sleep(1.1)  # HDF5's clock counts seconds, and none of them may be in a file.
    other = write_pets(tmp_path / "b.h5")
    assert one.read_bytes() == other.read_bytes()
    for size in (1, 5, 100):
        assert one.read_bytes() == write_pets(tmp_path / "c.h5", size=size).read_bytes()


def test_only_a_few_batches_wait_to_be_written(tmp_path: Path, identity: Identity) -> None:
    vectors, sizes = unit_rows(64, 4096), []

    def batches() -> Iterator[ImageBatch]:
        for _ in range(16):
            sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
            yield batch(vectors)

    write_images(tmp_path / "a.h5", batches(), rows=images(1024), identity=identity)
    assert sizes[0] == 0
    for asked, written in enumerate(sizes):
        assert written >= (asked - AHEAD - 1) * vectors.nbytes


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError, RuntimeError])
def test_an_error_of_the_source_passes_and_leaves_the_earlier_file(
    image_file: Path, identity: Identity, error: type[BaseException]
) -> None:
    earlier = image_file.read_bytes()

    def batches() -> Iterator[ImageBatch]:
        yield batch(unit_rows(4))
        raise error("in the source")

    with pytest.raises(error, match="in the source"):
        write_images(image_file, batches(), rows=images(8), identity=identity)
    assert image_file.read_bytes() == earlier
    assert files(image_file.parent) == [image_file.name]


def test_no_image_at_all_is_one_line_and_leaves_nothing(tmp_path: Path, identity: Identity) -> None:
    path = tmp_path / "a.h5"
    nothing = [batch(np.zeros((1, 4), np.float32), {0: reason}) for reason in ("cut", "odd")]
    with pytest.raises(InputError) as refused:
        write_images(path, nothing, rows=images(2), identity=identity)
    words = "not written: none of 2 images could be decoded, the first: cut"
    assert str(refused.value) == f"{path}: {words}"
    with pytest.raises(InputError, match="not written: there are no images"):
        write_images(path, [], rows=images(0), identity=identity)
    assert files(tmp_path) == []


def test_a_vector_that_breaks_a_rule_is_never_written(tmp_path: Path, identity: Identity) -> None:
    vectors = unit_rows(4)
    vectors[3] *= 2
    with pytest.raises(RuleError, match=r"row 7 of 'embeddings' has norm 2.0000; .*rule F5"):
        write_images(
            tmp_path / "a.h5",
            [batch(unit_rows(4)), batch(vectors)],
            rows=images(8),
            identity=identity,
        )
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (ImageRows([b"a", b"a"], np.array([-1, -1]), ()), "'path' holds b'a' twice (rule F12)"),
        (ImageRows([b"a", b"b\0"], np.array([-1, -1]), ()), r"holds b'b\x00', which is not below"),
        (ImageRows([b"a", b"b"], np.array([-1, 0]), ()), "from -1 to 0, for 0 names (rule F6)"),
        (
            ImageRows([b"a", b"b" * 4097], np.array([-1, -1]), ()),
            "holds a value of 4097 bytes; the limit",
        ),
        (
            ImageRows([b"a", b"b"], np.array([0, 0]), ["ö" * 2049]),
            "holds a value of 4098 bytes; the limit",
        ),
        (ImageRows([b"a", b"b"], np.array([0, 0]), ["\udcff"]), "is not UTF-8 without NUL (rule"),
    ],
)
def test_rows_that_break_a_rule_are_refused_before_anything_is_encoded(
    tmp_path: Path, identity: Identity, rows: ImageRows, words: str
) -> None:
    def batches() -> Iterator[ImageBatch]:
        pytest.fail("something was encoded")
        yield

    with pytest.raises(RuleError) as refused:
        write_images(tmp_path / "a.h5", batches(), rows=rows, identity=identity)
    assert words in str(refused.value)
    broken = replace(identity, encoding={"mean": "x" * 60_000})
    with pytest.raises(RuleError, match=r"bytes; the limit is 60000 .rule F8"):
        write_images(tmp_path / "a.h5", batches(), rows=images(2), identity=broken)
    assert files(tmp_path) == []


def test_a_reason_is_stored_as_one_line_of_utf8(tmp_path: Path, identity: Identity) -> None:
    reason = "cannot identify '/x/\udcff.png'\n  because\0of " + "this " * 1000
    vectors = unit_rows(2)
    vectors[0] = 0
    path = tmp_path / "a.h5"
    file = write_images(path, [batch(vectors, {0: reason})], rows=images(2), identity=identity)
    verify(path)
    assert file.errors()[0].startswith(r"cannot identify '/x/\udcff.png' because of this this")
    assert len(file.errors()[0]) < 600


def test_a_file_that_was_replaced_while_it_is_read_is_refused(
    image_file: Path, write_pets: Write
) -> None:
    file = open_images(image_file)
    write_pets(image_file, logit_scale=11.0)
    for use in (lambda: next(file.blocks()), file.paths, file.errors):
        with pytest.raises(
            InputError, match="was replaced while it was read: run the command again"
        ):
            use()


def test_a_file_that_has_not_changed_is_checked_once(
    image_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = open_images(image_file)
    before = np.concatenate([*file.blocks()])
    monkeypatch.setattr(structure, "check", None)
    assert np.concatenate([*file.blocks()]).tobytes() == before.tobytes()
    with pytest.raises(RuleError, match="not callable"):
        open_images(image_file)


def test_a_file_that_was_touched_is_checked_again(image_file: Path) -> None:
    file = open_images(image_file)
    with h5py.File(image_file, "r+") as raw:
        raw.attrs["version"] = 99
    with pytest.raises(RuleError, match="version is 99"):
        next(file.blocks())


def test_a_reader_in_the_middle_of_a_file_keeps_the_one_it_opened(
    image_file: Path, write_pets: Write
) -> None:
    blocks = open_images(image_file).blocks(3)
    first = next(blocks)
    with h5py.File(image_file, locking=False) as file:
        expected = file["embeddings"][:]
    write_pets(image_file, logit_scale=11.0)
    assert np.concatenate([first, *blocks]).tobytes() == expected.tobytes()

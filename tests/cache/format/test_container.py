import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from samples import permissions_bind

from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.files.images import open_images
from oodcache.cache.files.texts import open_texts
from oodcache.cache.format.container import (
    LIBRARY,
    Writer,
    created,
    opened,
    renormalised,
    write_column,
)
from oodcache.cache.store.verification import kind_of, verify

OPENERS = [open_images, open_texts, kind_of, verify]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize(
    "content", [b"", b"x", b"no HDF5 " * 100, b"\x89HDF\r\n\x1a\n" + b"\0" * 99]
)
def test_what_is_no_hdf5_is_refused_in_one_line(
    tmp_path: Path, opener: Callable[[Path], object], content: bytes
) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes(content)
    with pytest.raises(RuleError) as refused:
        opener(path)
    assert str(refused.value).startswith(f"{path}: is not a whole HDF5 file: ")
    assert str(refused.value).endswith("(rule F1)")
    assert "\n" not in str(refused.value)


def test_a_file_cut_short_anywhere_is_refused(image_file: Path, text_file: Path) -> None:
    for path in (image_file, text_file):
        whole = path.read_bytes()
        for length in range(0, len(whole), 50):
            path.write_bytes(whole[:length])
            with pytest.raises(RuleError, match=r"is not a whole HDF5 file: .*rule F1"):
                verify(path)


@pytest.mark.slow
def test_a_changed_byte_anywhere_is_refused_or_changes_nothing(image_file: Path) -> None:
    whole, refused = image_file.read_bytes(), 0
    before = open_images(image_file)
    expected = (next(before.blocks()).tobytes(), before.paths(), before.errors(), before.identity)
    for place in range(0, len(whole), 11):
        image_file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            verify(image_file)
        except RuleError as error:
            assert "\n" not in str(error)
            refused += 1
        else:
            file = open_images(image_file)
            found = (next(file.blocks()).tobytes(), file.paths(), file.errors(), file.identity)
            assert found == expected
            assert file.label.tobytes() + file.ok.tobytes() == (
                before.label.tobytes() + before.ok.tobytes()
            )
    assert refused > len(whole) / 11 / 2


@pytest.mark.parametrize("opener", OPENERS)
def test_what_is_no_file_is_refused_in_the_systems_words(
    tmp_path: Path, opener: Callable[[Path], object]
) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for name, words in [
        ("none.h5", "cannot be read: No such file or directory"),
        ("", "is not a file; expected an .h5 file of embeddings"),
        ("pipe", "is not a file; expected an .h5 file of embeddings"),
        ("file/a.h5", "cannot be read: Not a directory"),
        ("a" * 300, "cannot be read: File name too long"),
        ("a\0b", "cannot be read: embedded null byte"),
    ]:
        with pytest.raises(InputError) as refused:
            opener(tmp_path / name)
        assert str(refused.value) == f"{tmp_path / name}: {words}"


@permissions_bind
def test_a_file_that_may_not_be_read_is_one_line(image_file: Path) -> None:
    image_file.chmod(0)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        open_images(image_file)


def test_an_hdf5_file_of_another_program_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["embeddings"] = np.eye(4, dtype=np.float32)
    with pytest.raises(RuleError, match=r"superblock has version 0, expected 3.*rule F1"):
        open_images(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "w", libver=LIBRARY) as file:
        file["embeddings"] = np.eye(4, dtype=np.float32)
    with pytest.raises(RuleError, match=r"format is None, not 'oodcache' .rule F1."):
        open_images(tmp_path / "a.h5")


def test_vectors_that_would_lie_behind_the_files_end_are_refused(text_file: Path) -> None:
    with h5py.File(text_file) as file:
        stored = file["embeddings"].id
        layout = struct.pack("<QQ", stored.get_offset(), stored.get_storage_size())
    assert text_file.read_bytes().count(layout) == 1
    with h5py.File(text_file, "r+", libver="earliest") as file:
        del file["embeddings"]  # Without a checksum on its header, so that it can be forged.
        file.create_dataset("embeddings", data=np.ones((2, 3, 4), np.float32))
        stored = file["embeddings"].id
        layout = struct.pack("<QQ", stored.get_offset(), stored.get_storage_size())
    forged = struct.pack("<QQ", 10**9, 96)
    text_file.write_bytes(text_file.read_bytes().replace(layout, forged))
    with pytest.raises(RuleError, match=r"rule F[13]"):
        open_texts(text_file)


def test_an_error_of_ours_keeps_its_cause(image_file: Path) -> None:
    with pytest.raises(RuleError) as refused, opened(image_file) as file:
        file["no such dataset"]
    assert isinstance(refused.value.__cause__, KeyError)


def test_a_file_that_breaks_a_rule_never_gets_its_name(tmp_path: Path) -> None:
    with (
        pytest.raises(RuleError, match="attribute kind is not one"),
        created(tmp_path / "a.h5") as write,
    ):
        write(lambda file: file.attrs.update(kind="images"))
    assert files(tmp_path) == []


def test_hdf5_runs_in_one_thread_that_is_not_the_main_one(tmp_path: Path) -> None:
    threads = []
    (tmp_path / "part").touch()
    with Writer(tmp_path / "part", tmp_path / "a.h5") as write:
        for _ in range(3):
            write(lambda file: threads.append(threading.current_thread()))
    assert len(set(threads)) == 1
    assert threads[0] is not threading.main_thread()
    assert not threads[0].is_alive()


def test_an_error_in_a_call_is_raised_to_its_caller(tmp_path: Path) -> None:
    (tmp_path / "part").touch()
    with Writer(tmp_path / "part", tmp_path / "a.h5") as write:
        with pytest.raises(KeyError, match="none"):
            write(lambda file: file["none"])
        write(lambda file: file.attrs.update(more=1))
    with h5py.File(tmp_path / "part") as file:
        assert file.attrs["more"] == 1


@pytest.mark.parametrize("rows", [0, 1, 300_000])
def test_a_column_of_any_length_comes_back(tmp_path: Path, rows: int) -> None:
    values = np.arange(rows * 100).reshape(rows, 100)[:, 0].astype("S80")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_column(file, "a", values)
        assert (file["a"][:] == values).all()
        assert file["a"].chunks in (None, (1,), (209_715,))


def test_renormalised_float16_rows_have_norm_one_and_zeros_stay() -> None:
    rows = np.array([[3, 4], [0, 0]], np.float16)
    assert renormalised(rows).tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0]]


def test_float32_rows_are_not_touched() -> None:
    rows = np.array([[0.5, 0.5]], np.float32)
    assert renormalised(rows) is rows


FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {folder!r})
import conftest, numpy as np
from oodcache.cache.errors import InputError
from oodcache.cache.format.identity import Identity
from oodcache.cache.files.images import ImageRows, write_images
identity = Identity(conftest.MODEL, {{"name": "a", "fingerprint": "b"}}, {{}}, {{}}, {{}})
rows = ImageRows([b"%d" % row for row in range(400)], np.full(400, -1), ())
vectors = conftest.unit_rows(400, 32)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for limit in {limits}:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        write_images(
            Path("a.h5"), conftest.batches(vectors, {{}}, 100), rows=rows, identity=identity
        )
        print("written")
    except InputError as error:
        print(error)
"""


def test_no_room_at_any_moment_is_one_line_and_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes(b"earlier")
    limits = [0, 1, 1000, 20_000, 50_000, 51_200, 53_000, 55_000, 56_000, 10**9]
    script = FULL.format(folder=os.fspath(Path(__file__).parents[1]), limits=limits[:-1])
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    words = "a.h5: cannot be written: File too large: raise the limit (ulimit -f), or give another"
    assert [line.startswith(words) for line in run.stdout.splitlines()] == [True] * 9
    assert run.stderr == ""
    assert path.read_bytes() == b"earlier"
    assert files(tmp_path) == ["a.h5"]

"""Claims about arrays of other programs: read as NumPy reads them, or refused in one line."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import arrays as foreign

Rows = np.ndarray[Any, np.dtype[Any]]
generator = np.random.default_rng(0)
ROWS = generator.normal(size=(5000, 3)).astype(np.float32)


class Hostile:
    """What writes a file if it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def header(shape: tuple[int, ...], descr: str = "<f4") -> bytes:
    """Return the head of a .npy that claims a shape."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return stream.getvalue()


def refusal(call: Callable[..., object], *arguments: Any) -> str:
    with pytest.raises(InputError) as refused:
        call(*arguments)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    "values",
    [
        ROWS,
        ROWS.astype(np.float16),
        ROWS.astype(">f8"),
        np.asfortranarray(ROWS),
        ROWS.reshape(5, 1000, 3),
        np.arange(5000),
        np.array([b"a", b"\xff"]),
        np.array(b"one"),
        np.array([], "S1"),
    ],
    ids=lambda values: f"{values.dtype}{values.shape}{'F' * values.flags.f_contiguous}",
)
def test_an_array_comes_back_as_numpy_saved_it(tmp_path: Path, values: Rows) -> None:
    np.save(tmp_path / "x.npy", values)
    np.savez(tmp_path / "x.npz", x=values)
    np.savez_compressed(tmp_path / "y.npz", x=values)
    for array in (
        foreign.open_npy(tmp_path / "x.npy"),
        foreign.open_npz(tmp_path / "x.npz")["x"],
        foreign.open_npz(tmp_path / "y.npz")["x"],
    ):
        assert (array.shape, array.dtype) == (values.shape, values.dtype)
        found = array.whole()
        assert found.dtype == values.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_memory_does_not_grow_with_the_number_of_rows(tmp_path: Path, ending: str) -> None:
    values = np.ones((200_000, 32), np.float32)
    path = tmp_path / f"x.{ending}"
    if ending == "npy":
        np.save(path, values)
    else:
        np.savez(path, x=values)
    tracemalloc.start()
    array = foreign.open_npy(path) if ending == "npy" else foreign.open_npz(path)["x"]
    rows = sum(len(block) for block in array.blocks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == len(values)
    assert peak < values.nbytes / 10


def test_a_header_that_claims_more_than_the_file_holds_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(header((10**12, 768)) + b"\0" * 64)
    assert refusal(lambda: foreign.open_npy(path)) == (
        f"{path}: claims 3072000000000000 bytes, but 64 are in the file"
    )
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", path.read_bytes())
    assert "claims 3072000000000000 bytes, but 64" in refusal(
        lambda: foreign.open_npz(tmp_path / "x.npz")
    )


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ROWS[:10])
    np.savez(tmp_path / "x.npz", x=ROWS[:10])
    for name, reader in (("x.npy", foreign.open_npy), ("x.npz", foreign.open_npz)):
        path = tmp_path / name
        whole = path.read_bytes()
        for size in range(0, len(whole), 7):
            path.write_bytes(whole[:size])
            assert refusal(reader, path).startswith(str(path))


def test_a_changed_byte_of_an_npz_breaks_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, x=ROWS)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    assert "Bad CRC-32" in refusal(lambda: foreign.open_npz(path)["x"].whole())


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, ROWS)
    array = foreign.open_npy(path)
    path.write_bytes(path.read_bytes()[:-5])
    assert refusal(array.whole).startswith(f"{path}: is damaged")


def test_no_pickle_is_ever_run(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    objects = np.array([Hostile(trace)], object)
    np.save(tmp_path / "x.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=objects)
    (tmp_path / "bare.npy").write_bytes(pickle.dumps(Hostile(trace)))
    held = "holds Python objects, which could run code: they are not read"
    assert held in refusal(lambda: foreign.open_npy(tmp_path / "x.npy"))
    assert held in refusal(lambda: foreign.open_npz(tmp_path / "x.npz"))
    bare = refusal(lambda: foreign.open_npy(tmp_path / "bare.npy"))
    assert bare == f"{tmp_path / 'bare.npy'}: is not a .npy array of NumPy"
    assert not trace.exists()
    np.load(tmp_path / "x.npy", allow_pickle=True)
    assert trace.exists(), "the pickle was harmless, and the test showed nothing"


@pytest.mark.parametrize(
    "start",
    [
        header((-1, 4)),
        header((4,), "<f4").replace(b"True", b"1   ").replace(b"False", b"0    "),
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65000,
        b"\x93NUMPY\x09\x00" + header((1,))[8:],
        b"",
    ],
)
def test_a_header_that_makes_no_sense_is_one_line(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(start)
    assert refusal(lambda: foreign.open_npy(tmp_path / "x.npy")).startswith(f"{tmp_path}/x.npy: ")


def test_a_missing_file_is_said_in_the_systems_words(tmp_path: Path) -> None:
    for reader in (foreign.open_npy, foreign.open_npz, lambda path: foreign.parts(path, "npy")):
        line = refusal(reader, tmp_path / "none")
        assert line == f"{tmp_path}/none: cannot be read: No such file or directory"


def test_parts_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 0):
        np.save(tmp_path / f"img_emb_{number}.npy", np.full((2, 4), number, np.float32))
    (tmp_path / "readme.txt").touch()
    found = foreign.parts(tmp_path, "npy")
    assert list(found) == [0, 9, 10]
    opened = {number: foreign.open_npy(path) for number, path in found.items()}
    joined = foreign.joined(tmp_path, opened)
    assert joined.shape == (6, 4)
    assert joined.whole()[:, 0].tolist() == [0, 0, 9, 9, 10, 10]


def test_a_folder_of_two_stems_or_none_or_one_number_twice_is_refused(tmp_path: Path) -> None:
    assert "expected numbered parts (img_emb_0.npy, …); found none" in refusal(
        lambda: foreign.parts(tmp_path, "npy")
    )
    (tmp_path / "img_emb_0.npy").touch()
    (tmp_path / "img_emb_00.npy").touch()
    assert "has the number of img_emb_0" in refusal(lambda: foreign.parts(tmp_path, "npy"))
    (tmp_path / "text_emb_0.npy").touch()
    assert "found img_emb_*.npy and text_emb_*.npy" in refusal(
        lambda: foreign.parts(tmp_path, "npy")
    )


def test_parts_of_two_widths_are_refused(tmp_path: Path) -> None:
    opened = {
        number: foreign.in_memory(f"part {number}", np.ones((2, 4 + number))) for number in range(2)
    }
    assert refusal(lambda: foreign.joined(tmp_path, opened)) == (
        "part 1: vectors of 5 numbers, but part 0 of 4"
    )


def test_embeddings_are_found_by_name_or_because_they_are_alone() -> None:
    one, other = (foreign.in_memory(name, ROWS) for name in "ab")
    assert foreign.pick(Path("x.npz"), {"label_list": other, "feat_list": one}) is one
    assert foreign.pick(Path("x.npz"), {"arr_0": one}) is one
    assert refusal(lambda: foreign.pick(Path("s.npz"), {"pred": one, "conf": other})) == (
        "s.npz: contains 'pred', 'conf', but no embeddings: expected an array called embeddings, "
        "feat_list, features, feats, feat or image_features"
    )


@pytest.mark.parametrize(("name", "reader"), [("x.npy", "open_npy"), ("x.npz", "open_npz")])
def test_a_pointer_of_git_lfs_is_named(tmp_path: Path, name: str, reader: str) -> None:
    (tmp_path / name).write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    said = refusal(lambda: getattr(foreign, reader)(tmp_path / name))
    assert said.startswith(f"{tmp_path / name}: is a git-lfs pointer")


@pytest.mark.slow
def test_many_arrays_without_embeddings_are_counted_not_all_listed() -> None:
    several = {f"img/{place}.jpg": foreign.in_memory("", ROWS) for place in range(20_000)}
    said = refusal(lambda: foreign.pick(Path("x.npz"), several))
    assert "'img/5.jpg' and 19,994 more, but no embeddings" in said
    assert len(said) < 600


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.ones((3, 4), int), "x: holds int64, not floating-point vectors"),
        (np.ones((3, 4), complex), "x: holds complex128, not floating-point vectors"),
        (np.ones(3), "x: has shape (3,), not (rows, numbers), each above 0"),
        (np.ones((0, 4)), "x: has shape (0, 4), not (rows, numbers), each above 0"),
        (np.ones((4, 0)), "x: has shape (4, 0), not (rows, numbers), each above 0"),
        (np.ones((1, 2, 3)), "x: has shape (1, 2, 3), not (rows, numbers), each above 0"),
    ],
)
def test_what_is_no_array_of_vectors_is_refused(values: Rows, words: str) -> None:
    assert refusal(lambda: foreign.check_vectors(foreign.in_memory("x", values), 2)) == words


@given(
    arrays(np.float32, (4, 3), elements=st.floats(-(2.0**99), 2.0**99, width=32)),
)
def test_every_row_is_of_norm_one_or_zeros_with_a_reason(rows: Rows) -> None:
    unit = foreign.unit(rows)
    for row, vector in enumerate(unit.vectors):
        if row in unit.errors:
            assert not vector.any()
            assert unit.norm[row] == 0
        else:
            assert abs(np.linalg.norm(vector.astype(np.float64)) - 1) < 2e-5
            length = np.linalg.norm(rows[row].astype(np.float64))
            assert unit.norm[row] == pytest.approx(length, rel=1e-6)
            np.testing.assert_allclose(vector * length, rows[row], rtol=2e-5, atol=length * 1e-6)


def test_rows_of_norm_one_stay_to_the_bit() -> None:
    rows = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)
    unit = foreign.unit(rows)
    assert unit.vectors.tobytes() == rows.tobytes()
    assert not unit.changed.any()


def test_a_row_that_cannot_be_normalised_says_why() -> None:
    rows = np.array([[1, 0], [0, 0], [np.nan, 1], [np.inf, 1], [1e300, 1], [1e-300, 0]])
    assert foreign.unit(rows).errors == {
        1: "is all zeros",
        2: "holds a value that is not finite",
        3: "holds a value that is not finite",
        4: "is too long or too short for float32",
        5: "is too long or too short for float32",
    }


def test_an_npz_that_unpacks_to_far_more_is_refused_before_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oodcache.cache.exchange.arrays.LARGE", 2**20)
    np.savez_compressed(tmp_path / "bomb.npz", scores=np.zeros(2**18))
    with pytest.raises(InputError, match=r"'scores.npy' is 0.00.* MB that unpack to 2.1 MB"):
        foreign.open_npz(tmp_path / "bomb.npz")
    values = np.random.default_rng(0).normal(size=2**18)
    np.savez_compressed(tmp_path / "real.npz", scores=values)
    assert np.array_equal(foreign.open_npz(tmp_path / "real.npz")["scores"].whole(), values)

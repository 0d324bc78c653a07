"""Claims about the readers of other programs' scores, hostile files among them."""

from __future__ import annotations

import io
import resource
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.cache.errors import InputError
from oodcache.score.files.reading import SetScores, read

SAVED = "model,template,data_set,path,label,nearest"


def written(tmp_path: Path, text: str | bytes, name: str = "s.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def only(parts: Sequence[SetScores]) -> dict[str, list[float]]:
    (part,) = parts
    return {name: scores.tolist() for name, scores in part.scores.items()}


@pytest.mark.parametrize(
    ("name", "text", "columns", "expected"),
    [
        ("s.csv", "0.5\n0.25\n", (), {"score": [0.5, 0.25]}),
        ("s.csv", "score\n0.5\n0.25\n", (), {"score": [0.5, 0.25]}),
        ("s.csv", "path,mcm\na.png,0.5\nb.png,1e-3\n", (), {"mcm": [0.5, 0.001]}),
        ("s.csv", "a.png,0.5\nb.png,0.25\n", (), {"score": [0.5, 0.25]}),
        ("s.csv", "a.png,0.5\nb.png,0.25\n", ("2",), {"2": [0.5, 0.25]}),
        ("s.csv", "a,b\n1,2\n3,4\n", ("b",), {"b": [2, 4]}),
        ("s.csv", "a,b\n1,2\n3,4\n", ("b", "a"), {"b": [2, 4], "a": [1, 3]}),
        # A series that pandas writes: no name above the index.
        ("s.csv", ",0\n0,0.5\n1,0.25\n", ("0",), {"0": [0.5, 0.25]}),
        ("s.csv", "path,2024\na,0.5\n", ("2024",), {"2024": [0.5]}),
        ("s.csv", "0\n0.5\n0.25\n", ("0",), {"0": [0.5, 0.25]}),
        ("s.csv", "0,1\n1,2\n3,4\n", ("1", "0"), {"1": [2, 4], "0": [1, 3]}),
        ("s.csv", "0.0\n0.5\n", (), {"score": [0, 0.5]}),
        ("s.tsv", "path\tmcm\na b\t-inf\nc,d\tinf\n", (), {"mcm": [-np.inf, np.inf]}),
        ("s.csv", "\ufeffmcm\r\n0.5\r\n\r\n\r\n", (), {"mcm": [0.5]}),
        ("s.csv", '"the, path","a ""score"""\n"x\ny",0.5\n', (), {'a "score"': [0.5]}),
        ("s.csv", b"path,mcm\n\xff.png,0.5\n", (), {"mcm": [0.5]}),
        ("S.CSV", " 0.5 \n+1\n", (), {"score": [0.5, 1]}),
    ],
)
def test_a_text_file_gives_its_column(
    tmp_path: Path, name: str, text: str | bytes, columns: tuple[str, ...], expected: Any
) -> None:
    assert only(read(written(tmp_path, text, name), columns)) == expected


@pytest.mark.parametrize(
    ("name", "text", "columns", "words"),
    [
        ("s.csv", "", (), "s.csv: is empty; expected one number per image"),
        ("s.csv", "\n\n", (), "is empty"),
        ("s.csv", "mcm\n", (), "contains a header but no scores"),
        ("s.csv", "mcm\n0.5\nhigh\n", (), "line 3, column 'mcm': 'high' is not a number"),
        ("s.csv", "mcm\n0.5\n1_000\n", (), "line 3, column 'mcm': '1_000' is not a number"),
        ("s.csv", 'mcm\n0.5\n""\n', (), "line 3, column 'mcm': '' is not a number"),
        ("s.csv", "mcm\n0.5\nNaN\n", (), "line 3, column 'mcm' is NaN, which has no rank"),
        ("s.csv", "mcm\n0.5\n\n0.4\n", (), "line 3 is blank, but more follow"),
        ("s.csv", "a,b\n1,2\n3\n", ("b",), "line 3 has 1 cells, but line 1 has 2"),
        ("s.csv", "a,b\n1,2\n", (), "several columns of numbers; there are: 'a', 'b'; choose with"),
        ("s.csv", "id,b\n1,n/a\n2,0.5\n", (), "several columns of numbers"),
        ("s.csv", "a,b\nx,y\n", (), "no column of numbers; there are: 'a', 'b'"),
        ("s.csv", "a,b\n1,2\n", ("c",), "has no column 'c'; there are: 'a', 'b'"),
        ("s.csv", "a,a\n1,2\n", ("a",), "has more than one column 'a'"),
        ("s.csv", "a,b\n1,2\n", ("a", "a"), "--column 'a' is given twice"),
        ("s.csv", "0.5,1\n0.5,0.6\n", ("1",), "line 1 contains '1': is that a column name"),
        ("s.csv", "0\n0.5\n0.6\n", (), "line 1 is 0: scores, or the header that pandas writes"),
        ("s.csv", "0\n0.5\n0.6\n", ("1",), "line 1 is 0: scores, or the header"),
        ("s.csv", "0,1\n0.5,0.6\n", ("1",), "line 1 is 0,1: scores, or the header"),
        ("s.csv", "0,1\n0.5,0.6\n", ("2",), "line 1 is 0,1: scores, or the header"),
        ("s.csv", ",mcm\n0,0.5\n1,0.6\n", (), "several columns of numbers; there are: '', 'mcm'"),
        ("s.csv", "mcm\n0,5\n0,6\n", (), "line 2 has 2 cells, but line 1 has 1"),
        ("s.csv", "mcm;id\n0,5;1\n0,6;2\n", (), "is separated by semicolons; save it with commas"),
        ("s.tsv", "mcm,id\n0.5,1\n0.6,2\n", (), "is separated by commas; save it with tabs"),
        ("s.csv", 'mcm\n0.5\n"1,234"\n', (), "line 3, column 'mcm': '1,234' is not a number"),
        ("s.csv", b"caf\xe9\n0.5\n", (), "line 1 is not UTF-8 text; save the file as UTF-8"),
        ("s.csv", '"a\n0.5\n', (), "not CSV: unexpected end of data"),
        ("s.csv", "mcm\n" + "9" * 200_000, (), "not CSV: field larger than field limit"),
        ("s.csv", "mcm\n0.5\n".encode("utf-16"), (), "is UTF-16 text; save it as UTF-8"),
        ("s.csv", b"\x89PNG\0\0\0\n\0\0", (), "line 1 is not UTF-8 text"),
        ("s.csv", "\x1b[2J\n\x07", (), r"there are: '\x1b[2J'"),
        ("s.txt", "0.5", (), "s.txt: ends in '.txt'; expected a file of scores: .csv, .tsv, .h5"),
        ("scores", "0.5", (), "has no suffix"),
        ("s.npy", b"", (), "is not a .npy array of NumPy"),
        ("s.npz", b"PK", (), "is damaged, or not of this format"),
        ("s.h5", b"\x89HDF\r\n\x1a\n", (), "is not a whole HDF5 file"),
    ],
)
def test_a_text_file_that_is_none_is_one_line(
    tmp_path: Path, name: str, text: str | bytes, columns: tuple[str, ...], words: str
) -> None:
    with pytest.raises(InputError) as refused:
        read(written(tmp_path, text, name), columns)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["s.csv", "s.tsv", "s.npy", "s.npz", "s.h5"])
def test_a_folder_and_what_is_not_there_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"cannot be read: No such file or directory"):
        read(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=r"cannot be read: Is a directory"):
        read(tmp_path / name)


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_every_float_comes_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    folder = tmp_path_factory.mktemp("floats")
    text = "".join(f"{value!r}\n" for value in values)
    assert only(read(written(folder, text))) == {"score": values}
    np.save(folder / "s.npy", values)
    assert only(read(folder / "s.npy")) == {"score": values}


def test_arrays_of_any_number_type_become_float64(tmp_path: Path) -> None:
    for kind in ("f2", "f4", ">f8", "i4", "u1"):
        np.save(tmp_path / "s.npy", np.array([3, 1, 2], kind))
        (part,) = read(tmp_path / "s.npy")
        assert part.scores["score"].dtype == np.float64
        assert part.scores["score"].tolist() == [3, 1, 2]
    np.save(tmp_path / "s.npy", np.arange(10_000)[::-2])
    assert only(read(tmp_path / "s.npy")) == {"score": list(range(9_999, -1, -2))}


def test_an_npz_gives_the_array_asked_for_or_its_only_one(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", conf=np.array([1.0, 2.0]))
    np.savez_compressed(tmp_path / "two.npz", a=np.array([1.0]), b=np.array([2.0]), c=np.ones(3))
    assert only(read(tmp_path / "one.npz")) == {"conf": [1, 2]}
    assert only(read(tmp_path / "two.npz", ["b"])) == {"b": [2]}
    for columns, words in (
        ((), "several columns of numbers; there are: 'a', 'b', 'c'"),
        (("d",), "has no column 'd'; there are: 'a', 'b', 'c'"),
        (("a", "c"), "contains 1 in 'a', 3 in 'c': all columns must score the same images"),
    ):
        with pytest.raises(InputError, match=words):
            read(tmp_path / "two.npz", columns)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((3, 2)), r"contains float64 of shape \(3, 2\); expected one number per image"),
        (np.float64(3), r"of shape \(\)"),
        (np.array(["a"]), "contains <U1"),
        (np.array([True]), "contains bool"),
        (np.array([1j]), "contains complex128"),
        (np.array([{}], object), "Python objects, which could run code"),
        (np.zeros(0), "contains no scores"),
        (np.array([0, 1, np.nan]), "row 2, from 0, is NaN"),
        (np.array([2**53 + 1, 0]), "integers of 2"),
    ],
)
def test_an_array_that_is_no_list_of_scores_is_refused(
    tmp_path: Path, values: Any, words: str
) -> None:
    np.save(tmp_path / "s.npy", values, allow_pickle=True)
    np.savez(tmp_path / "s.npz", values)
    for name in ("s.npy", "s.npz"):
        with pytest.raises(InputError, match=words):
            read(tmp_path / name)


def test_a_header_that_claims_a_trillion_rows_takes_no_memory(tmp_path: Path) -> None:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    )
    (tmp_path / "s.npy").write_bytes(head.getvalue() + bytes(8))
    with zipfile.ZipFile(tmp_path / "s.npz", "w") as archive:
        archive.writestr("s.npy", head.getvalue() + bytes(8))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in ("s.npy", "s.npz"):
        with pytest.raises(InputError, match="claims 8000000000000 bytes, but 8 are in the file"):
            read(tmp_path / name)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_a_damaged_npz_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", np.arange(1000.0))
    whole = (tmp_path / "s.npz").read_bytes()
    (tmp_path / "s.npz").write_bytes(whole[:4000] + b"\1" + whole[4001:])
    with pytest.raises(InputError, match="is damaged, or not of this format: Bad CRC-32"):
        read(tmp_path / "s.npz")


def test_a_saved_text_file_has_a_part_a_model_template_and_data_set(tmp_path: Path) -> None:
    text = (
        f"{SAVED},mcm,energy\n"
        "m/a,t,pets,1.png,cat,cat,0.5,1\n"
        "m/a,t,strays,1.png,,cat,0.25,2\n"
        "m/b,t,pets,1.png,cat,cat,0.125,3\n"
        "m/a,t,pets,2.png,cat,cat,-1,4\n"
        "m/b,t,pets,2.png,cat,cat,-2,5\n"
        "m/c,t,pets,2.png,cat,cat,-2,5\n"
    )
    parts = read(written(tmp_path, text), ["mcm"])
    assert [(part.model, part.data_set, part.scores["mcm"].tolist()) for part in parts] == [
        ("m/a", "pets", [0.5, -1]),
        ("m/a", "strays", [0.25]),
        ("m/b", "pets", [0.125, -2]),
        ("m/c", "pets", [-2]),
    ]
    of_a, _, of_b, of_c = (part.images for part in parts)
    assert of_a == of_b != of_c


def test_of_saved_scores_all_are_read_that_rank(tmp_path: Path) -> None:
    text = f"{SAVED},mcm,mcm shown,energy,energy shown\nm/a,t,pets,1.png,cat,dog,0.5,0.7,1,2\n"
    (part,) = read(written(tmp_path, text))
    assert {name: one.tolist() for name, one in part.scores.items()} == {
        "mcm": [0.5],
        "energy": [1],
    }
    (part,) = read(written(tmp_path, text), ["mcm shown"])
    assert part.scores["mcm shown"].tolist() == [0.7]

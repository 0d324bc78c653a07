"""Claims about the HDF5 file of saved scores, hostile files among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.files import scores as score_file
from oodcache.cache.files.scores import (
    ScoredImages,
    column_names,
    read_images,
    read_scores,
    write_scores,
)

LAST_BITS = np.array([0.1, np.nextafter(0.1, 1), -0.0, np.inf, -1e-320])


def part(model: str = "m/a", data_set: str = "pets", rows: int = 5, seed: int = 0) -> ScoredImages:
    paths = [b"%d/\xff\n.png" % row for row in range(rows)]
    random = np.random.default_rng(seed).normal(size=rows)
    scores = {"mcm": np.resize(LAST_BITS, rows), "a/b:c=1,d=2": random}
    return ScoredImages(
        *(model, "a {}", data_set, scores),
        paths=lambda: paths,
        labels=lambda: [b"cat"] * rows,
        nearest=lambda: [b"%d" % (row % 3) for row in range(rows)],
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Two models and two datasets."""
    parts = [part(), part(data_set="größer", rows=1), part("m/b", seed=1)]
    write_scores(tmp_path / "s.h5", parts)
    return tmp_path / "s.h5"


def test_bare_h5py_reads_what_was_written(saved: Path) -> None:
    with h5py.File(saved) as file:
        assert sorted(file) == sorted([*score_file.SCORED, "columns", "scores"])
        assert file["columns"][:].tolist() == [b"mcm", b"a/b:c=1,d=2"]
        assert file["scores"].dtype == np.float64
        assert file["scores"][:5, 0].tobytes() == LAST_BITS.tobytes()
        assert file["path"][4] == b"4/\xff\n.png"
        assert file["data_set"][5].decode() == "größer"
        assert file["model"][:].tolist() == [b"m/a"] * 6 + [b"m/b"] * 5
        assert set(file["label"][:].tolist()) == {b"cat"}
        assert file["nearest"][:6].tolist() == [b"0", b"1", b"2", b"0", b"1", b"0"]
        assert file.attrs["format"] == b"oodcache"
        assert file.attrs["kind"] == b"scores"


def test_the_columns_asked_for_come_back_to_the_last_bit(saved: Path) -> None:
    assert column_names(saved) == ("mcm", "a/b:c=1,d=2")
    found = read_scores(saved, ["a/b:c=1,d=2", "mcm"])
    assert [(one.model, one.template, one.data_set) for one in found] == [
        ("m/a", "a {}", "pets"),
        ("m/a", "a {}", "größer"),
        ("m/b", "a {}", "pets"),
    ]
    for one, wanted in zip(found, [part(), part(rows=1), part(seed=1)], strict=True):
        for column, scores in wanted.scores.items():
            assert one.scores[column].tobytes() == scores.tobytes()
    assert found[0].images == found[2].images != found[1].images


def test_all_of_every_image_comes_back(saved: Path) -> None:
    for one, wanted in zip(
        read_images(saved),
        [part(), part(data_set="größer", rows=1), part("m/b", seed=1)],
        strict=True,
    ):
        assert (one.model, one.template, one.data_set) == (wanted.model, "a {}", wanted.data_set)
        assert list(one.scores) == list(wanted.scores)
        for name in ("paths", "labels", "nearest"):
            assert list(getattr(one, name)()) == list(getattr(wanted, name)())


def test_parts_that_cross_the_ends_of_chunks_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_file, "BLOCK_ROWS", 4)
    parts = [part(data_set=str(rows), rows=rows, seed=rows) for rows in (3, 1, 9, 4, 8, 5)]
    write_scores(tmp_path / "s.h5", parts)
    found = read_scores(tmp_path / "s.h5", ["mcm", "a/b:c=1,d=2"])
    assert [one.data_set for one in found] == [one.data_set for one in parts]
    for one, wanted in zip(found, parts, strict=True):
        assert {name: scores.tolist() for name, scores in one.scores.items()} == {
            name: scores.tolist() for name, scores in wanted.scores.items()
        }


def of_0_1(file: h5py.File) -> None:
    """Take away the sum, which files of 0.1 do not have."""
    del file.attrs["sha256"]


@pytest.mark.parametrize("name", ["path", "data_set", "label", "nearest", "scores", "columns"])
def test_swapped_values_are_refused_unless_the_file_is_of_0_1(saved: Path, name: str) -> None:
    with h5py.File(saved, "r+") as file:
        if name == "label":  # All are equal.
            file[name][0] = b"dog"
        else:
            pair = {"data_set": [4, 5], "columns": [0, 1]}.get(name, [0, 4])
            file[name][pair] = file[name][pair][::-1]
    for columns in (["mcm"], ["mcm", "a/b:c=1,d=2"]):
        with pytest.raises(InputError, match="it was changed after it was written; score again"):
            read_scores(saved, columns)
    with h5py.File(saved, "r+") as file:
        of_0_1(file)
    assert read_scores(saved, ["mcm"])


def test_rows_of_a_part_may_lie_apart(saved: Path) -> None:
    with h5py.File(saved, "r+") as file:
        file["data_set"][1] = b"z"
        of_0_1(file)
    (pets, *_) = read_scores(saved, ["mcm"])
    assert pets.scores["mcm"].tobytes() == LAST_BITS[[0, 2, 3, 4]].tobytes()


def test_equal_scores_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one.h5", "two.h5"):
        write_scores(tmp_path / name, [part()])
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def test_what_fails_leaves_nothing_and_what_was_there(saved: Path) -> None:
    before = saved.read_bytes()

    def broken() -> list[bytes]:
        raise InputError("the source went away")

    one = part()
    bad = replace(one, labels=broken)
    with pytest.raises(InputError, match="the source went away"):
        write_scores(saved, [bad])
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["s.h5"]


def drop(file: h5py.File) -> None:
    del file["label"]


def extra(file: h5py.File) -> None:
    file["more"] = 1


def elsewhere(file: h5py.File) -> None:
    del file["scores"]
    file["scores"] = h5py.ExternalLink("/etc/passwd", "scores")


def claims(file: h5py.File) -> None:
    del file["scores"]
    file.create_dataset("scores", (11, 10**12), "f8", chunks=(1, 10**6), fletcher32=True)


def trillion(file: h5py.File) -> None:
    for name in score_file.SCORED:
        del file[name]
        file.create_dataset(
            *(name, (10**12,), "S1"),
            chunks=(2**20,),
            compression="gzip",
            shuffle=True,
            fletcher32=True,
        )
    del file["scores"]
    file.create_dataset("scores", (10**12, 2), "f8", chunks=(2**20, 2), fletcher32=True)


def texts_of_any_length(file: h5py.File) -> None:
    del file["model"]
    file["model"] = ["m/a"] * 11


def short(file: h5py.File) -> None:
    del file["label"]
    file.create_dataset(
        "label", data=np.array([b"x"]), chunks=(1,), compression="gzip", fletcher32=True
    )


def other_kind(file: h5py.File) -> None:
    file.attrs["kind"] = np.bytes_("images")


def newer(file: h5py.File) -> None:
    file.attrs["version"] = np.int64(2)


def nan(file: h5py.File) -> None:
    file["scores"][7, 0] = np.nan


def not_utf8(file: h5py.File) -> None:
    file["model"][0] = b"\xff"
    of_0_1(file)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop, "lacks the datasets ['label']"),
        (extra, "its root has more links than its header can hold"),
        (elsewhere, "'scores' is a soft or external link"),
        (claims, "bytes, but 0 are in the file"),
        (trillion, "bytes, but 0 are in the file"),
        (texts_of_any_length, "'model' is"),
        (short, "'label' is |S1 of shape (1,), not bytes (11,)"),
        (other_kind, "kind is 'images', expected one of 'scores'"),
        (newer, "version is 2, but this oodcache reads 1; install a newer oodcache"),
        (nan, "row 7 of 'scores' is NaN, which has no rank"),
        (not_utf8, "which is not UTF-8"),
    ],
)
def test_a_file_that_is_not_as_written_is_refused(
    saved: Path, change: Callable[[h5py.File], None], words: str
) -> None:
    with h5py.File(saved, "r+", libver=("v110", "v110")) as file:
        change(file)
    with pytest.raises(InputError) as refused:
        read_scores(saved, ["mcm"])
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_every_single_damaged_byte_of_data_is_refused_or_harmless(saved: Path) -> None:
    whole, expected = saved.read_bytes(), read_scores(saved, ["mcm"])
    for place in range(0, len(whole), 7):
        saved.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            found = read_scores(saved, ["mcm"])
        except InputError:
            continue
        for one, wanted in zip(found, expected, strict=True):
            assert one.scores["mcm"].tobytes() == wanted.scores["mcm"].tobytes()


def test_a_file_of_embeddings_is_no_file_of_scores(image_file: Path) -> None:
    with pytest.raises(InputError, match="kind is 'images', expected one of 'scores'"):
        read_scores(image_file, ["mcm"])

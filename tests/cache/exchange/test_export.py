"""Claims about exported files: other programs read them, and we read them back."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import export
from oodcache.cache.files.images import open_images
from oodcache.cache.files.texts import open_texts

TEXTS = ("path", "errors", "label_names", "class_names", "class_ids", "templates")


def ignore(done: int) -> None:
    """Be told how many rows are done."""


def columns(path: Path) -> dict[str, Any]:
    """Return a file's datasets as bare h5py reads them."""
    with h5py.File(path) as file:
        return {name: file[name][()] for name in file}


def test_an_npz_of_images_holds_every_dataset_and_no_pickle(
    image_file: Path, tmp_path: Path
) -> None:
    done: list[int] = []
    export.export(open_images(image_file), tmp_path / "x.npz", done.append)
    assert sum(done) == 6
    expected = columns(image_file)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
        assert set(found) == set(expected)
        for name in set(expected) - {"identity"}:
            assert found[name].dtype == expected[name].dtype, name
            assert found[name].tobytes() == expected[name].tobytes(), name
        assert json.loads(found["identity"].item()) == json.loads(expected["identity"])


def test_an_npz_of_texts_holds_every_dataset(text_file: Path, tmp_path: Path) -> None:
    export.export(open_texts(text_file), tmp_path / "x.npz", ignore)
    expected = columns(text_file)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
        assert set(found) == set(expected)
        for name in set(expected) - {"identity"}:
            assert found[name].tobytes() == expected[name].tobytes(), name


def test_equal_files_give_equal_npz(image_file: Path, tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        export.export(open_images(image_file), tmp_path / name, ignore)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert archive.testzip() is None


def test_an_npy_is_the_embeddings(image_file: Path, text_file: Path, tmp_path: Path) -> None:
    export.export(open_images(image_file), tmp_path / "x.npy", ignore)
    export.export(open_texts(text_file), tmp_path / "t.npy", ignore)
    for name, path in (("x.npy", image_file), ("t.npy", text_file)):
        found, expected = np.load(tmp_path / name), columns(path)["embeddings"]
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_what_was_there_is_replaced(image_file: Path, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"old")
    export.export(open_images(image_file), tmp_path / "x.npy", ignore)
    assert np.load(tmp_path / "x.npy").shape == (6, 4)
    assert not list(tmp_path.glob(".*"))


def test_an_unknown_ending_is_refused_with_the_three(image_file: Path, tmp_path: Path) -> None:
    for name in ("x.csv", "x", "x.h5"):
        with pytest.raises(InputError) as refused:
            export.export(open_images(image_file), tmp_path / name, ignore)
        assert str(refused.value) == (
            f"{tmp_path / name}: unknown output format: use .npz, .npy or .parquet"
        )
        assert not (tmp_path / name).exists()


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"type  pip install 'oodcache\[io\]'"):
        export.check_output(tmp_path / "x.parquet")
    export.check_output(tmp_path / "x.npz")

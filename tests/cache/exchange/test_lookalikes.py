"""Claims about files that are not what their name says: their first bytes tell."""

from __future__ import annotations

import io
import tarfile
import zipfile

import h5py
import numpy as np
import pytest

from oodcache.cache.exchange.lookalikes import HEAD, lookalike


def saved_tar() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    return content.getvalue()


def saved_hdf5() -> bytes:
    content = io.BytesIO()
    h5py.File(content, "w").close()
    return content.getvalue()


def saved_array() -> bytes:
    content = io.BytesIO()
    np.save(content, np.ones(3))
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "is a git-lfs pointer"),
        (b"<!DOCTYPE html><html>sign in</html>", "is a web page"),
        (b'<?xml version="1.0"?><Error>AccessDenied</Error>', "is a web page"),
        (b'{"error": "gated"}', "is JSON text"),
        (saved_tar(), "is a tar archive"),
        (saved_hdf5(), "is an HDF5 file"),
        (saved_array(), "is a .npy array"),
        (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0", "is an ONNX model"),
        (b"\x1f\x8b\x08\x00", "is a gzip archive"),
    ],
)
def test_what_is_not_a_file_of_weights_is_named(content: bytes, words: str) -> None:
    assert (lookalike(content[:HEAD]) or "").startswith(words)


def test_files_of_weights_look_like_nothing_else() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    heads = (content.getvalue(), b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j", b"\x10\0\0\0\0\0\0\0{}")
    assert [lookalike(head) for head in heads] == [None, None, None]

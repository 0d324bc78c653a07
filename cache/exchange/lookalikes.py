"""Lookalikes: files that are not what their name says, recognised by their first bytes."""

from __future__ import annotations

import re

HEAD = 512  # Bytes that are enough to recognise one.
POINTER = b"version https://git-lfs."
PAGE = re.compile(rb"\s*(<!doctype html|<html|<\?xml|<head|<!--)", re.IGNORECASE)
STARTS = (
    (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
    (b"\x93NUMPY", "is a .npy array of NumPy"),
    (b"GGUF", "is a GGUF file, of llama.cpp"),
    (b"\x1f\x8b", "is a gzip archive: unpack it"),
    (b"\xfd7zXZ", "is an xz archive: unpack it"),
    (b"\x28\xb5\x2f\xfd", "is a zstd archive: unpack it"),
    (b"7z\xbc\xaf", "is a 7z archive: unpack it"),
    (b"PAR1", "is a Parquet table"),
)
ONNX = re.compile(rb"\x08[\x01-\x20](\x12|\x1a|\x3a|\x42)", re.DOTALL)


def pointer_or_page(head: bytes) -> str | None:
    """Return what a file is if it stands in for one that was not downloaded, None otherwise.

    >>> pointer_or_page(b"version https://git-lfs.github.com/spec/v1")
    'is a git-lfs pointer, not the file itself: run  git lfs pull'
    >>> pointer_or_page(b"  <!DOCTYPE html><html>")
    'is a web page, perhaps of a login: download the file itself'
    """
    if head.startswith(POINTER):
        return "is a git-lfs pointer, not the file itself: run  git lfs pull"
    if PAGE.match(head):
        return "is a web page, perhaps of a login: download the file itself"
    return None


def lookalike(head: bytes) -> str | None:
    """Return what a file that should hold weights is instead, None if its start says nothing.

    `head` is its first HEAD bytes, all of them if it is shorter.
    """
    if not head:
        return "is empty"
    if (stands_in := pointer_or_page(head)) is not None:
        return stands_in
    if head[257:262] == b"ustar":
        return "is a tar archive: unpack it"
    if head.lstrip()[:1] in (b"{", b"["):
        return "is JSON text, not weights"
    if ONNX.match(head):
        return "is an ONNX model, which has no weights of PyTorch"
    return next((what for start, what in STARTS if head.startswith(start)), None)

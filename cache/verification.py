"""Every rule of the format, checked on a file from its first byte to its last."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py
import numpy as np

from oodcache.cache import rules
from oodcache.cache.container import opened
from oodcache.cache.errors import RuleError
from oodcache.cache.image_file import open_images
from oodcache.cache.text_file import open_texts

BLOCK_BYTES = 2**24


def kind_of(path: Path) -> str:
    """Return "images" or "texts", as the file says of itself."""
    with opened(path) as file:
        return rules.check_head(file, path)


def verify(path: Path) -> None:
    """Return if the file obeys every rule, vectors included; raise RuleError otherwise."""
    if kind_of(path) == "images":
        images = open_images(path)
        for _ in images.blocks():
            pass
        images.paths()
        images.errors()
        expected = images.identity.vectors
    else:
        expected = open_texts(path).identity.vectors
    with opened(path) as file:
        found = _sha256(file["embeddings"])
    if found != expected:
        raise RuleError(
            path,
            "F10",
            f"the SHA-256 of 'embeddings' is {found[:8]}…, the identity says {expected[:8]!r}…",
        )


def _sha256(embeddings: h5py.Dataset) -> str:
    digest = hashlib.sha256()
    rows = max(1, BLOCK_BYTES // max(1, embeddings.nbytes // len(embeddings)))
    for first in range(0, len(embeddings), rows):
        digest.update(np.ascontiguousarray(embeddings[first : first + rows]).data)
    return digest.hexdigest()

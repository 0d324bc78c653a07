"""The rules of the format, checked on a file; `deep`, from its first byte to its last."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py
import numpy as np

from oodcache.cache import rules, structure
from oodcache.cache.container import opened
from oodcache.cache.image_file import open_image_shard, open_images
from oodcache.cache.text_file import open_text_shard, open_texts

BLOCK_BYTES = 2**24


def kind_of(path: Path) -> str:
    """Return the kind of file, as it says of itself: images, texts, image-shard, text-shard."""
    with opened(path) as file:
        return structure.check_head(file, path)


def verify(path: Path, *, deep: bool = True) -> None:
    """Return if the file obeys the rules; raise RuleError otherwise.

    Without `deep` no vector of an image file is read, and no SHA-256 computed.
    """
    kind = kind_of(path)
    if kind in ("texts", "text-shard"):
        texts = open_texts(path) if kind == "texts" else open_text_shard(path)
        expected = texts.identity.vectors
    else:
        images = open_images(path) if kind == "images" else open_image_shard(path)
        images.paths()
        images.errors()
        expected = images.identity.vectors
        for _ in images.stored_blocks() if deep else ():
            pass
    if deep:
        with opened(path) as file:
            rules.check_vectors(path, _sha256(file["embeddings"]), expected)


def _sha256(embeddings: h5py.Dataset) -> str:
    digest = hashlib.sha256()
    rows = max(1, BLOCK_BYTES // max(1, embeddings.nbytes // len(embeddings)))
    for first in range(0, len(embeddings), rows):
        digest.update(np.ascontiguousarray(embeddings[first : first + rows]).data)
    return digest.hexdigest()

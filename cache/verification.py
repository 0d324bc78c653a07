"""The rules of the format, checked on a file; `deep`, from its first byte to its last."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from oodcache.cache import rules, structure
from oodcache.cache.container import opened
from oodcache.cache.image_file import open_image_shard, open_images
from oodcache.cache.text_file import open_text_shard, open_texts


def kind_of(path: Path) -> str:
    """Return the kind of file, as it says of itself: images, texts, image-shard, text-shard."""
    with opened(path) as file:
        return structure.check_head(file, path)


def verify(
    path: Path, *, deep: bool = True, advance: Callable[[int], None] = lambda rows: None
) -> None:
    """Return if the file obeys the rules; raise RuleError otherwise.

    Without `deep` no vector of an image file is read, and no SHA-256 computed. With it, `advance`
    is told how many rows more are checked.
    """
    kind = kind_of(path)
    if kind in ("texts", "text-shard"):
        _verify_texts(path, kind, deep, advance)
    else:
        _verify_images(path, kind, deep, advance)


def _verify_images(path: Path, kind: str, deep: bool, advance: Callable[[int], None]) -> None:
    images = open_images(path) if kind == "images" else open_image_shard(path)
    images.paths()
    images.errors()
    if not deep:
        return
    digest = hashlib.sha256()
    for block in images.stored_blocks():
        digest.update(block.data)
        advance(len(block))
    rules.check_vectors(path, digest.hexdigest(), images.identity.vectors)


def _verify_texts(path: Path, kind: str, deep: bool, advance: Callable[[int], None]) -> None:
    texts = open_texts(path) if kind == "texts" else open_text_shard(path)
    if not deep:
        return
    with opened(path) as file:
        # Not those of `texts`, which are renormalised where they are stored as float16.
        stored = file["embeddings"][:]
    rules.check_vectors(path, hashlib.sha256(stored.data).hexdigest(), texts.identity.vectors)
    advance(stored.size // stored.shape[-1])

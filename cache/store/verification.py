"""Verification of a file against the rules of the format."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from oodcache.cache.files.images import open_image_shard, open_images
from oodcache.cache.files.texts import open_text_rows, open_text_shard
from oodcache.cache.format import rules, structure
from oodcache.cache.format.container import opened


def kind_of(path: Path) -> str:
    """Return the kind that a file declares: images, texts, image-shard or text-shard."""
    with opened(path) as file:
        return structure.check_head(file, path)


def verify(
    path: Path, *, deep: bool = True, advance: Callable[[int], None] = lambda rows: None
) -> None:
    """Check a file against the rules; raise RuleError if it breaks one.

    Without `deep`, no image vectors are read and no SHA-256 is computed. With it, `advance` is
    called with the number of rows just checked.
    """
    kind = kind_of(path)
    if kind == "texts":
        _verify_texts(path, deep, advance)
    elif kind == "text-shard":
        _verify_text_shard(path, deep, advance)
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


def _verify_texts(path: Path, deep: bool, advance: Callable[[int], None]) -> None:
    texts, digest = open_text_rows(path), hashlib.sha256()
    for block in texts.stored_blocks():
        if deep:
            digest.update(block.data)
            advance(len(block))
    if deep:
        rules.check_vectors(path, digest.hexdigest(), texts.identity.vectors)


def _verify_text_shard(path: Path, deep: bool, advance: Callable[[int], None]) -> None:
    texts = open_text_shard(path)
    if deep:
        digest = hashlib.sha256(texts.embeddings.data)
        rules.check_vectors(path, digest.hexdigest(), texts.identity.vectors)
        advance(len(texts.embeddings))

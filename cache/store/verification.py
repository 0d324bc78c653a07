"""Verification of a file against the rules of the format."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy.typing as npt

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
    blocks: Iterable[npt.NDArray[Any]]
    kind = kind_of(path)
    if kind == "text-shard":
        shard = open_text_shard(path)
        identity, blocks = shard.identity, [shard.stored]
    elif kind == "texts":
        texts = open_text_rows(path)
        identity, blocks = texts.identity, texts.stored_blocks()
    else:
        images = open_images(path) if kind == "images" else open_image_shard(path)
        images.paths()
        images.errors()
        identity, blocks = images.identity, images.stored_blocks() if deep else ()
    digest = hashlib.sha256()
    for block in blocks:
        if deep:
            digest.update(block.data)
            advance(len(block))
    if deep:
        rules.check_vectors(path, digest.hexdigest(), identity.vectors)

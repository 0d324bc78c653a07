"""Verification of a file against the rules of the format."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy.typing as npt

from oodcache.cache.files.images import open_image_shard, open_images
from oodcache.cache.files.texts import open_text_shard, open_unread_rows, open_vocabulary
from oodcache.cache.format import rules, structure
from oodcache.cache.format.container import opened
from oodcache.cache.format.identity import Identity


def kind_of(path: Path) -> str:
    """Return the kind that a file declares: images, texts, image-shard or text-shard."""
    with opened(path) as file:
        return structure.check_head(file, path)


def verify(
    path: Path, *, quick: bool = False, advance: Callable[[int], None] = lambda rows: None
) -> None:
    """Check a file against all rules; raise RuleError if it breaks one.

    With `quick`, no vectors are read: F5, F10 and the blocks of F14 are left out. Otherwise
    `advance` is called with the number of rows just checked.
    """
    kind = kind_of(path)
    check = _verify_images if kind in ("images", "image-shard") else _verify_texts
    check(path, kind, quick, advance)


def _verify_images(path: Path, kind: str, quick: bool, advance: Callable[[int], None]) -> None:
    images = open_images(path) if kind == "images" else open_image_shard(path)
    images.paths()
    images.errors()
    if not quick:
        _verify_vectors(path, images.identity, images.stored_blocks(), advance)


def _verify_texts(path: Path, kind: str, quick: bool, advance: Callable[[int], None]) -> None:
    if quick:
        open_vocabulary(path)
    elif kind == "text-shard":
        advance(len(open_text_shard(path).stored))
    else:
        texts = open_unread_rows(path)
        _verify_vectors(path, texts.identity, texts.stored_blocks(), advance)


def _verify_vectors(
    path: Path,
    identity: Identity,
    blocks: Iterable[npt.NDArray[Any]],
    advance: Callable[[int], None],
) -> None:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block.data)
        advance(len(block))
    rules.check_vectors(path, digest.hexdigest(), identity.vectors)

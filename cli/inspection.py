"""What `oodcache cache` says of files: their list, one's description, their soundness."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from oodcache.cache import store
from oodcache.cache.errors import InputError
from oodcache.cache.image_file import ImageFile, open_images
from oodcache.cache.text_file import TextFile, open_texts
from oodcache.cache.verification import kind_of, verify


def listing(cache: Path) -> Iterator[str]:
    """Yield a line for each file of the cache; one that is not valid says why."""
    entries = store.entries(cache)
    if not entries:
        raise InputError(
            f"{cache}: no embeddings; make some with: oodcache demo, or oodcache extract --help"
        )
    label = None
    for entry in entries:
        if entry.label != label:
            label = entry.label
            yield label
        try:
            yield f"  {entry.kind:6}  {entry.name:16}  {_summary(_open(entry.path))}"
        except InputError as error:
            yield f"  {entry.kind:6}  {entry.name:16}  NOT VALID: {error}"


def describe(path: Path) -> Iterator[str]:
    """Yield what a person asks of one file."""
    file = _open(path)
    yield f"{path}: {_summary(file)}"
    identity = asdict(file.identity)
    for group in ("model", "source", "encoding", "precision", "versions"):
        yield f"{group}:"
        for name, value in identity[group].items():
            yield f"  {name}: {value if isinstance(value, str) else json.dumps(value)}"
    yield f"vectors: sha256 {file.identity.vectors}"
    yield from _describe_images(file) if isinstance(file, ImageFile) else _describe_texts(file)


def verified(files: Sequence[Path], cache: Path) -> Iterator[str]:
    """Yield a line for each file that is sound; refuse, at the end, if any is not."""
    paths = list(files) or [entry.path for entry in store.entries(cache)]
    if not paths:
        raise InputError(f"{cache}: no embeddings to verify")
    failed = []
    for path in paths:
        try:
            verify(path)
            yield f"sound  {path}"
        except InputError as error:
            failed.append(path)
            yield f"BROKEN {error}"
    if failed:
        raise InputError(
            f"{len(failed)} of {len(paths)} files are broken; "
            "make them anew with: oodcache extract --overwrite"
        )


def _describe_images(file: ImageFile) -> Iterator[str]:
    labelled = np.bincount(file.label[file.label >= 0], minlength=len(file.label_names))
    if unlabelled := int(np.count_nonzero(file.label < 0)):
        yield f"unlabelled: {unlabelled:,}"
    if file.label_names:
        yield "labels:"
    for name, count in zip(file.label_names, labelled.tolist(), strict=True):
        yield f"  {name}: {count:,}"
    errors = file.errors()
    if errors:
        paths = file.paths()
        yield "not decoded:"
    for row, reason in errors.items():
        yield f"  row {row}: {os.fsdecode(paths[row])}: {reason}"


def _describe_texts(file: TextFile) -> Iterator[str]:
    yield "templates:"
    for template in file.vocabulary.templates:
        yield f"  {template}"
    yield "classes:"
    for one, name in zip(file.vocabulary.ids, file.vocabulary.names, strict=True):
        yield f"  {one}  {name}" if one else f"  {name}"


def _summary(file: ImageFile | TextFile) -> str:
    if isinstance(file, ImageFile):
        bad = int(np.count_nonzero(~file.ok))
        return f"{file.rows:,} x {file.dimension} {file.dtype}" + (
            f", {bad:,} not decoded" if bad else ""
        )
    templates, classes, dimension = file.embeddings.shape
    return f"{templates} templates x {classes:,} classes x {dimension}"


def _open(path: Path) -> ImageFile | TextFile:
    return open_images(path) if kind_of(path) == "images" else open_texts(path)

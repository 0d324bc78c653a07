"""Finished files cut into the shards that would have made them, as a cluster leaves them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from oodcache.cache.files.images import ImageRows, open_images, write_images
from oodcache.cache.files.texts import open_texts, write_text_shard
from oodcache.cache.format.place import Run, shard_folder


def cut(file: Path, target: Path, shard_rows: int) -> list[Path]:
    """Write what a file of images holds as shards of so many rows beside a path; return theirs."""
    whole = open_images(file)
    rows = ImageRows(whole.paths(), whole.label, whole.label_names)
    run = Run("images", replace(whole.identity, vectors=""), whole.dtype, shard_rows)
    paths = []
    for place in run.places(whole.rows):
        path = shard_folder(target) / place.file_name
        write_images(
            path,
            [whole.stored(place.first, place.rows)],
            rows=rows.cut(place.first, place.rows),
            identity=run.identity,
            dtype=run.dtype,
            place=place,
        )
        paths.append(path)
    return paths


def cut_texts(file: Path, target: Path, shard_rows: int) -> list[Path]:
    """Do what `cut` does with a file of texts."""
    whole = open_texts(file)
    vectors = whole.stored.reshape(-1, whole.stored.shape[-1])
    norm, paths = whole.norm.ravel(), []
    run = Run("texts", replace(whole.identity, vectors=""), vectors.dtype, shard_rows)
    for place in run.places(len(vectors)):
        here = slice(place.first, place.first + place.rows)
        paths.append(shard_folder(target) / place.file_name)
        write_text_shard(
            paths[-1],
            vectors[here],
            norm[here],
            vocabulary=whole.vocabulary,
            identity=run.identity,
            dtype=vectors.dtype,
            place=place,
        )
    return paths


def cut_all(cache: Path, shard_rows: int) -> None:
    """Put shards in the place of every finished file of a cache."""
    for kind, cutting in (("images", cut), ("texts", cut_texts)):
        for file in sorted(cache.glob(f"*/*/{kind}/*.h5")):
            cutting(file, file, shard_rows)
            file.unlink()

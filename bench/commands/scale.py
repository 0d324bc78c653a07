"""What a million images cost beside their encoding: listing, shards, merging (docs/scale.md).

Run by itself, `python -m bench scale`: it makes a million empty files, and 6 GB of embeddings.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from bench.commands.files import BATCH, MODEL, Run, identity, process, vectors
from oodcache.cache import names
from oodcache.cache.files.images import ImageBatch, ImageRows, write_images
from oodcache.cache.format.place import Run as Cut
from oodcache.cache.format.place import shard_folder

IMAGES, CLASSES = 1_000_000, 1_000
LIST = """
import sys
from pathlib import Path
from oodcache.extract.sources.folders import list_folder
from oodcache.extract.sources.listing import ImageSource
print(list_folder(ImageSource("x", Path(sys.argv[1]))).rows)
"""


def main() -> None:
    """Print how long each takes, how much memory, and how many bytes a row."""
    with tempfile.TemporaryDirectory(dir=".", prefix=".bench-") as folder:
        root, cache = Path(folder) / "images", Path(folder) / "cache"
        _make_images(root)
        _tell("listing", process(["-c", LIST, str(root)]))
        shutil.rmtree(root)
        target = names.image_path(cache, MODEL.label, "many")
        size = _write_shards(target)
        print(f"shards of {BATCH:,} × 768 float32   {size / IMAGES:,.1f} bytes a row")
        _tell("merging", process(["-m", "oodcache", "cache", "merge", str(target)]))
        print(f"the merged file   {target.stat().st_size / IMAGES:,.1f} bytes a row")


def _tell(what: str, run: Run) -> None:
    print(f"{what} {IMAGES:,} images   {run.seconds:6.2f} s, {run.megabytes:.0f} MB")


def _path(row: int) -> str:
    return f"n{row * CLASSES // IMAGES:08d}/ILSVRC2012_val_{row:08d}.JPEG"


def _make_images(root: Path) -> None:
    for row in range(IMAGES):
        path = root / _path(row)
        if row % (IMAGES // CLASSES) == 0:
            path.parent.mkdir(parents=True)
        path.touch()


def _write_shards(target: Path) -> int:
    """Write the shards of as many images beside `target`; return their size in bytes."""
    run = Cut("images", identity("many"), np.dtype("float32"), BATCH)
    labels = [f"n{number:08d}" for number in range(CLASSES)]
    for place, batch in zip(run.places(IMAGES), vectors(IMAGES, seed=0), strict=True):
        rows = range(place.first, place.first + place.rows)
        write_images(
            shard_folder(target) / place.file_name,
            [ImageBatch(batch, np.ones(len(batch), np.float32))],
            rows=ImageRows(
                [_path(row).encode() for row in rows],
                np.array([row * CLASSES // IMAGES for row in rows]),
                labels,
            ),
            identity=run.identity,
            place=place,
        )
    return sum(path.stat().st_size for path in shard_folder(target).iterdir())


if __name__ == "__main__":
    main()

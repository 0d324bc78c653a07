"""A Ray actor with a GPU: it uses it, and writes the vectors of a run without Ray."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from bench.gpu.equality import FLOAT32
from bench.gpu.row import Row, at_most
from bench.gpu.samples import TINY, Setting, folder_of_images, name_of
from oodcache.cache.files.images import ImageFile, open_images

IMAGES, SHARD = 96, 32
WHAT = "a Ray actor"


def rows(setting: Setting) -> Iterator[Row]:
    """Yield where the actor's model was, and whether its vectors are those of one process."""
    if find_spec("ray") is None:
        yield Row(WHAT, reason="ray is missing: type  pip install 'oodcache[ray]'")
        return
    images = folder_of_images(setting.folder / "images", IMAGES, 64)
    actor = ["--engine", "ray", "--num-actors", "1"]
    actor += ["--gpus-per-actor", "1"] if setting.is_cuda else ["--device", "cpu"]
    ours = _extracted(setting.folder / "ray", images, actor)
    alone = _extracted(setting.folder / "alone", images, ["--device", setting.device])
    device, wanted = str(ours.identity.precision["device"]), name_of(setting.device)
    yield Row(f"{WHAT}: its device", device, wanted, device == wanted)
    off = float(np.abs(_vectors(ours) - _vectors(alone)).max())
    yield at_most(f"{WHAT}: largest difference to one process", off, FLOAT32)


def _extracted(cache: Path, images: Path, options: list[str]) -> ImageFile:
    """Return what the command extracts."""
    command = [sys.executable, "-m", "oodcache", "extract", "--model", TINY, "--cache", str(cache)]
    command += ["--shard-rows", str(SHARD), "--batch-size", "16", "--workers", "1"]
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    done = subprocess.run(
        [*command, *options, f"images={images}"],
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(options)}: {done.stderr.strip().splitlines()[-1:]}")
    (path,) = cache.rglob("images.h5")
    return open_images(path)


def _vectors(file: ImageFile) -> np.ndarray:
    return np.concatenate(list(file.blocks()))

"""Watch extraction from outside: memory of 1,000 and 10,000 images, and the first batch's delay."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.commands.files import process
from bench.extraction import crops, repeated
from bench.figure import Figure, Spread, alone, told

FEW, MANY, SIDE, RUNS = 1_000, 10_000, 64, 3
# Runs the command until its first batch is done, and tells when that was.
FIRST = """
import os, sys, time
from contextlib import contextmanager
import oodcache.cli.main, oodcache.cli.extract
from oodcache.cache.watch import Watch
@contextmanager
def progress(*_):
    def advance(done):
        print(time.time(), flush=True)
        os._exit(0)
    yield advance
oodcache.cli.extract.WATCH = Watch(progress=progress)
sys.argv = ["oodcache", *sys.argv[1:]]
oodcache.cli.main.main()
"""


def main() -> list[Figure]:
    """Print and return the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = crops(folder / "crops", 16, SIDE)
        several = [repeated(photos, folder / str(count), count) for count in (FEW, MANY)]
        runs = [process(["-m", "oodcache", *_arguments(folder, one)]) for one in several]
        times = [
            (
                _until_the_first_batch(folder, photos),
                _seconds([sys.executable, "-c", "import torch, open_clip"]),
            )
            for _ in range(RUNS)
        ]
    few, many = (one.megabytes for one in runs)
    delays, imports = np.array(times).T
    return told(
        Figure(
            *(f"memory of extraction, {MANY:,} images", many, "MB", few, f"{FEW:,} images"),
            ratio=Spread.of([many / few]),
        ),
        alone(f"extraction of {MANY:,} images of {SIDE} × {SIDE}", runs[1].seconds, "s"),
        Figure(
            "from the start of extraction to its first batch",
            ours=float(np.median(delays)),
            against=float(np.median(imports)),
            bound="`import torch, open_clip`",
            ratio=Spread.of(delays / imports),
        ),
    )


def _until_the_first_batch(folder: Path, photos: Path) -> float:
    command = [sys.executable, "-c", FIRST, *_arguments(folder, photos)]
    started = time.time()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout) - started


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - started


def _arguments(folder: Path, photos: Path) -> list[str]:
    return [
        *("extract", "--model", "tiny-clip", "--overwrite", "--batch-size", "64"),
        *("--workers", str(os.cpu_count()), "--cache", str(folder / "cache")),
        f"photos={photos}",
    ]


if __name__ == "__main__":
    main()

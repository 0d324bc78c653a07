"""Watch extraction from outside: memory of 1,000 and 10,000 images, and the first batch's delay."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.extraction import crops, repeated
from bench.files import MEASURE

FEW, MANY, SIDE, RUNS = 1_000, 10_000, 64, 3
# Runs the command until its first batch is done, and tells when that was.
FIRST = """
import os, sys, time
from contextlib import contextmanager
import oodcache.cli.main, oodcache.cli.extract
@contextmanager
def progress(*_):
    def advance(done):
        print(time.time(), flush=True)
        os._exit(0)
    yield advance
oodcache.cli.extract.progress = progress
sys.argv = ["oodcache", *sys.argv[1:]]
oodcache.cli.main.main()
"""


def main() -> None:
    """Print both."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = crops(folder / "crops", 16, SIDE)
        for count in (FEW, MANY):
            several = repeated(photos, folder / str(count), count)
            took, megabytes = _whole_run(folder, several)
            print(f"extract, {count:6,d} images: {megabytes:6.0f} MB resident, {took:5.1f} s")
        delays = [_until_the_first_batch(folder, photos) for _ in range(RUNS)]
        print(f"from its start to its first batch {np.median(delays):5.1f} s")
        delays = [_seconds([sys.executable, "-c", "import torch, open_clip"]) for _ in range(RUNS)]
        print(f"import torch, open_clip           {np.median(delays):5.1f} s")


def _whole_run(folder: Path, photos: Path) -> tuple[float, float]:
    """Return how long a run took, and the most memory in MB that its largest process had."""
    command = [sys.executable, "-m", "oodcache", *_arguments(folder, photos)]
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], capture_output=True, text=True, check=True
    )
    took, kilobytes = measured.stdout.split()
    return float(took), int(kilobytes) / 1024


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

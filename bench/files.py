"""Time `oodcache` on files, start-up included: 24 variants, a million images, 70,000 words.

50,000 ID and 10,000 OOD images with all metrics, then with negatives that are mined from 70,000
words, then 1,000,000 and 250,000 images with the five default scores: how long, and how much
memory is resident at most. 1,000 classes × 768 dimensions.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.scoring import CLASSES, DIMENSION, GRID, ID_IMAGES, LOGIT_BIAS, LOGIT_SCALE, OOD_IMAGES
from oodcache.cache import names
from oodcache.cache.files.images import ImageBatch, ImageRows, Vectors, write_images
from oodcache.cache.files.texts import Vocabulary, write_texts
from oodcache.cache.format.identity import Identity, ModelIdentity

MANY, FEWER, BATCH, RUNS = 1_000_000, 250_000, 8_192, 5
WORDS, KEPT = 70_000, 10_000
MODEL = ModelIdentity("made", "up", "made/up", {}, "0" * 64, None, LOGIT_SCALE, LOGIT_BIAS)
# A process counts as its own what the one that started it had resident: start it from a small one.
MEASURE = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@dataclass(frozen=True)
class Run:
    """How long a command took, and the most memory that it had resident."""

    seconds: float
    megabytes: float


def main() -> None:
    """Print both."""
    with tempfile.TemporaryDirectory(dir=".", prefix=".bench-") as folder:
        cache = Path(folder)
        for name, rows in (("classes", CLASSES), ("words", WORDS)):
            _write_texts(cache, name, rows)
        for name, rows in (("inside", ID_IMAGES), ("outside", OOD_IMAGES)):
            _write(cache, name, rows)
        grid = [part for one in GRID for part in ("--score", one)]
        runs = [score(cache, "inside", grid) for _ in range(RUNS)]
        took = float(np.median([one.seconds for one in runs]))
        print(f"24 variants, {ID_IMAGES:,} + {OOD_IMAGES:,} images   {took:6.2f} s, start-up in")
        _time_negatives(cache)
        for rows in (FEWER, MANY):
            _write(cache, "many", rows)
            run = score(cache, "many")
            print(f"5 scores, {rows:>9,} images   {run.seconds:6.2f} s, {run.megabytes:.0f} MB")


def _time_negatives(cache: Path) -> None:
    """Print how long mining takes, and neglabel with what was mined."""
    command = ("negatives", "--words", "words", "--keep", str(KEPT), "--overwrite", "-o", "far")
    runs = [measured(cache, command) for _ in range(RUNS)]
    took = float(np.median([one.seconds for one in runs]))
    print(f"mining {KEPT:,} of {WORDS:,} words   {took:6.2f} s, {runs[0].megabytes:.0f} MB")
    run = score(cache, "inside", ["--negatives", "far", "--score", "neglabel"])
    print(f"neglabel, {KEPT:,} negatives   {run.seconds:6.2f} s, {run.megabytes:.0f} MB")


def score(cache: Path, inside: str, more: Sequence[str] = ()) -> Run:
    """Run `oodcache score` as a process of its own."""
    return measured(cache, ["score", "--id", inside, "--ood", "outside", *more])


def measured(cache: Path, arguments: Sequence[str]) -> Run:
    """Run a command of `oodcache` on the cache as a process of its own."""
    told = ["--model", MODEL.label, "--classes", "classes", "--cache", str(cache)]
    return process(["-m", "oodcache", *arguments, *told])


def process(arguments: Sequence[str]) -> Run:
    """Run Python as a process of its own."""
    printed = subprocess.run(
        [sys.executable, "-c", MEASURE, sys.executable, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    seconds, kilobytes = printed.stdout.split()
    return Run(float(seconds), int(kilobytes) / 1024)


def _write_texts(cache: Path, name: str, rows: int) -> None:
    write_texts(
        names.text_path(cache, MODEL.label, name),
        np.concatenate([*vectors(rows, seed=rows)])[None],
        np.ones((1, rows), np.float32),
        vocabulary=Vocabulary(
            tuple(f"{name} {number}" for number in range(rows)), ("",) * rows, ("a {}",)
        ),
        identity=identity(name),
    )


def _write(cache: Path, name: str, rows: int) -> None:
    write_images(
        names.image_path(cache, MODEL.label, name),
        (ImageBatch(one, np.ones(len(one), np.float32), {}) for one in vectors(rows, seed=rows)),
        rows=ImageRows([b"%d.jpg" % row for row in range(rows)], np.full(rows, -1), ()),
        identity=identity(name),
        dtype=np.float32,
    )


def vectors(rows: int, seed: int) -> Iterator[Vectors]:
    """Yield that many random unit vectors, a batch at a time."""
    generator = np.random.default_rng(seed)
    for first in range(0, rows, BATCH):
        size = (min(BATCH, rows - first), DIMENSION)
        vectors = generator.standard_normal(size, dtype=np.float32)
        yield vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def identity(name: str) -> Identity:
    """Return who made a data set or a vocabulary of this name."""
    return Identity(MODEL, {"name": name, "fingerprint": name}, {}, {}, {})


if __name__ == "__main__":
    main()

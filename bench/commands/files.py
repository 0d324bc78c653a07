"""Time `oodcache` on files in the page cache: 24 variants, mining from 70,000 words, neglabel.

50,000 ID and 10,000 OOD images × 1,000 classes × 768 dimensions with all metrics, beside the bare
product; `a × product + b s`, with the same command on 1,024 images for its start-up, b. Then
with negatives that are mined from 70,000 words.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.figure import Figure, Target, alone, paired, told
from bench.scores.scoring import (
    CLASSES,
    DIMENSION,
    GRID,
    ID_IMAGES,
    LOGIT_BIAS,
    LOGIT_SCALE,
    OOD_IMAGES,
    bare_product,
)
from bench.timing import took
from oodcache.cache import names
from oodcache.cache.files.images import ImageBatch, ImageRows, Vectors, write_images
from oodcache.cache.files.texts import Vocabulary, write_texts
from oodcache.cache.format.identity import Identity, ModelIdentity

BATCH, RUNS, TINY = 8_192, 5, 512
WORDS, KEPT = 70_000, 10_000
# What the command line may take beside AT_MOST products.
SECONDS, AT_MOST = 0.5, Target(1.6)
MODEL = ModelIdentity("made", "up", "made/up", {}, "0" * 64, None, LOGIT_SCALE, LOGIT_BIAS)
# A process counts as its own what the one that started it had resident: start it from a small one.
MEASURE = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
took, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
print(took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, used.ru_stime, used.ru_minflt)
"""


@dataclass(frozen=True)
class Run:
    """What a command took: wall-clock and processor seconds, and the most resident memory in MB.

    `system` are the processor seconds that were spent in the kernel, `faults` its page faults.
    """

    seconds: float
    processor: float
    megabytes: float
    system: float
    faults: float

    @property
    def times(self) -> tuple[float, float]:
        """Return the wall-clock and the processor seconds."""
        return self.seconds, self.processor


def main() -> list[Figure]:
    """Print and return the figures."""
    with tempfile.TemporaryDirectory(dir=".", prefix=".bench-") as folder:
        cache = Path(folder)
        for name, rows in (("classes", CLASSES), ("words", WORDS)):
            write_texts_of(cache, name, rows)
        sets = (("inside", ID_IMAGES), ("outside", OOD_IMAGES), ("tiny", TINY), ("other", TINY))
        for name, rows in sets:
            write(cache, name, rows)
        return told(*_grid(cache), *_negatives(cache))


def _grid(cache: Path) -> list[Figure]:
    """Return the figures of 24 variants, beside the bare product in this process."""
    grid = [part for one in GRID for part in ("--score", one)]
    names, *images = (
        np.concatenate([*vectors(rows, seed=rows)]) for rows in (CLASSES, ID_IMAGES, OOD_IMAGES)
    )

    def product() -> None:
        for one in images:
            bare_product(one, names)

    runs, rounds = list[Run](), []
    for _ in range(RUNS):
        runs.append(score(cache, "inside", grid))
        start_up = score(cache, "tiny", grid, outside="other")
        rounds.append((runs[-1].times, took(product), start_up.times))
    times = np.array(rounds)
    less = times - np.array([SECONDS, 0, 0])[:, None]
    apart = times - times[:, 2:] * np.array([1, 0, 0])[:, None]
    start = float(np.median(times[:, 2, 0]))
    what = "24 variants by `oodcache score`"
    bound = "the bare product"
    return [
        paired(f"{what}, {ID_IMAGES + OOD_IMAGES:,} images", times, bound),
        paired(f"the same less {SECONDS} s", less, bound, AT_MOST),
        paired(f"the same less its start-up, {start:.2f} s", apart, bound),
        alone("its page faults", [one.faults for one in runs], "faults"),
        alone("its system time", [one.system for one in runs], "s"),
        alone("its most memory", [one.megabytes for one in runs], "MB"),
    ]


def _negatives(cache: Path) -> list[Figure]:
    """Return the figures of mining, and of neglabel with what was mined."""
    command = ("negatives", "--words", "words", "--keep", str(KEPT), "--overwrite", "-o", "far")
    runs = [measured(cache, command) for _ in range(RUNS)]
    run = score(cache, "inside", ["--negatives", "far", "--score", "neglabel"])
    mining, command_line = f"mining {KEPT:,} of {WORDS:,} words", "neglabel by `oodcache score`"
    return [
        alone(mining, [one.seconds for one in runs], "s"),
        alone(f"{mining}, most memory", [one.megabytes for one in runs], "MB"),
        alone(command_line, run.seconds, "s"),
        alone(f"{command_line}, most memory", run.megabytes, "MB"),
    ]


def score(cache: Path, inside: str, more: Sequence[str] = (), *, outside: str = "outside") -> Run:
    """Run `oodcache score` as a process of its own."""
    return measured(cache, ["score", "--id", inside, "--ood", outside, *more])


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
    return Run(*map(float, printed.stdout.split()))


def write_texts_of(cache: Path, name: str, rows: int) -> None:
    """Write a vocabulary of random unit vectors into the cache."""
    write_texts(
        names.text_path(cache, MODEL.label, name),
        np.concatenate([*vectors(rows, seed=rows)])[None],
        np.ones((1, rows), np.float32),
        vocabulary=Vocabulary(
            tuple(f"{name} {number}" for number in range(rows)), ("",) * rows, ("a {}",)
        ),
        identity=identity(name),
    )


def write(cache: Path, name: str, rows: int) -> None:
    """Write a dataset of random unit vectors into the cache."""
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

"""Time `oodcache score` on a million images against a quarter of them: time linear, memory flat.

The five default scores on 1,000 classes × 768 dimensions. It writes 4 GB into the current folder.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from bench.commands.files import TINY, Run, score, write, write_texts_of
from bench.figure import Figure, Spread, Target, alone, not_run, told
from bench.scores.scoring import CLASSES, DIMENSION, OOD_IMAGES

MANY, FEWER, RUNS = 1_000_000, 250_000, 3
MOST_MEGABYTES = 400
# Seconds per image, start-up apart, wander by a few hundredths.
LINEAR = Target(1.1)
FREE = round(1.1 * (MANY + FEWER) * DIMENSION * 4)


def main() -> list[Figure]:
    """Print and return the figures."""
    if shutil.disk_usage(".").free < FREE:
        return told(not_run(f"5 scores on {MANY:,} images", f"needs {FREE / 1e9:.1f} GB of disk"))
    with tempfile.TemporaryDirectory(dir=".", prefix=".bench-") as folder:
        cache = Path(folder)
        write_texts_of(cache, "classes", CLASSES)
        sets = {"many": MANY, "fewer": FEWER, "tiny": TINY, "outside": OOD_IMAGES}
        for name, rows in sets.items():
            write(cache, name, rows)
        runs = [[score(cache, name) for name in ("many", "fewer", "tiny")] for _ in range(RUNS)]
    return told(*_figures(runs))


def _figures(runs: list[list[Run]]) -> list[Figure]:
    times = np.array([[one.times for one in several] for several in runs])
    per_image = (times[:, :2] - times[:, 2:]) / np.array([MANY, FEWER])[:, None]
    ratios = per_image[:, 0] / per_image[:, 1]
    ours, theirs = (1e6 * np.median(per_image[:, :, 0], axis=0)).tolist()
    bound = f"{FEWER:,} images"
    what = f"5 scores by `oodcache score`, {MANY:,} images"
    return [
        alone(what, times[:, 0, 0], "s"),
        Figure(
            *("the same per image, start-up apart", ours, "µs", theirs, bound),
            ratio=Spread.of(ratios[:, 0]),
            processor=float(np.median(ratios[:, 1])),
            target=LINEAR,
        ),
        alone("its most memory", [one[0].megabytes for one in runs], "MB", MOST_MEGABYTES),
        alone(f"most memory of {bound}", [one[1].megabytes for one in runs], "MB"),
    ]


if __name__ == "__main__":
    main()

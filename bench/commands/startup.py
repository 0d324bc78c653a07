"""Time `oodcache score` on a small cache, start-up included, against importing its libraries."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.figure import Figure, alone, paired, told
from bench.timing import in_turns
from oodcache.cache.watch import Watch
from oodcache.cli.options import progress
from oodcache.extract.demo import embedded
from oodcache.extract.model.request import ModelRequest
from oodcache.extract.run import plan, run

RUNS, MOST_SECONDS = 15, 0.25


def compare() -> tuple[Figure, Figure]:
    """Return the figures of the command, beside the bare imports and alone."""
    with tempfile.TemporaryDirectory() as folder:
        _extract(Path(folder))
        score = [
            *(sys.executable, "-m", "oodcache", "score", "--model", "tiny-sigmoid"),
            *("--id", "digits", "--ood", "eight-nine", "--ood", "photos", "--ood", "textures"),
        ]
        imports = [sys.executable, "-c", "import numpy, h5py"]
        times = in_turns(_process(score, folder), _process(imports, folder), runs=RUNS)
    libraries = f"{np.median(times[:, 1, 0]):.2f} s of them the imports of NumPy and h5py"
    return (
        alone(f"`oodcache score` on the demo, {libraries}", times[:, 0, 0], "s", MOST_SECONDS),
        paired("the same, 5 scores on 1,691 images", times, "`import numpy, h5py`"),
    )


def main() -> list[Figure]:
    """Print and return both."""
    return told(*compare())


def _extract(folder: Path) -> None:
    images = folder / "data"
    embedded.write_images(images)
    watch = Watch(lambda text: None, progress)
    asked = plan.Extraction(
        model=ModelRequest("tiny-sigmoid"),
        sources=[f"{name}={images / name}" for name in embedded.DATA_SETS],
        classes=f"digits={images / 'digits'}",
        data_root=images,
        cache=folder / "embeddings",
        workers=0,
    )
    run.run(plan.plan(asked, watch), watch)


def _process(command: list[str], folder: str) -> Callable[[], object]:
    return lambda: subprocess.run(command, cwd=folder, check=True, capture_output=True)


if __name__ == "__main__":
    main()

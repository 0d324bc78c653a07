"""Time `oodcache score` on a small cache, start-up included, against importing its libraries."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.timing import seconds
from oodcache.cache.watch import Watch
from oodcache.cli.options import progress
from oodcache.extract.demo import embedded
from oodcache.extract.model.request import ModelRequest
from oodcache.extract.run import plan, run

RUNS = 7


@dataclass(frozen=True)
class Comparison:
    """Median seconds of the command and of the bare imports."""

    score_seconds: float
    imports_seconds: float


def compare() -> Comparison:
    """Return the times of both, run in turns as processes of their own."""
    with tempfile.TemporaryDirectory() as folder:
        _extract(Path(folder))
        score = [
            *(sys.executable, "-m", "oodcache", "score", "--model", "tiny-sigmoid"),
            *("--id", "digits", "--ood", "eight-nine", "--ood", "photos", "--ood", "textures"),
        ]
        imports = [sys.executable, "-c", "import numpy, h5py"]
        pairs = [(_seconds(score, folder), _seconds(imports, folder)) for _ in range(RUNS)]
    score_seconds, imports_seconds = np.median(pairs, axis=0)
    return Comparison(float(score_seconds), float(imports_seconds))


def main() -> None:
    """Print both."""
    result = compare()
    print(f"oodcache score, 5 scores on 1,691 images   {result.score_seconds:5.2f} s, start-up in")
    print(f"import numpy, h5py                         {result.imports_seconds:5.2f} s")


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


def _seconds(command: list[str], folder: str) -> float:
    return seconds(lambda: subprocess.run(command, cwd=folder, check=True, capture_output=True))


if __name__ == "__main__":
    main()

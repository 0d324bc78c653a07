"""Compare the scores with negatives and with a bank on the embedded benchmark, for both models.

Negatives are mined from ImageNet-21K's words; the bank is the half of the digits that the models
were trained on. Then how far the seed of neglabel's permutation moves AUROC and FPR95.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import oodcache
from oodcache.score.measures.result import Result
from oodcache.study.demo import BANK, CLASSES, ID_SET, MODELS, OOD_SETS

SCORES = (
    *("mcm:temperature=learned", "max-logit"),
    *("neglabel", "neglabel-sigmoid", "eoe"),
    *("knn:k=10", "mahalanobis", "rmds", "vim", "residual", "nnguide", "klm", "she"),
)
SEEDS = 20
# Negatives with both ends of the list.
ENDS = "ends"


def command(folder: Path, *arguments: str) -> None:
    """Run a command of oodcache in a folder."""
    subprocess.run(
        [sys.executable, "-m", "oodcache", *arguments],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def prepare(folder: Path) -> None:
    """Make the demo's cache there, and negatives of each model."""
    command(folder, "demo")
    for model in MODELS:
        command(folder, "extract", "--model", model, "--classes", "imagenet21k")
        mined = ("--classes", CLASSES, "--words", "imagenet21k")
        command(folder, "negatives", "--model", model, *mined, "-o", "words")
        both = ("--keep", "5000", "--nearest", "5000", "-o", ENDS)
        command(folder, "negatives", "--model", model, *mined, *both)


def measured(
    cache: Path, model: str, scores: Sequence[str], *, negatives: str | None = "words", **more: Any
) -> list[Result]:
    """Return the averages over the OOD sets, a row a score; `more` goes to `evaluate`."""
    rows = oodcache.open(cache).evaluate(
        model,
        classes=CLASSES,
        id=ID_SET,
        ood=OOD_SETS,
        scores=scores,
        negatives=negatives,
        **more,
        note=lambda text: None,
    )
    return [one for one in rows if one.ood == "average"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        for model in MODELS:
            print(f"{model:<32} AUROC  FPR95")
            for one in measured(Path(folder) / "embeddings", model, SCORES, bank=BANK):
                typed = ",".join(f"{key}={value}" for key, value in one.parameters.items())
                name = one.score if len(typed) > 20 else f"{one.score} {typed}"
                print(f"  {name:<30} {100 * one.auroc:5.2f}  {100 * one.fpr95:5.2f}")
            seeds = "|".join(map(str, range(SEEDS)))
            for groups in (10, 100):
                typed = f"neglabel:groups={groups},seed={seeds}"
                found = measured(Path(folder) / "embeddings", model, [typed], bank=BANK)
                for what, values in (
                    ("AUROC", [100 * one.auroc for one in found]),
                    ("FPR95", [100 * one.fpr95 for one in found]),
                ):
                    print(
                        f"  {SEEDS} seeds, {groups} groups: {what} {np.mean(values):.2f}, from "
                        f"{min(values):.2f} to {max(values):.2f}"
                    )


if __name__ == "__main__":
    main()

"""Compare scores of a few shots on the embedded benchmark, over the number of images per class."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.demo.detectors import command, measured
from oodcache.score.measures.result import Result
from oodcache.study.demo import BANK, MODELS

SHOTS = (1, 2, 4, 8, 16)
DRAWS = 10
SCORES = (
    *("mcm:temperature=learned", "probe", "probe:C=10", "probe-zero-shot", "probe-zero-shot:C=10"),
    *("tip", "tip:alpha=10", "fdbd", "knn:k=1", "mahalanobis", "she"),
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command(Path(folder), "demo")
        for model in MODELS:
            show(Path(folder) / "embeddings", model)


def show(cache: Path, model: str) -> None:
    """Print a line for each score and number of shots, with the range over the draws."""
    print(f"{model:<36} AUROC                  FPR95")
    bank = f"{BANK}:{'|'.join(map(str, SHOTS))}"
    rows = measured(cache, model, SCORES, negatives=None, bank=bank, bank_draws=DRAWS)
    for one in rows:
        typed = ",".join(f"{key}={value}" for key, value in one.parameters.items())
        number = one.shots.per_class if one.shots else "–"
        figures = [_figure(one, "auroc"), _figure(one, "fpr95")]
        print(f"  {one.score:<16} {typed:<30} {number!s:>2} {'  '.join(figures)}")


def _figure(result: Result, measure: str) -> str:
    value = f"{100 * getattr(result, measure):5.2f}"
    if result.shots is None or result.shots.ranges is None:
        return f"{value}              "
    low, high = (100 * one for one in result.shots.ranges[measure])
    return f"{value} ({low:5.2f}–{high:5.2f})"


if __name__ == "__main__":
    main()

"""Time each score of a bank of training images against the bare product of images × classes.

20,000 images × 1,000 classes × 768 dimensions, a bank of 50,000: fitted once, then ranked in the
scorer's own tiles and threads. `knn`, `nnguide` and `tip` multiply with the bank too, on fewer
images; `knn` is also timed against the bare product of images × bank.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.figure import Figure, paired, told
from bench.scores.scoring import CLASSES, DIMENSION, IMAGES, LOGIT_SCALE, bare_product
from bench.timing import in_turns, seconds
from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.registry import SCORES
from oodcache.score.formulas.tile import Tile, Vectors, over_tiles, tile_rows, tiles

BANK, FEW, RUNS = 50_000, 4_096, 5
OF_THE_WHOLE_BANK = ("knn", "nnguide", "tip")
# Their fit on a bank of this size takes many minutes; ranking is one more product.
PROBES = ("probe", "probe-zero-shot")
NUMBERS = {"k": 50.0, "temperature": 1 / LOGIT_SCALE, "dimension": 0.0}


def compare() -> list[Figure]:
    """Return the figure of each score, and of the search of `knn` against its own product."""
    bank, vectors = _made(IMAGES, BANK, CLASSES)
    every = [name for name, score in SCORES.items() if score.needs == "bank"]
    names = [name for name in every if name not in PROBES]
    return [
        *(_compared(bank, vectors, name) for name in names),
        _neighbours(bank, vectors[:FEW]),
    ]


def _compared(bank: Bank, vectors: Vectors, score: str) -> Figure:
    few = vectors[:FEW] if score in OF_THE_WHOLE_BANK else vectors
    fit_seconds, rank = _ranking(bank, few, score)
    times = in_turns(rank, lambda: bare_product(few, bank.classes), runs=RUNS)
    what = f"{score}, a bank of {BANK:,}, {len(few):,} images, fitted in {fit_seconds:.2f} s"
    return paired(what, times, "the bare product with the classes")


def _neighbours(bank: Bank, vectors: Vectors) -> Figure:
    rank = _ranking(bank, vectors, "knn")[1]
    times = in_turns(rank, lambda: bare_product(vectors, bank.vectors), runs=RUNS)
    return paired("knn alone, the same", times, "the bare product with the bank")


def _ranking(bank: Bank, vectors: Vectors, score: str) -> tuple[float, Callable[[], None]]:
    """Return the seconds of fitting, and what ranks every image."""
    definition, fitted = SCORES[score], []
    numbers = {key: NUMBERS.get(key, value) for key, value in definition.defaults.items()}

    def fit() -> None:
        assert definition.fit is not None
        fitted.append(definition.fit(bank, **numbers))

    def rank_tile(tile: Vectors) -> Any:
        with np.errstate(divide="ignore", over="ignore", under="ignore"):
            made = Tile(tile, bank.classes, bank.columns)
            return definition.rank(made, fitted[0], **numbers)

    def rank() -> None:
        rows = tile_rows(len(bank.classes))
        deque(over_tiles(rank_tile, (tile for _, tile in tiles([vectors], rows))), maxlen=0)

    return seconds(fit), rank


def _made(images: int, bank_images: int, classes: int) -> tuple[Bank, Vectors]:
    """Return a bank whose images lie around their classes, and random images."""
    generator = np.random.default_rng(0)
    names, vectors, rest = (
        _unit(generator.standard_normal((rows, DIMENSION), dtype=np.float32))
        for rows in (classes, images, bank_images)
    )
    labels = np.arange(bank_images) % classes
    bank = Bank(
        name="bank",
        vectors=_unit(names[labels] + rest),
        labels=labels,
        classes=names,
        class_names=[str(place) for place in range(classes)],
        logit_scale=LOGIT_SCALE,
        note=print,
    )
    return bank, vectors


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def main() -> list[Figure]:
    """Print and return the figures."""
    return told(*compare())


if __name__ == "__main__":
    main()

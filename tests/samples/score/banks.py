"""Small banks of training images, made up for the tests of the scores that take one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.registry import SCORES
from oodcache.score.formulas.tile import Tile, digests, tiles
from oodcache.score.onepass.onepass import Scored

Vectors = npt.NDArray[np.float32]
LOGIT_SCALE = 50.0
BANK_SCORES = {name: score for name, score in SCORES.items() if score.needs == "bank"}
# Small enough for the smallest banks of the tests.
NUMBERS = {
    **{"k": 3.0, "temperature": 1 / LOGIT_SCALE, "dimension": 0.0},
    **{"C": 10.0, "alpha": 1.0, "beta": 1.0},
}


def normalised(vectors: npt.NDArray[Any]) -> Vectors:
    rows = vectors.astype(np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def unit(rows: int, dimension: int = 64, seed: int = 0) -> Vectors:
    return normalised(np.random.default_rng(seed).standard_normal((rows, dimension)))


@dataclass(frozen=True)
class Made:
    """A bank, its labels true, and what it noted."""

    bank: Bank
    notes: list[str]


def around(
    classes: Vectors, labels: npt.NDArray[Any], seed: int = 0, spread: float = 0.8
) -> Vectors:
    """Return an image for each label: its class, and a rest whose directions vary unevenly."""
    generator = np.random.default_rng(seed)
    dimension = classes.shape[1]
    rest = generator.standard_normal((len(labels), dimension)) * np.linspace(0.3, 1.5, dimension)
    return normalised(classes[labels] + spread * rest / np.sqrt(dimension))


def made(
    images: int = 300, class_count: int = 5, dimension: int = 64, seed: int = 0, **changes: Any
) -> Made:
    """Return a bank of `images`, which are of the classes in turn."""
    classes = unit(class_count, dimension, seed + 1000)
    labels = np.arange(images) % class_count
    notes: list[str] = []
    given: dict[str, Any] = {
        "name": "training",
        "vectors": around(classes, labels, seed),
        "labels": labels,
        "classes": classes,
        "class_names": [f"class {place}" for place in range(class_count)],
        "logit_scale": LOGIT_SCALE,
        "note": notes.append,
    }
    return Made(Bank(**(given | changes)), notes)


def numbers_of(score: str, **numbers: float) -> dict[str, float]:
    return {key: (NUMBERS | numbers)[key] for key in BANK_SCORES[score].defaults}


def ranked(score: str, bank: Bank, images: Vectors, **numbers: float) -> Scores:
    """Return the ranking form as the one pass computes it: in tiles, the last padded."""
    return ranked_blocks(score, bank, [images], **numbers)


def ranked_blocks(score: str, bank: Bank, blocks: Iterable[Vectors], **numbers: float) -> Scores:
    given = numbers_of(score, **numbers)
    parts, rows = [], 0
    read = list(blocks)
    fit = BANK_SCORES[score].fit
    assert fit is not None
    with np.errstate(all="raise", under="ignore"):
        fitted = fit(bank, **given)
    columns = np.ascontiguousarray(bank.classes.T)
    for _, vectors in tiles(read):
        # As `Variant.rank` does: an infinite margin, and exponentials of what lies far away.
        with np.errstate(all="raise", divide="ignore", over="ignore", under="ignore"):
            tile = Tile(vectors, bank.classes, columns)
            parts.append(BANK_SCORES[score].rank(tile, fitted, **given))
    rows = sum(len(block) for block in read)
    scores = np.concatenate([np.empty(0), *parts])[None, :rows]
    found = Scored(scores, np.zeros(rows, np.intp), digests(np.concatenate(read)))
    found.tie(found)
    return found.scores[0]


def shown(score: str, bank: Bank, images: Vectors, **numbers: float) -> Scores:
    ranks = ranked(score, bank, images, **numbers)
    return BANK_SCORES[score].shown(ranks, len(bank.classes), **numbers_of(score, **numbers))

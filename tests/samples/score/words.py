"""Word lists of a small cache, and negatives mined from them."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt

from oodcache.cache.files.negatives import Negatives
from oodcache.cache.files.texts import TextFile

Vectors = npt.NDArray[np.float32]
NICE, PHOTO = "the nice {}", "This is a {} photo"


def unit_rows(count: int, seed: int) -> Vectors:
    rows = np.random.default_rng(seed).normal(size=(count, 6))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


NOUNS, ADJECTIVES, POOL, CLASSES = (
    unit_rows(count, seed) for seed, count in enumerate((40, 20, 30, 9))
)
# Three of the pool are next to a class.
POOL[4:7] = CLASSES[2:5]


def words_of(letter: str, count: int) -> list[str]:
    return [f"{letter}{at:02}" for at in range(count)]


def by_hand(rows: Vectors, letter: str, percentile: float, count: int) -> list[str]:
    """Return the words with the lowest quantile of cosines, worked out all at once."""
    cosine = rows.astype(float) @ CLASSES.T.astype(float)
    far = np.quantile(cosine, percentile / 100, axis=1)
    return [words_of(letter, len(rows))[at] for at in np.argsort(far, kind="stable")[:count]]


def write_old(negatives: Negatives, texts: TextFile, first: str | None = None) -> None:
    """Write negatives as 0.1 did: they hold all vectors of a file, whatever the template."""
    found = json.loads(negatives.path.read_text()) | {"version": 1}
    found["class_vectors"] = texts.identity.vectors
    del found["sha256"], found["templates"]
    for one in found["lists"]:
        del one["templates"]
    if first is not None:
        found["lists"][0]["words"][0] = first
    negatives.path.write_text(json.dumps(found))

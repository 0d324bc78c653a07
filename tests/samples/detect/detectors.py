"""A detector made up for tests, of any score: a few classes, negatives, a bank, all random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from samples.score.banks import normalised, unit

from oodcache.cache.format.identity import ModelIdentity
from oodcache.detect.conformal import calibrate
from oodcache.detect.detector import (
    NegativeWords,
    SavedDetector,
    ScoreChoice,
    Scorer,
    TrainingImages,
    Tried,
)
from oodcache.score.formulas.tile import Vectors
from oodcache.score.inputs.selection import Prompted
from oodcache.score.onepass.variants import NO_OWN, Own, parse

DIMENSION = 8
MODEL = ModelIdentity("Tiny", "one", "tiny", {"embed_dim": DIMENSION}, "1" * 64, None, 40.0, None)
CHOICE = ScoreChoice("pets", "strays", True, 3, 20, (Tried("mcm", 0.75), Tried("energy", 0.5)))


@dataclass(frozen=True)
class Made:
    """A detector, and the vectors of the images that calibrated it."""

    detector: SavedDetector
    images: Vectors


def made(
    score: str = "mcm", *, bias: float | None = None, own: Own = NO_OWN, **changes: Any
) -> Made:
    """Return a detector of a score, as it is typed; `changes` go into its fields.

    `own` has the definition of a score that is not built in.
    """
    (variant,) = parse(score, own)
    needs = variant.definition.needs
    classes, images = unit(4, DIMENSION, 1), unit(60, DIMENSION, 2)
    scorer = Scorer(
        ModelIdentity(**{**vars(MODEL), "logit_bias": bias}),
        Prompted("pets", "a {}", ("a {}",), ("cat", "dog", "ünï", "\x1b[2J"), ("",) * 4, classes),
        variant,
        NegativeWords("words", ("x", "y", "z"), unit(3, DIMENSION, 3))
        if needs == "negatives"
        else None,
        TrainingImages("train", False, unit(80, DIMENSION, 4), np.arange(80) % 4)
        if needs == "bank"
        else None,
    )
    given: dict[str, Any] = {
        "scorer": scorer,
        "threshold": calibrate(scorer.ranked([images], len(images)), 0.1),
        "load": "tiny",
        "preprocessing": {"size": [8, 8], "decoder": "pillow", "overridden": []},
        "precision": {"autocast": "float32", "device": "cpu", "tf32": False},
        "calibrated_on": "pets",
        "choice": CHOICE,
        "provenance": {"command": "oodcache calibrate …", "files": [], "versions": {}},
    }
    return Made(SavedDetector(**(given | changes)), images)


SHORTER = normalised(unit(4, DIMENSION, 1)) * np.float32(0.9)

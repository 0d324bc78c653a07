"""Numbers of papers, with what they were measured under. They are quoted, not vouched for.

The ID images are ImageNet's validation set, whole, and the classes ImageNet's 1,000.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

ID_SET, CLASSES = "imagenet-val", "imagenet"
OOD_SETS = ("iNaturalist", "SUN", "Places", "Textures")
# How many classes, and images of each set, the sources have.
CLASS_COUNT = 1_000
IMAGES = {ID_SET: 50_000, "iNaturalist": 10_000, "SUN": 10_000, "Places": 10_000, "Textures": 5_640}
OPENAI = "openai"


@dataclass(frozen=True)
class Published:
    """What a source printed of one method on one model, as fractions.

    `model` is called as in the cache, `score` as it is typed: None for accuracies alone, and for
    what is no score of oodcache. `method` is the source's name for it. `template` is "openai" for
    OpenAI's 80. `fpr_convention` is None where it is not known, or where there is no FPR. `auroc`
    and `fpr95` are by OOD set, and "average", the mean over all four, as printed; either may lack
    some or all. `note` says what else is known of the numbers, "" for nothing.
    """

    source: str
    model: str
    score: str | None
    method: str
    template: str
    fpr_convention: str | None
    accuracy: float | None
    auroc: Mapping[str, float]
    fpr95: Mapping[str, float]
    note: str


def rows() -> tuple[Published, ...]:
    """Return every row of the registry, those of a source together."""
    return tuple(map(_row, _whole()["rows"]))


def templates(name: str) -> tuple[str, ...]:
    """Return the templates that a row's `template` means: OpenAI's 80, or the one that it is."""
    return tuple(_whole()[OPENAI]) if name == OPENAI else (name,)


@cache
def _whole() -> dict[str, Any]:
    text = files("oodcache.study").joinpath("published.json").read_text("utf-8")
    whole: dict[str, Any] = json.loads(text)
    return whole


def _row(given: Mapping[str, Any]) -> Published:
    """Return a row of the file, which has percent, as the sources print them."""
    fractions = {
        name: {one: _fraction(percent) for one, percent in given[name].items()}
        for name in ("auroc", "fpr95")
    }
    accuracy = given["accuracy"]
    accuracy = None if accuracy is None else _fraction(accuracy)
    return Published(**{**given, **fractions, "accuracy": accuracy})


def _fraction(percent: float) -> float:
    # 94.61 / 100 is not the float that is written 0.9461.
    return round(percent / 100, 6)

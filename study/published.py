"""Published numbers and the conditions they were measured under; quoted, not verified.

The ID images are all of ImageNet's validation set, and the classes ImageNet's 1,000.
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
# The sources' class count, and images per dataset.
CLASS_COUNT = 1_000
IMAGES = {ID_SET: 50_000, "iNaturalist": 10_000, "SUN": 10_000, "Places": 10_000, "Textures": 5_640}
OPENAI = "openai"
# Prompts that are not listed: learned ones, and a source's own ensemble.
LEARNED, ENSEMBLE = "learned", "ensemble"


@dataclass(frozen=True)
class Published:
    """What a source printed for one method on one model, as fractions.

    `model` is its name in the cache, `score` the score as typed: None for accuracies alone, and for
    methods that oodcache does not implement. `method` is the source's own name. `template` is
    "openai" for OpenAI's 80, "learned", or "ensemble" for the source's own. `fpr_convention` is
    None if unknown, or without an FPR. `auroc` and `fpr95` are by OOD set, with "average" over all
    four as printed; entries may be missing.

    `stream` is the order of the images, as typed after --stream, or in words if no --stream makes
    it; None for a score that does not learn from the stream. `where` tells where the numbers stand:
    a file of a repository at a commit, or a table; "" if that was not noted. A
    `source` that ends in "second-hand" was read in another one, which quotes it.
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
    stream: str | None = None
    settings: str = ""
    precision: str = ""
    where: str = ""


def rows() -> tuple[Published, ...]:
    """Return every row of the registry, grouped by source."""
    return tuple(map(_row, _whole()["rows"]))


def templates(name: str) -> tuple[str, ...]:
    """Return the templates that a row's `template` stands for: OpenAI's 80, or itself."""
    return tuple(_whole()[OPENAI]) if name == OPENAI else (name,)


def other_counts(counts: Mapping[str, int]) -> str:
    """Return which datasets have other image counts than the sources', "" if none."""
    return "; ".join(
        f"{name} {counts[name]:,}, not {images:,}"
        for name, images in IMAGES.items()
        if counts.get(name, images) != images
    )


@cache
def _whole() -> dict[str, Any]:
    text = files("oodcache.study").joinpath("published.json").read_text("utf-8")
    whole: dict[str, Any] = json.loads(text)
    return whole


def _row(given: Mapping[str, Any]) -> Published:
    """Return a row of the file, converted from percent."""
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

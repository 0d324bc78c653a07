"""Selective classification of one score: on the ID set alone, and together with an OOD set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from oodcache.score.measures.selective.risk import RiskBlocks, RiskMeasures, mean_measures

# Of each ID image: 1 if its nearest class is its own, 0 if not, UNKNOWN without a class.
Outcomes = NDArray[np.int8]
UNKNOWN = -1
SELECTIVE = "selective_"


@dataclass(frozen=True)
class Selective:
    """Selective classification by a score: `images` counts the ID images whose class is known.

    `id_alone` is of these images. In the other two every accepted OOD image is an error: `with_ood`
    weighs all images alike, so it depends on how many OOD images there are; `balanced` gives both
    sides the same total weight.
    """

    images: int
    id_alone: RiskMeasures
    with_ood: RiskMeasures
    balanced: RiskMeasures

    def values(self) -> dict[str, float]:
        """Return every measure under its name among the bootstrap's; an unknown one is NaN."""
        return {
            f"{SELECTIVE}{variant}_{name}": math.nan if value is None else value
            for variant in VARIANTS
            for name, value in getattr(self, variant).values().items()
        }


VARIANTS = tuple(one.name for one in fields(Selective) if one.name != "images")


def selective(kept: Sequence[NDArray[np.int64]], thresholds: Mapping[str, int]) -> Selective | None:
    """Return the measures of images in blocks of tied scores, None if no class is known.

    `kept` has three counts, (B + 1,): the right, the wrong and the OOD images that are kept by the
    threshold of no block, of the first, of the first two, …. `thresholds` has the number of blocks
    that each TPR keeps.
    """
    right, wrong, ood = (np.diff(one) for one in kept)
    images, oods = int(right.sum() + wrong.sum()), int(ood.sum())
    if not images:
        return None
    weights = ((1, 0), (1, 1), (oods, images))
    measures = (
        RiskBlocks.of(right, wrong, ood, id_weight=inside, ood_weight=outside).measures(thresholds)
        for inside, outside in weights
    )
    return Selective(images, *measures)


def mean_selective(every: Sequence[Selective | None]) -> Selective | None:
    """Return the mean of each measure over OOD sets or orders, None if one has none."""
    known = [one for one in every if one is not None]
    if not known or len(known) < len(every):
        return None
    images = round(float(np.mean([one.images for one in known])))
    means = (mean_measures([getattr(one, variant) for one in known]) for variant in VARIANTS)
    return Selective(images, *means)

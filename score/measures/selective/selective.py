"""Selective classification of one score: on the ID set alone, and together with an OOD set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import fmean

SELECTIVE = "selective_"


@dataclass(frozen=True)
class RiskMeasures:
    """Measures of the errors among accepted images.

    `aurc` is the area under the risk-coverage curve, `augrc` that under the generalised one.
    `accuracy_at_coverage` has the accuracy of the share of the images that score highest,
    `accuracy_at_tpr` that of all images at or above the threshold that keeps a share of ID, None
    if it keeps no image whose class is known. The keys are shares as written, such as "0.95".
    """

    aurc: float
    augrc: float
    accuracy_at_coverage: Mapping[str, float]
    accuracy_at_tpr: Mapping[str, float | None]

    def values(self) -> dict[str, float | None]:
        """Return every measure under a flat name, such as "accuracy_at_coverage_0.8"."""
        return {
            "aurc": self.aurc,
            "augrc": self.augrc,
            **{f"accuracy_at_coverage_{at}": one for at, one in self.accuracy_at_coverage.items()},
            **{f"accuracy_at_tpr_{at}": one for at, one in self.accuracy_at_tpr.items()},
        }


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


def mean_selective(every: Sequence[Selective | None]) -> Selective | None:
    """Return the mean of each measure over OOD sets or orders, None if one has none."""
    known = [one for one in every if one is not None]
    if not known or len(known) < len(every):
        return None
    images = round(fmean(one.images for one in known))
    means = (mean_measures([getattr(one, variant) for one in known]) for variant in VARIANTS)
    return Selective(images, *means)


def mean_measures(every: Sequence[RiskMeasures]) -> RiskMeasures:
    """Return the mean of each measure; of one that is unknown somewhere it is unknown."""
    first = every[0]
    at_tpr: dict[str, float | None] = {}
    for tpr in first.accuracy_at_tpr:
        found = [one.accuracy_at_tpr[tpr] for one in every]
        known = [one for one in found if one is not None]
        at_tpr[tpr] = fmean(known) if len(known) == len(found) else None
    return RiskMeasures(
        fmean([one.aurc for one in every]),
        fmean([one.augrc for one in every]),
        {
            share: fmean([one.accuracy_at_coverage[share] for one in every])
            for share in first.accuracy_at_coverage
        },
        at_tpr,
    )

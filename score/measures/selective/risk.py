"""Risk and coverage: the errors among the images that a score accepts, from the highest down.

An ID image is an error if its nearest class is not its own; every OOD image is one. An image has a
weight, the same for all of its side. Risks and accuracies are fractions, and a higher score means
more ID.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from oodcache.cache.computed_once import computed_once
from oodcache.score.measures.selective.selective import RiskMeasures, Selective

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Chosen = NDArray[np.intp]
FEW = 4  # Images of a block that is summed place by place, together with all such blocks.
COVERAGES = ("0.8", "0.9", "0.95")


@dataclass(frozen=True, eq=False)
class RiskBlocks:
    """Blocks of tied images, from the highest score down: their `images`, `weight` and `errors`.

    All are int64 (B,); `errors` is the weight of those that are errors. A block may be empty. Tied
    images are alike: each has the mean weight and the mean error of its block. With equal weights
    that gives the mean over all orders of tied images.
    """

    images: Integers
    weight: Integers
    errors: Integers

    @classmethod
    def of(
        cls, right: Integers, wrong: Integers, ood: Integers, *, id_weight: int, ood_weight: int
    ) -> RiskBlocks:
        """Return the blocks of ID images that are `right` or `wrong` and of `ood` ones, (B,) each.

        OOD images that have no weight are left out.
        """
        inside, outside = right + wrong, ood if ood_weight else np.zeros_like(ood)
        return cls(
            inside + outside,
            id_weight * inside + ood_weight * outside,
            id_weight * wrong + ood_weight * outside,
        )

    def measures(self, thresholds: Mapping[str, int]) -> RiskMeasures:
        """Return all measures; `thresholds` has the number of blocks that each TPR keeps."""
        aurc, augrc = self.areas()
        return RiskMeasures(
            *(aurc, augrc),
            {share: self.accuracy_at(Fraction(share)) for share in COVERAGES},
            {tpr: self.accuracy_above(blocks) for tpr, blocks in thresholds.items()},
        )

    def areas(self) -> tuple[float, float]:
        """Return the AURC and the AUGRC.

        Image by image from the highest score, risk is the weight of the errors so far over that of
        all images so far (AURC: Geifman and El-Yaniv, NeurIPS 2017) or over that of all there are
        (AUGRC: Traub et al., NeurIPS 2024). The area is the mean over images by their weight.

        >>> one, none = np.array([1, 1]), np.array([0, 0])
        >>> RiskBlocks(one, one, np.array([0, 1])).areas()
        (0.25, 0.25)
        """
        there = self.images > 0
        images, weight, errors = (one[there] for one in (self.images, self.weight, self.errors))
        whole = int(weight.sum())
        each, each_error = weight / images, errors / images
        before, wrong_before = np.cumsum(weight) - weight, np.cumsum(errors) - errors
        accepted = np.dot(weight, wrong_before + errors * (images + 1) / (2 * images))

        def risks(blocks: Chosen, place: Integers | int) -> Floats:
            """Return the risk after the image at a `place` from 1 in each of some blocks."""
            wrong = wrong_before[blocks] + place * each_error[blocks]
            return np.asarray(wrong / (before[blocks] + place * each[blocks]))

        area = float(np.dot(each, (wrong_before + each_error) / (before + each)))
        tied = np.flatnonzero(images > 1)
        large = tied[images[tied] > FEW]
        for place in range(2, FEW + 1):
            tied = tied[(images[tied] >= place) & (images[tied] <= FEW)]
            area += float(np.dot(each[tied], risks(tied, place)))
        if len(large):
            counts = images[large] - 1
            rows = np.repeat(large, counts)
            places = np.arange(2, len(rows) + 2) - np.repeat(np.cumsum(counts) - counts, counts)
            area += float(np.dot(each[rows], risks(rows, places)))
        # A sum of shares may round to more than 1.
        return min(1.0, area / whole), min(1.0, float(accepted) / whole**2)

    @computed_once
    def _reached(self) -> Integers:
        """Return the weight of the first blocks, up to each of them."""
        return np.cumsum(self.weight)

    def accuracy_at(self, coverage: Fraction) -> float:
        """Return the accuracy of the fewest images, highest scores first, of at least `coverage`.

        Coverage is a share of the weight, and compared exactly.
        """
        reached = self._reached
        wanted = coverage * int(reached[-1])
        block = int(reached.searchsorted(ceil(wanted)))
        images, weight = int(self.images[block]), int(self.weight[block])
        before = int(reached[block]) - weight
        wrong = int(self.errors[:block].sum())
        share = Fraction(ceil((wanted - before) * images / weight), images)
        accepted = before + share * weight
        return float(1 - (wrong + share * int(self.errors[block])) / accepted)

    def accuracy_above(self, blocks: int) -> float | None:
        """Return the accuracy of the images of the first `blocks`, None if there are none."""
        weight = int(self.weight[:blocks].sum())
        return 1 - int(self.errors[:blocks].sum()) / weight if weight else None


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

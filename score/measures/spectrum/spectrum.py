"""The spectrum of a row: the sets of its positives, and its fall from the row of the ID set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FULL = "full-spectrum"
CSID = "csid:"
KINDS = "{} [{}]"  # A row on other positives than the ID set: the score as typed, and their name.

Interval = tuple[float, float]


@dataclass(frozen=True)
class Drop:
    """A measure on the ID set minus the same measure on the full spectrum.

    `ci` is DeLong's interval, None for other measures than AUROC or if it cannot be estimated;
    `bootstrap` is that of the resamples, None without them.
    """

    value: float
    ci: Interval | None = None
    bootstrap: Interval | None = None


@dataclass(frozen=True)
class Spectrum:
    """What a row has besides its measures if csid images are among its positives.

    `id_set` is the ID set, whose classes are scored. `images` counts the positives by set,
    `with_source` those of a csid set that are resampled with the ID image that they were made from.
    `classes` counts, by csid set, the classes that its images have, 0 without labels.
    `own_accuracy` is the accuracy if only the classes of an image's own set are candidates, None
    without labels. `drop` has the headline measures' fall from the ID set to the full spectrum,
    None in a row of one set.
    """

    id_set: str
    images: Mapping[str, int]
    with_source: Mapping[str, int]
    classes: Mapping[str, int]
    own_accuracy: float | None = None
    drop: Mapping[str, Drop] | None = None

"""What is measured, and under which conventions: the rows that tables, CSV and JSON are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

AVERAGE = "average"
GROUPS = ("near", "far")
FPR_CONVENTIONS = ("strict", "nearest", "openood", "interpolated")


@dataclass(frozen=True)
class Measure:
    """A measure of a ranking: `name` is its field of Result and its method of Counts.

    `heading` and `about` stand above its column. Figures offer the headline measures. One that is
    `by_convention` depends on the FPR convention.
    """

    name: str
    heading: str
    about: str
    is_headline: bool = False
    lower_is_better: bool = False
    by_convention: bool = False


# Whatever measures, averages, resamples, reads or shows a result goes through this table. A new
# measure is a line here, an optional field at the end of Result, and a method of Counts.
MEASURES = (
    Measure("auroc", "AUROC", "in %, ID positive", is_headline=True),
    Measure("aupr_in", "AUPR in", "in %, ID positive"),
    Measure("aupr_out", "AUPR out", "in %, OOD positive"),
    Measure(
        *("fpr95", "FPR95", "in %: lower is better"),
        is_headline=True,
        lower_is_better=True,
        by_convention=True,
    ),
)
HEADLINES = {one.name: one for one in MEASURES if one.is_headline}


@dataclass(frozen=True)
class Conventions:
    """How to measure: which FPR, at which TPRs beside 0.95, and which error bars, all of 95 %.

    `bootstrap` is the number of resamples, 0 for none, drawn from `seed`. `calibration` asks for
    the measures at an absolute threshold.
    """

    fpr_convention: str = "strict"
    tprs: tuple[float, ...] = (0.95,)
    bootstrap: int = 0
    seed: int = 0
    calibration: bool = False


STANDARD = Conventions()


@dataclass(frozen=True)
class Pick:
    """How parameters were picked: the best of `tried`, by their `auroc` on the OOD set `on`.

    `shared_images` counts the images of `on` that are in another OOD set too, for those that have.
    """

    on: str
    tried: int
    auroc: float
    shared_images: Mapping[str, int]


@dataclass(frozen=True)
class Result:
    """How one score tells one data set of ID images from one of OOD images.

    All measures are fractions with ID as the positive class. Over several OOD sets `ood` is
    "average", or "average-near", "average-far" over those of one group: the measures are their
    means, the counts their sums. What made the scores of another program (`oodcache metrics`) is
    not known: there `model`, `pretrained`, `classes` and `template` are None.

    `template` is what --template picks it by: a template's text, "average" or "cosine-mean";
    `templates` are those behind the class vectors. `fpr_at_tpr` has the FPR at each TPR asked for,
    `fpr95_by_convention` that at 0.95 in each convention. `auroc_ci` is None where it cannot be
    estimated. `ties` counts images less distinct scores, `shared_images` the images that ID and
    OOD have in common. `bootstrap` has an interval for each measure, None where none was asked
    for. `calibration` is None where it was not asked for, a text where the score is no probability.
    `negatives` and `bank` name what the score was fitted to, as it was typed, None for neither;
    `bank_labels` says whose labels the bank has, "own" or "predicted", None without one.
    `picked` says how the parameters were, None where they were as typed.
    """

    model: str | None
    pretrained: str | None
    classes: str | None
    template: str | None
    templates: tuple[str, ...]
    id: str
    ood: str
    group: str | None
    score: str
    parameters: Mapping[str, float | str]
    fpr_convention: str
    n_id: int
    n_ood: int
    id_accuracy: float | None
    auroc: float
    auroc_ci: tuple[float, float] | None
    aupr_in: float
    aupr_out: float
    fpr95: float
    fpr_at_tpr: Mapping[str, float]
    fpr95_by_convention: Mapping[str, float]
    ties: int
    distinct: int
    shared_images: int
    bootstrap: Mapping[str, tuple[float, float]] | None
    calibration: Mapping[str, Any] | str | None
    negatives: str | None = None
    bank: str | None = None
    picked: Pick | None = None
    bank_labels: str | None = None

    @property
    def is_average(self) -> bool:
        """Whether it is the mean over several OOD sets."""
        return self.ood in (AVERAGE, *(f"{AVERAGE}-{group}" for group in GROUPS))


@dataclass(frozen=True)
class Difference:
    """How two scores differ on the same images: a paired DeLong test of their AUROCs.

    `first` and `second` name rows: (model/pretrained, template, score as it is typed). `difference`
    is AUROC of the first less that of the second, `ci` its interval, None where it cannot be
    estimated. `p` is two-sided, `p_holm` adjusted by Holm over all pairs of the same OOD set.
    """

    id: str
    ood: str
    first: tuple[str | None, str | None, str]
    second: tuple[str | None, str | None, str]
    difference: float
    ci: tuple[float, float] | None
    p: float
    p_holm: float


@dataclass(frozen=True)
class Compared:
    """A fraction as it was published, one's own, and own less published; None for what is not."""

    published: float
    own: float | None = None
    difference: float | None = None


@dataclass(frozen=True)
class Counterpart:
    """A published row, by the fields of `Published`, with one's own numbers beside its own.

    `model` is the one in the cache. `missing` says why some of one's own are not there, and what to
    type; `unlike` what they were measured with that the source has otherwise.
    """

    source: str
    model: str
    method: str
    score: str | None
    template: str
    fpr_convention: str | None
    accuracy: Compared | None
    auroc: Mapping[str, Compared]
    fpr95: Mapping[str, Compared]
    missing: tuple[str, ...]
    unlike: tuple[str, ...]
    note: str

"""Results and their measures and conventions: the rows of tables, CSV and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from oodcache.cache.errors import InputError

if TYPE_CHECKING:
    from oodcache.score.measures.selective.selective import Selective
    from oodcache.score.measures.shots import Shots
    from oodcache.score.measures.spectrum.spectrum import Spectrum

AVERAGE = "average"
MEANS = "bank-means"  # The `template` of classes that are a bank's: their images' means.
GROUPS = ("near", "far")
FPR_CONVENTIONS = ("strict", "nearest", "openood", "interpolated")


@dataclass(frozen=True)
class Measure:
    """A measure of a ranking: `name` is its field of Result and its method of Counts.

    `heading` and `about` describe its column. Figures offer the headline measures. A measure
    `by_convention` depends on the FPR convention.
    """

    name: str
    heading: str
    about: str
    is_headline: bool = False
    lower_is_better: bool = False
    by_convention: bool = False


# All code that measures, averages, resamples, reads or shows results uses this table. A new
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
ORDERED = "{} ({})"  # A row of a stream score: the score as typed, and the order.
HEADLINES = {one.name: one for one in MEASURES if one.is_headline}


@dataclass(frozen=True)
class Conventions:
    """How to measure: the FPR convention, the TPRs, and the 95 % error bars.

    `bootstrap` is the number of resamples, 0 for none, drawn with `seed`. `calibration` adds the
    measures at an absolute threshold. `groups` has the OOD sets of averages of the user's own, by
    name. `selective` adds the errors among accepted images. Raises InputError for values that are
    none of these.
    """

    fpr_convention: str = "strict"
    tprs: tuple[float, ...] = (0.95,)
    bootstrap: int = 0
    seed: int = 0
    calibration: bool = False
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict, hash=False)
    selective: bool = False

    def __post_init__(self) -> None:
        if self.fpr_convention not in FPR_CONVENTIONS:
            wanted = f"one of {', '.join(FPR_CONVENTIONS)}"
            raise InputError(f"fpr_convention is {self.fpr_convention!r}, not {wanted}")
        for name in ("bootstrap", "seed"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
                raise InputError(f"{name} is {value!r}, not a whole number from 0")
        if self.bootstrap == 1:
            raise InputError("bootstrap is 1, but an interval needs 2 resamples or more: 1000")
        given = self.tprs.tolist() if hasattr(self.tprs, "tolist") else self.tprs  # An array's.
        is_several = isinstance(given, tuple | list) and len(given) > 0
        if not is_several or not all(map(_is_share, given)):
            raise InputError(f"tprs is {self.tprs!r}, not shares above 0 and at most 1: (0.95,)")
        object.__setattr__(self, "tprs", tuple(map(float, given)))


def _is_share(value: object) -> bool:
    return isinstance(value, Real) and 0 < float(value) <= 1


STANDARD = Conventions()


@dataclass(frozen=True)
class Pick:
    """How parameters were picked: the best of `tried`, by their `auroc` on the OOD set `on`.

    `shared_images` counts, by OOD set, the images that are also in `on`, if any.
    """

    on: str
    tried: int
    auroc: float
    shared_images: Mapping[str, int]


@dataclass(frozen=True)
class StreamPath:
    """The course of one stream, `order`: a running window's measures, and what the memory held.

    `measured` has each headline measure of the latest `window` images once `ends` had come: of
    those of the row's two sets, None with under 10 of either. After `moments` images the memory
    held `id_held` images that it takes for ID, of which the share `id_share` is ID, and `ood_held`
    that it takes for OOD, of which `ood_share` is OOD; a share of none is None. `threshold` is the
    score from which it took an image for ID. What the method does not have is None.
    """

    order: str
    window: int
    ends: tuple[int, ...]
    measured: Mapping[str, tuple[float | None, ...]]
    moments: tuple[int, ...]
    id_held: tuple[int, ...] | None
    id_share: tuple[float | None, ...] | None
    ood_held: tuple[int, ...] | None
    ood_share: tuple[float | None, ...] | None
    threshold: tuple[float | None, ...] | None


@dataclass(frozen=True)
class StreamMeasures:
    """The orders of the images that a stream score was measured on, `order` as typed.

    `images` counts those of one stream; an average sums its sets' streams, of which `drift` has
    one. `orders` has the measures of each order, such as "shuffle 0": the result's own are their
    means, and `deviations` their standard deviations (n - 1), None with a single order. `note` is a
    fact about the first stream that the method tells, "" if it tells none. `path` is the first
    stream's course, None for an average and in results of an earlier version.
    """

    order: str
    images: int
    orders: Mapping[str, Mapping[str, float]]
    deviations: Mapping[str, float] | None = None
    note: str = ""
    path: StreamPath | None = None


@dataclass(frozen=True)
class LeakCount:
    """The leaks of an OOD set among the `words` that a score compares with: its classes' names.

    `names` counts them, `descendants` and `ancestors` the words below and above a class, which are
    no leaks; None if the set's class names are not known, and the latter two without WordNet.
    `compared` is "spelling" or WordNet's release. `left_out` counts the leaks of all OOD sets that
    were left out of `words`, which makes the row a diagnostic; None if none were to be.
    """

    words: int
    names: int | None
    descendants: int | None
    ancestors: int | None
    compared: str
    left_out: int | None = None


@dataclass(frozen=True)
class Result:
    """The measures of one score on one dataset of ID images against one of OOD images.

    All measures are fractions with ID as the positive class. For an average over several OOD sets
    `ood` is "average", or "average-near", "average-far" over one group: the measures are means,
    the counts sums, but `n_id` counts each ID image once. Another program's scores (`oodcache
    metrics`) have None for `model`, `pretrained`, `classes` and `template`.

    `template` is the value of --template: a template's text, "average" or "cosine-mean"; or MEANS
    for a model without texts, whose `classes` are the bank's. `templates` are those behind the
    class vectors. `fpr_at_tpr` has the FPR at each requested TPR,
    `fpr95_by_convention` that at 0.95 in each convention. `auroc_ci` is None if it cannot be
    estimated. `ties` is the number of images minus distinct scores, `shared_images` the number of
    images in both ID and OOD. `bootstrap` has an interval for each measure. `calibration` is a
    text if the score is not a probability. `negatives` and `bank` name the score's references, as
    typed; `bank_labels` is "own" or "predicted"; `bank_shared_images` counts, by set, the images
    that are also in the bank, if any. `picked` tells how the parameters were picked.
    `spectrum` tells about csid images among the positives: `id` is then "csid:NAME" or
    "full-spectrum". `average_of` has the OOD sets of an average. `leaks` counts negatives that name
    a class of the OOD set, summed over sets in an average. `shots` tells the images per class
    of a bank that is one of several, and its draws, over which the measures are means. `selective`
    has the errors among accepted images. `clean` is the same row without the images of --drop.
    All of these are None if not requested or not used.
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
    bank_shared_images: Mapping[str, int] | None = None
    stream: StreamMeasures | None = None
    spectrum: Spectrum | None = None
    average_of: tuple[str, ...] | None = None
    leaks: LeakCount | None = None
    shots: Shots | None = None
    selective: Selective | None = None
    clean: Result | None = None

    @property
    def is_diagnostic(self) -> bool:
        """Whether its negatives lack words that name OOD classes, so it is no zero-shot result."""
        return self.leaks is not None and self.leaks.left_out is not None

    @property
    def is_average(self) -> bool:
        """Whether it is the mean over several OOD sets."""
        if self.average_of is not None:
            return True
        # Results of an earlier version.
        return self.ood in (AVERAGE, *(f"{AVERAGE}-{group}" for group in GROUPS))


@dataclass(frozen=True)
class Difference:
    """The difference of two scores on the same images: a paired DeLong test of their AUROCs.

    `first` and `second` name rows: (model/pretrained, template, score as typed). `difference` is
    the AUROC of the first minus that of the second, `ci` its interval, None if it cannot be
    estimated. `p` is two-sided, `p_holm` adjusted by Holm over all pairs of the same OOD set. With
    a score that learns from the stream, `orders` has the difference in each order, whose mean it
    is, and `deviation` their standard deviation (n - 1), None with a single order.
    """

    id: str
    ood: str
    first: tuple[str | None, str | None, str]
    second: tuple[str | None, str | None, str]
    difference: float
    ci: tuple[float, float] | None
    p: float
    p_holm: float
    orders: Mapping[str, float] | None = None
    deviation: float | None = None


@dataclass(frozen=True)
class Compared:
    """A published fraction, your own, and own minus published, None if unknown."""

    published: float
    own: float | None = None
    difference: float | None = None


@dataclass(frozen=True)
class Counterpart:
    """A published row, with the fields of `Published`, next to your own numbers.

    `model` is the one in the cache. `missing` tells why some of your numbers are missing, and what
    to type; `unlike` how their conditions differ from the source's. Results of earlier versions
    have nothing from `stream` on.
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
    stream: str | None = None
    settings: str = ""
    precision: str = ""
    where: str = ""

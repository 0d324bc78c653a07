"""Content of figures besides results: counts at thresholds, and single images.

Higher is more ID. A threshold keeps an image if its score is at or above it. Each score has two
forms: the ranking one, which thresholds use, and the published one, which is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ShownCurve:
    """How many images falling thresholds keep: the ROC curve in counts.

    All lists have the same length; the first threshold keeps no finite score, its `ranked` is
    None. `ranked` and `shown` are the threshold in the score's two forms; None is an infinity.
    """

    ranked: tuple[float | None, ...]
    shown: tuple[float | None, ...]
    kept_id: tuple[int, ...]
    kept_ood: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Histogram:
    """How many images of each set lie between two edges: n counts for n + 1 rising edges.

    The last bin includes its right edge; infinite scores are in the outermost bins.
    """

    edges: tuple[float, ...]
    id: tuple[int, ...]
    ood: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Reliability:
    """Non-empty bins of p, the probability of being ID: mean p, share of ID, image count."""

    mean: tuple[float, ...]
    share: tuple[float, ...]
    count: tuple[int, ...]


@dataclass(frozen=True)
class ShownBand:
    """The lowest and highest TPR of the ROC curve's confidence band at each FPR."""

    fpr: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class SimilarImage:
    """The ID image nearest to another by the cosine of their embeddings.

    `label` is its own class or folder. `thumbnail` is as in a FooledImage.
    """

    data_set: str
    path: str
    label: str
    cosine: float
    thumbnail: int | None = None


@dataclass(frozen=True)
class FooledImage:
    """An image that fooled a score: its path, its own class or folder, and its nearest class.

    `score` is the published form, `ranked` the ranking one; None is an infinity. `thumbnail` is an
    index into `Content.thumbnails`, None if there is none. `similar` is None without embeddings.
    """

    path: str
    label: str
    nearest: str
    score: float | None
    ranked: float | None
    thumbnail: int | None = None
    similar: SimilarImage | None = None


@dataclass(frozen=True)
class FailingClass:
    """How many of a class's images fail at the row's threshold: ID rejected, or OOD kept.

    `nearest` is the class that most of those are nearest to.
    """

    label: str
    failed: int
    total: int
    nearest: str


@dataclass(frozen=True)
class ImageRow:
    """The images of one score of one model under one template.

    `key` is model, template and score, as in a Difference. `n_ood` has every OOD set, in order.
    `threshold` is the index in `curve` of the highest one that keeps 95 % of ID; `failing_id` and
    `failing_ood` are measured there. `reliability` is None unless the score is a probability.
    `fooled_id` has the ID images with the lowest scores, lowest first; `fooled_ood` has, for each
    set, those with the highest, highest first. `pooled` are the sets behind an `id` that is none: a
    csid set, or those of the full spectrum, whose paths begin with their set. `same` has a text for
    each OOD set, equal for two scores only if their ROC curves are one. `bands` are by OOD set, of
    results with bootstrap intervals. `on_map` has the ranking form of the score of each point of
    the model's map, None if it is infinite or not known.
    """

    key: tuple[str | None, str | None, str]
    id: str
    n_id: int
    n_ood: Mapping[str, int]
    curve: ShownCurve
    threshold: int
    ranked: Histogram
    shown: Histogram
    reliability: Mapping[str, Reliability] | None
    fooled_id: tuple[FooledImage, ...]
    fooled_ood: Mapping[str, tuple[FooledImage, ...]]
    failing_id: tuple[FailingClass, ...]
    failing_ood: Mapping[str, tuple[FailingClass, ...]]
    pooled: tuple[str, ...] = ()
    same: Mapping[str, str] = field(default_factory=dict)
    bands: Mapping[str, ShownBand] = field(default_factory=dict)
    on_map: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class EmbeddingMap:
    """Embeddings of a model's images as points: their first two principal components.

    Point i is the image `paths[i]` of `sets[set_of[i]]`, at (`x[i]`, `y[i]`); the first `id_sets`
    of the sets are ID. `explained` has the share of the variance along x and along y. `thumbnails`
    are as in a FooledImage. `images` counts all images that the points are a sample of.
    """

    model: str
    sets: tuple[str, ...]
    id_sets: int
    set_of: tuple[int, ...]
    paths: tuple[str, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    explained: tuple[float, float]
    images: int
    thumbnails: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Content:
    """The rows of a report with image scores, and thumbnails (JPEG in base64).

    `missing` tells why rows are missing, and what to type; it is empty if none is. `maps` has a map
    for each model whose embeddings are cached; without any, `no_maps` tells why.
    """

    rows: tuple[ImageRow, ...]
    thumbnails: tuple[str, ...] = ()
    missing: str = ""
    maps: tuple[EmbeddingMap, ...] = ()
    no_maps: str = ""

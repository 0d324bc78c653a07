"""What figures are drawn from besides results: counts at thresholds, and single images.

Higher is more ID. A threshold keeps an image if its score is at or above it. Each score has two
forms: the one that ranks, which thresholds are of, and the paper's, which is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ShownCurve:
    """How many images falling thresholds keep: points of the ROC curve before the division.

    The lists have one length, and begin with a threshold that keeps none: its `ranked` is None.
    `ranked` and `shown` are the threshold in the score's two forms; None is an infinity.
    """

    ranked: tuple[float | None, ...]
    shown: tuple[float | None, ...]
    kept_id: tuple[int, ...]
    kept_ood: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Histogram:
    """How many images of each set lie between two edges; n counts for n + 1 rising edges.

    The last bin holds its right edge; infinite scores are in the outermost bins.
    """

    edges: tuple[float, ...]
    id: tuple[int, ...]
    ood: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Reliability:
    """Bins of p, the probability of being ID: mean p, share of ID and images; none is empty."""

    mean: tuple[float, ...]
    share: tuple[float, ...]
    count: tuple[int, ...]


@dataclass(frozen=True)
class FooledImage:
    """An image that fooled a score: its path, its own class or folder, and what it was taken for.

    `score` is the shown form, `ranked` the one that ranks; None is an infinity. `thumbnail` counts
    `Content.thumbnails`, None where there is none.
    """

    path: str
    label: str
    nearest: str
    score: float | None
    ranked: float | None
    thumbnail: int | None = None


@dataclass(frozen=True)
class FailingClass:
    """How many of a class's images fail at the row's threshold: ID refused, or OOD kept.

    `nearest` is the class that most of those were taken for.
    """

    label: str
    failed: int
    total: int
    nearest: str


@dataclass(frozen=True)
class ImageRow:
    """The images of one score of one model under one template: what names it is `key`.

    `key` is model, template and score as a Difference names them. `n_ood` has every OOD set, in
    order. `threshold` is the place in `curve` of the highest that keeps 95 % of ID, which
    `failing_id` and `failing_ood` are at; `reliability` is None for a score that is no
    probability. `fooled_id` has the ID images with the lowest scores, lowest first, `fooled_ood`
    of each set those with the highest, highest first.
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


@dataclass(frozen=True)
class Content:
    """The rows of a report that single images are known of, and thumbnails, JPEG as base64.

    `missing` says why some or all rows have none, and what to type; empty where all have.
    """

    rows: tuple[ImageRow, ...]
    thumbnails: tuple[str, ...] = ()
    missing: str = ""

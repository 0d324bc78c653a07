"""A published row with one's own numbers beside it: what reports show of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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

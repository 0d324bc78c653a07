"""Scores kept of every image, behind one row of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from oodcache.score.formulas.cosines import Scores
from oodcache.score.inputs.labels import Labels
from oodcache.score.inputs.views import View
from oodcache.score.measures.result import ORDERED
from oodcache.score.onepass.variants import Variant
from oodcache.score.streams.plan import OrderedRuns


@dataclass(frozen=True)
class Kept:
    """A variant's scores of every image, behind one row of a table.

    `scores` has, for the ID set and then for each OOD set, the ranking form, float64 (n,), in the
    order of its view in `images`. `shown` turns it into the published form. `nearest` has each
    image's class with the largest cosine, as an index into `classes`. A variant that was not
    `picked` is in no result. A score that learns from the stream has its runs in `stream`, and
    `scores` only if they are of one stream with all images.
    """

    model: str
    template: str
    variant: Variant
    scores: Mapping[str, Scores]
    images: Mapping[str, View]
    shown: Callable[[Scores], Scores]
    nearest: Mapping[str, Labels]
    classes: Sequence[str]
    picked: bool = True
    stream: OrderedRuns | None = None

    @property
    def label(self) -> str:
        """Return the row's name: the variant as typed, and a stream's order."""
        label = self.variant.label
        return label if self.stream is None else ORDERED.format(label, self.stream.order)

"""Shots: the images per class that a bank was drawn with, and how far its draws differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Shots:
    """The bank of a row of several: `per_class` images of each class, N of NAME:N.

    `draws` has the measures of each draw, by its seed: the result's own are their means. `ranges`
    has each measure's least and largest of them, None with a single draw.
    """

    per_class: int
    draws: Mapping[str, Mapping[str, float]]
    ranges: Mapping[str, tuple[float, float]] | None = None

    @classmethod
    def of(cls, per_class: int, draws: Mapping[str, Mapping[str, float]]) -> Shots:
        """Return the shots of draws, each with the same measures.

        >>> Shots.of(4, {"0": {"auroc": 0.75}, "1": {"auroc": 0.5}}).ranges
        {'auroc': (0.5, 0.75)}
        """
        if len(draws) < 2:
            return cls(per_class, draws)
        first, *_ = draws.values()
        each = {name: [one[name] for one in draws.values()] for name in first}
        ranges = {name: (min(values), max(values)) for name, values in each.items()}
        return cls(per_class, draws, ranges)

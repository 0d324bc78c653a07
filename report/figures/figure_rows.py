"""Rows of results that a figure shows, with their names as they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from oodcache.report.tables.grid import Key, by_row, name_parts
from oodcache.score.measures.result import Result

ALIKE = " = "  # Between the names of rows that are drawn as one.


@dataclass(frozen=True)
class FigureRows:
    """The results of the chosen rows on every OOD set, and which sets to draw.

    `named` has the names to show instead of those of the results, `left_out` a line on what a
    default left out, "" if nothing.
    """

    results: tuple[Result, ...]
    ood_sets: tuple[str, ...]
    named: Mapping[str, str] = field(default_factory=dict)
    left_out: str = ""

    def rows(self) -> dict[Key, dict[str, Result]]:
        """Return the results by row, then by OOD set, of the sets to draw."""
        return {
            name: {ood: row[ood] for ood in self.ood_sets if ood in row}
            for name, row in by_row(self.results).items()
        }

    def labels(self) -> list[str]:
        """Return the rows' names: the score, with its model and template if they differ."""
        return [" · ".join(parts) for parts in self.parts()]

    def parts(self) -> list[tuple[str, ...]]:
        """Return the parts of the rows' names."""
        every = name_parts(by_row(self.results)).values()
        return [tuple(map(self.shown, parts)) for parts in every]

    def titles(self) -> list[str]:
        """Return the OOD sets to draw, as they are shown."""
        return list(map(self.shown, self.ood_sets))

    def shown(self, name: str) -> str:
        """Return a name as it is shown."""
        return self.named.get(name, name)


def joined(names: Sequence[Sequence[str]]) -> str:
    """Return the name of rows that are drawn as one, from the parts of each name.

    >>> joined([("sigmoid-mcm", "ViT-B-16"), ("max-logit", "ViT-B-16")])
    'sigmoid-mcm = max-logit · ViT-B-16'
    """
    if len({tuple(parts[1:]) for parts in names}) > 1:
        return ALIKE.join(" · ".join(parts) for parts in names)
    return " · ".join([ALIKE.join(parts[0] for parts in names), *names[0][1:]])

"""What a score of the registry is: its two forms, its parameters, and what to tell of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oodcache.score.formulas.cosines import Scores

# The values of parameters that are no numbers.
LEARNED, NONE, MINED, DROP, USE, AUTO = "learned", "none", "mined", "drop", "use", "auto"


@dataclass(frozen=True)
class Score:
    """A score of the registry: the form that ranks, the form that is shown, what to tell of it.

    `rank` takes Rows and the parameters by name; `shown` the ranking form, K and the parameters.
    A default is a number, or "learned": taken from the model (a temperature is then 1/s). The
    shown form of a `probability` is one of the image being ID.

    `needs` says what a score takes beside the classes: nothing, "negatives" or "bank". A score of a
    bank has `fit`, which takes the Bank and the parameters; what it returns is passed to `rank`
    after the Tile.
    """

    rank: Callable[..., Scores]
    shown: Callable[..., Scores]
    formula: str
    ranks_by: str
    source: str
    use: str
    limits: str
    defaults: Mapping[str, float | str] = field(default_factory=dict)
    probability: bool = False
    needs: str = ""
    fit: Callable[..., Any] | None = None

    @property
    def facts(self) -> dict[str, str]:
        """Return what to tell of it, each fact under its name."""
        defaults = [
            f"{key} = {value:g}" if isinstance(value, float) else f"{key} = {value}"
            for key, value in self.defaults.items()
        ]
        return {
            "formula": self.formula,
            "ranks by": self.ranks_by,
            "parameters": ", ".join(defaults) or "none",
            "source": self.source,
            "use": self.use,
            "limits": self.limits,
        }

"""What a score of the registry is: its two forms, its parameters, and what to tell of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Scores

# The values of parameters that are no numbers.
LEARNED, NONE, MINED, DROP, USE, AUTO = "learned", "none", "mined", "drop", "use", "auto"
# What a word stands for: nobody has to be asked but the model, which learned a temperature, a scale
# and a bias.
FROM_MODEL: Mapping[str, float | None] = {LEARNED: None}


@dataclass(frozen=True)
class Parameter:
    """What a parameter of a score may be: a number above `least` and at most `most`, or a word.

    A `whole` number may be `least` too. `words` says what each stands for, None for what the model
    learned of that name. With `least` None there are only words.
    """

    default: float | str
    least: float | None = 0.0
    most: float = math.inf
    whole: bool = False
    words: Mapping[str, float | None] = field(default_factory=dict)

    def read(self, name: str, text: str) -> float | str:
        """Return the value that a text is; raises InputError, which says what one is, if none."""
        if text in self.words:
            return text
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not self._fits(value):
            wanted = [*([] if self.least is None else [self._number]), *map(repr, self.words)]
            either = f"neither {', '.join(wanted[:-1])} nor " if self.words else "not "
            raise InputError(f"{name}={text} is {either}{wanted[-1]}")
        return value

    def _fits(self, value: float) -> bool:
        if self.least is None or not math.isfinite(value) or value > self.most:
            return False
        return value == int(value) >= self.least if self.whole else value > self.least

    @property
    def _number(self) -> str:
        """Return in words what numbers there are."""
        if self.whole:
            return f"a whole number{' above 0' if self.least else ', 0 or above'}"
        above = "" if self.least == -math.inf else f" above {self.least:g}"
        return f"a number{above}" + ("" if self.most == math.inf else f" and at most {self.most:g}")


TEMPERATURE = SCALE = Parameter(LEARNED, words=FROM_MODEL)
BIAS = Parameter(LEARNED, least=-math.inf, words={**FROM_MODEL, NONE: 0.0})


def itself(ranked: Scores, classes: int, **parameters: float) -> Scores:
    """Return the ranking form: for a score whose formula ranks as it is."""
    return ranked


@dataclass(frozen=True)
class Score:
    """A score of the registry: the form that ranks, the form that is shown, what to tell of it.

    `rank` takes the Tile, what the score was fitted to, and the parameters by name; `shown` the
    ranking form, K and the parameters. A temperature that is "learned" is 1/s of the model. The
    shown form of a `probability` is one of the image being ID.

    `needs` says what a score takes beside the classes: nothing, "negatives" or "bank". `fit` takes
    the NegativeSums, the Bank or, where nothing is needed, the vectors of the classes (K, D), and
    the parameters; `rank` is given what it returns, None if there is no `fit`.
    """

    rank: Callable[..., Scores]
    formula: str
    ranks_by: str
    source: str
    use: str
    limits: str
    shown: Callable[..., Scores] = itself
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    probability: bool = False
    needs: str = ""
    fit: Callable[..., Any] | None = None

    @property
    def defaults(self) -> dict[str, float | str]:
        """Return the default of each parameter."""
        return {name: one.default for name, one in self.parameters.items()}

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

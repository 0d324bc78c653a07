"""The definition of a score: its two forms, its parameters and its description."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Scores

# Words that parameters accept instead of numbers.
LEARNED, NONE, MINED, DROP, USE, AUTO = "learned", "none", "mined", "drop", "use", "auto"
# What scores need besides classes: one of these, or ANY of them that is given.
NEGATIVES, BANK, ANY = "negatives", "bank", "any"
# What to type for them.
GIVE: Mapping[str, str] = {what: f"give --{what} NAME" for what in (NEGATIVES, BANK)}
# Whole numbers up to so many above the least are all named.
FEW = 2
# What the text of a parameter names: another score, in the form that is shown, a cached vocabulary
# or dataset.
SCORE, VOCABULARY, DATASET = "score", "vocabulary", "dataset"
# None: the number is the model's own temperature, scale or bias.
FROM_MODEL: Mapping[str, float | None] = {LEARNED: None}


@dataclass(frozen=True)
class Parameter:
    """The values of a score's parameter: numbers above `least` and at most `most`, or words.

    A `whole` number, or one `from_least`, may equal `least`. `words` maps each word to its number,
    None for the model's own. With `least` None only words are accepted. A parameter that `names`
    something, such as SCORE, is its name: any text.
    """

    default: float | str
    least: float | None = 0.0
    most: float = math.inf
    whole: bool = False
    from_least: bool = False
    words: Mapping[str, float | None] = field(default_factory=dict)
    names: str = ""

    def read(self, name: str, text: str) -> float | str:
        """Return the value written as `text`; raise InputError with the accepted values."""
        if text in self.words or (self.names and text):
            return text
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not self._fits(value):
            if self.names:
                raise InputError(f"{name}= names no {self.names}; such as {name}={self.default}")
            wanted = [*([] if self.least is None else [self._number]), *map(repr, self.words)]
            if self.whole and not self._are_few and self.most < value < math.inf:
                wanted[0] += f" and at most {self.most:,.0f}"
            either = f"neither {', '.join(wanted[:-1])} nor " if self.words else "not "
            raise InputError(f"{name}={text} is {either}{wanted[-1]}")
        return value

    def _fits(self, value: float) -> bool:
        if self.least is None or not math.isfinite(value) or value > self.most:
            return False
        if self.whole and value != int(value):
            return False
        return value >= self.least if self.whole or self.from_least else value > self.least

    @property
    def _are_few(self) -> bool:
        """Return whether all numbers that are accepted can be named."""
        return self.whole and self.least is not None and self.most - self.least <= FEW

    @property
    def _number(self) -> str:
        """Return in words which numbers are accepted."""
        if self.whole and self.least == -math.inf:
            return "a whole number"
        if self._are_few:
            *others, last = range(int(self.least or 0), int(self.most) + 1)
            return f"{', '.join(map(str, others))} or {last}"
        if self.whole:
            return f"a whole number{' above 0' if self.least else ', 0 or above'}"
        above = "" if self.least == -math.inf else f" above {self.least:g}"
        above = f", {self.least:g} or above" if self.from_least else above
        return f"a number{above}" + ("" if self.most == math.inf else f" and at most {self.most:g}")


TEMPERATURE = SCALE = Parameter(LEARNED, words=FROM_MODEL)
BIAS = Parameter(LEARNED, least=-math.inf, words={**FROM_MODEL, NONE: 0.0})


def itself(ranked: Scores, classes: int, **parameters: float) -> Scores:
    """Return the ranking form: for a score whose formula ranks without saturating."""
    return ranked


def unranked(*given: object, **parameters: object) -> Scores:
    """Stand for the formula of a score that learns from the stream: it has none for a tile."""
    raise AssertionError("a score that learns from the stream ranks no tile")


@dataclass(frozen=True)
class Score:
    """A score: its ranking form, its shown form and its description.

    `rank` takes the Tile, the fitted state and the parameters by name; `shown` takes the ranking
    form, K and the parameters. A "learned" temperature is the model's 1/s. With `probability` the
    shown form is the probability of the image being ID.

    `needs` is "" (classes only), "negatives", "bank", or ANY of them that is given. `fit` takes the
    class vectors (K, D), the NegativeSums, the Bank or the BatchContext accordingly, and the
    parameters, and returns the fitted state; without `fit` the state is None. A `whole` score
    depends on the other images: its tile has all images of a set. A score of a bank that
    `ignores_classes` needs neither labels nor class vectors.

    A score that learns from the stream has `stream` instead of `rank` and `fit`: it takes the
    StreamContext and the parameters, numbers but for those that name something, and returns a
    StreamMethod (oodcache.score.streams.method).

    `settings` are several parameters under one name, such as those of a paper: typed as
    `settings=NAME`, they stand for these. With `ends` the negatives need their nearest words too.
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
    whole: bool = False
    ignores_classes: bool = False
    stream: Callable[..., Any] | None = None
    settings: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    ends: bool = False

    @property
    def defaults(self) -> dict[str, float | str]:
        """Return the default of each parameter."""
        return {name: one.default for name, one in self.parameters.items()}

    @property
    def _needed(self) -> list[str]:
        """Return what to give, or to have in the cache, besides classes."""
        needed = {
            "negatives": "--negatives NAME, which oodcache negatives makes",
            "bank": "--bank DATASET, cached training images",
        }
        found = [needed[self.needs]] if self.needs in needed else []
        found += ["with its --nearest"] if self.ends else []
        lists = [key for key, one in self.parameters.items() if one.names == VOCABULARY]
        found += [f"{key}=NAME, a cached word list, or {needed['negatives']}" for key in lists]
        datasets = [one.default for one in self.parameters.values() if one.names == DATASET]
        return found + [f"and {one}, which oodcache extract makes" for one in datasets]

    @property
    def facts(self) -> dict[str, str]:
        """Return the description, each fact under its name."""
        defaults = [
            f"{key} = {value:g}" if isinstance(value, float) else f"{key} = {value}"
            for key, value in self.defaults.items()
        ]
        return {
            "formula": self.formula,
            "ranks by": self.ranks_by,
            "parameters": ", ".join(defaults) or "none",
            **({"needs": ", ".join(self._needed)} if self._needed else {}),
            **{
                f"settings={name}": ", ".join(f"{key} = {one:g}" for key, one in each.items())
                for name, each in self.settings.items()
            },
            "source": self.source,
            "use": self.use,
            "limits": self.limits,
        }

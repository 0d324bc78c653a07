"""What to compute: a score with its parameters, written `NAME` or `NAME:key=value,key=a|b|c`."""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import AUTO, DROP, LEARNED, MINED, NONE, USE
from oodcache.score.formulas.registry import SCORES
from oodcache.score.formulas.tile import Tile

WORDS = {
    "temperature": (LEARNED,),
    "scale": (LEARNED,),
    "bias": (LEARNED, NONE),
    "remainder": (DROP, USE),
    "number": (MINED,),
    "percentile": (MINED,),
    "dimension": (AUTO,),
}
# What the words stand for that no model has to be asked for; 0 is no value of its own there.
STANDS_FOR = {NONE: 0.0, DROP: 0.0, USE: 1.0, MINED: 0.0, AUTO: 0.0}
WHOLE = ("top", "groups", "seed", "number", "k", "dimension")
NUMBERS = {
    "bias": "a number",
    "seed": "a whole number, 0 or above",
    "percentile": "a number above 0 and at most 100",
    "remainder": "",
    **dict.fromkeys(("top", "groups", "number", "k", "dimension"), "a whole number above 0"),
}
DEFAULT = ("mcm", "mcm:temperature=learned", "sigmoid-mcm", "max-logit", "energy")
WITH_NEGATIVES = ("neglabel", "neglabel-sigmoid")
WITH_BANK = ("knn", "mahalanobis", "vim")


@dataclass(frozen=True)
class Variant:
    """A score and its parameters, each a number or one of the words that WORDS has for it.

    "learned" is not yet looked up, and "none" counts as 0, a bias that is not there.
    """

    score: str
    parameters: Mapping[str, float | str]

    @property
    def label(self) -> str:
        """Return what to type for this variant: the name, and the parameters not at default.

        A score of another program has no parameters, and is no key of SCORES.
        """
        given = [
            f"{name}={_written(value)}"
            for name, value in self.parameters.items()
            if value != SCORES[self.score].defaults[name]
        ]
        return ":".join([self.score, ",".join(given)] if given else [self.score])

    def rank(self, tile: Tile, numbers: Mapping[str, float], fitted: Any = None) -> Scores:
        """Return the ranking form of the score, its parameters as `numbers`.

        `fitted` is what its `fit` returned, where it has one.
        """
        rank = SCORES[self.score].rank
        with np.errstate(divide="ignore", over="ignore", under="ignore"):
            return rank(tile.rows, **numbers) if fitted is None else rank(tile, fitted, **numbers)

    def shown(self, ranked: Scores, classes: int, numbers: Mapping[str, float]) -> Scores:
        """Return the paper's form of the score over K `classes`, from its ranking form."""
        with np.errstate(over="ignore", under="ignore"):
            return SCORES[self.score].shown(ranked, classes, **numbers)

    def numbers(self, *, logit_scale: float, logit_bias: float | None) -> dict[str, float]:
        """Return the parameters as numbers, with what the model learned looked up.

        A bias that the model does not have counts as 0.
        """
        learned = {
            "temperature": 1.0 / logit_scale,
            "scale": logit_scale,
            "bias": logit_bias or 0.0,
        }
        return {
            name: _number(value, learned.get(name, 0.0)) for name, value in self.parameters.items()
        }


def parse(specification: str) -> list[Variant]:
    """Return the variants that a specification names: one, or a grid where bars give choices.

    >>> [variant.label for variant in parse("mcm:temperature=0.1|learned")]
    ['mcm:temperature=0.1', 'mcm:temperature=learned']

    Raises InputError, with what to type instead.
    """
    name, colon, settings = specification.partition(":")
    try:
        check_score(name)
    except InputError as error:
        raise InputError(f"--score {specification!r}: {error}") from None
    choices: dict[str, list[float | str]] = {
        key: [value] for key, value in SCORES[name].defaults.items()
    }
    given: set[str] = set()
    for setting in settings.split(",") if colon else ():
        key, equals, values = setting.partition("=")
        if not equals or key not in choices:
            known = ", ".join(choices) or "none"
            raise InputError(
                f"--score {specification!r}: {setting!r} sets no parameter of {name} "
                f"(it has: {known}); write for example {_example(name)}"
            )
        if key in given:
            raise InputError(
                f"--score {specification!r}: sets {key} twice; write several as {key}=A|B"
            )
        given.add(key)
        try:
            choices[key] = [check_value(key, value) for value in values.split("|")]
        except InputError as error:
            raise InputError(f"--score {specification!r}: {error}") from None
    return [
        Variant(name, dict(zip(choices, values, strict=True)))
        for values in itertools.product(*choices.values())
    ]


def check_score(name: str) -> str:
    """Return `name` if it is a score's; raises InputError, which says what is near, if not."""
    if name not in SCORES:
        near = difflib.get_close_matches(name, SCORES, n=1)
        what = f"did you mean {near[0]}?" if near else "list them with: oodcache scores"
        raise InputError(f"no score {name!r}; {what}")
    return name


def default(negatives: str | None, bank: str | None) -> tuple[str, ...]:
    """Return the scores that are shown where none is named, with what is given to fit them to."""
    return (*DEFAULT, *(WITH_NEGATIVES if negatives else ()), *(WITH_BANK if bank else ()))


def parse_all(specifications: Iterable[str]) -> list[Variant]:
    """Return the variants of several specifications, each once, in the order first named."""
    variants = [variant for one in specifications for variant in parse(one)]
    return list({variant.label: variant for variant in variants}.values())


def check_value(key: str, text: str) -> float | str:
    """Return what `text` says as the value of the parameter `key`.

    Raises InputError, without saying where it was written, if that is no value of it.
    """
    words = WORDS.get(key, ())
    if text in words:
        return text
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not _fits(key, value):
        number = NUMBERS.get(key, "a number above 0")
        wanted = [*([number] if number else []), *map(repr, words)]
        either = (
            f"neither {', '.join(wanted[:-1])} nor {wanted[-1]}" if words else f"not {wanted[0]}"
        )
        raise InputError(f"{key}={text} is {either}")
    return value


def _fits(key: str, value: float) -> bool:
    """Return whether a number, NaN for a text that is none, is a value of the parameter `key`."""
    if not math.isfinite(value) or key == "remainder" or (key in WHOLE and value != int(value)):
        return False
    if key == "bias":
        return True
    return (
        0 <= value < 2**32
        if key == "seed"
        else 0 < value <= (100 if key == "percentile" else math.inf)
    )


def _number(value: float | str, learned: float) -> float:
    if not isinstance(value, str):
        return float(value)
    return learned if value == LEARNED else STANDS_FOR[value]


def _written(value: float | str) -> str:
    # repr has every digit that tells two numbers apart.
    return value if isinstance(value, str) else repr(value).removesuffix(".0")


def _example(name: str) -> str:
    for key, value in SCORES[name].defaults.items():
        return f"{name}:{key}={LEARNED if LEARNED in WORDS.get(key, ()) else _written(value)}"
    return name

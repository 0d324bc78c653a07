"""What to compute: a score with its parameters, written `NAME` or `NAME:key=value,key=a|b|c`."""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.score.definition import LEARNED
from oodcache.score.rows import Rows, Scores
from oodcache.score.scores import SCORES

NONE = "none"
WORDS = {"temperature": (LEARNED,), "scale": (LEARNED,), "bias": (LEARNED, NONE)}
NUMBERS = {"bias": "a number", "top": "a whole number above 0"}
DEFAULT = ("mcm", "mcm:temperature=learned", "sigmoid-mcm", "max-logit", "energy")


@dataclass(frozen=True)
class Variant:
    """A score and its parameters, each a number, "learned" or, for a bias, "none".

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

    def rank(self, rows: Rows, numbers: Mapping[str, float]) -> Scores:
        """Return the ranking form of the score, its parameters as `numbers`."""
        with np.errstate(divide="ignore", over="ignore", under="ignore"):
            return SCORES[self.score].rank(rows, **numbers)

    def shown(self, ranked: Scores, classes: int, numbers: Mapping[str, float]) -> Scores:
        """Return the paper's form of the score over K `classes`, from its ranking form."""
        with np.errstate(over="ignore", under="ignore"):
            return SCORES[self.score].shown(ranked, classes, **numbers)

    def numbers(self, *, logit_scale: float, logit_bias: float | None) -> dict[str, float]:
        """Return the parameters as numbers, with what the model learned looked up.

        A bias that the model does not have counts as 0.
        """
        looked_up = {
            "temperature": 1.0 / logit_scale,
            "scale": logit_scale,
            "bias": logit_bias or 0.0,
        }
        return {
            name: float(looked_up[name] if value == LEARNED else 0.0 if value == NONE else value)
            for name, value in self.parameters.items()
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
        near = difflib.get_close_matches(name, SCORES, n=1) or [", ".join(SCORES)]
        raise InputError(f"no score {name!r}; did you mean {near[0]}?")
    return name


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
    whole = key != "top" or (math.isfinite(value) and value == int(value))
    if not math.isfinite(value) or not whole or (key != "bias" and value <= 0):
        wanted = [NUMBERS.get(key, "a number above 0"), *map(repr, words)]
        either = (
            f"neither {', '.join(wanted[:-1])} nor {wanted[-1]}" if words else f"not {wanted[0]}"
        )
        raise InputError(f"{key}={text} is {either}")
    return value


def _written(value: float | str) -> str:
    # repr has every digit that tells two numbers apart.
    return value if isinstance(value, str) else repr(value).removesuffix(".0")


def _example(name: str) -> str:
    return f"{name}:{next(iter(SCORES[name].defaults))}=learned" if SCORES[name].defaults else name

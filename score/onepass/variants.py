"""Variants: scores with parameters, written `NAME` or `NAME:key=value,key=a|b|c`."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import LEARNED
from oodcache.score.formulas.registry import SCORES
from oodcache.score.formulas.tile import Tile

DEFAULT = ("mcm", "mcm:temperature=learned", "sigmoid-mcm", "max-logit", "energy")
WITH_NEGATIVES = ("neglabel", "neglabel-sigmoid")
WITH_BANK = ("knn", "mahalanobis", "vim")


@dataclass(frozen=True)
class Variant:
    """A score and its parameters, each a number or a word; "learned" is not yet filled in."""

    score: str
    parameters: Mapping[str, float | str]

    @property
    def label(self) -> str:
        """Return the variant as typed: its name and the parameters that are not at their default.

        A score of another program has no parameters and is not in SCORES.
        """
        given = [
            f"{name}={_written(value)}"
            for name, value in self.parameters.items()
            if value != SCORES[self.score].defaults[name]
        ]
        return ":".join([self.score, ",".join(given)] if given else [self.score])

    def rank(self, tile: Tile, numbers: Mapping[str, float], fitted: Any = None) -> Scores:
        """Return the ranking form, with the parameters as `numbers` and the `fitted` state."""
        with np.errstate(divide="ignore", over="ignore", under="ignore"):
            return SCORES[self.score].rank(tile, fitted, **numbers)

    def shown(self, ranked: Scores, classes: int, numbers: Mapping[str, float]) -> Scores:
        """Return the paper's form over K `classes`, from the ranking form."""
        with np.errstate(over="ignore", under="ignore"):
            return SCORES[self.score].shown(ranked, classes, **numbers)

    def numbers(self, *, logit_scale: float, logit_bias: float | None) -> dict[str, float]:
        """Return the parameters as numbers, with learned values filled in; a missing bias is 0."""
        learned = {
            "temperature": 1.0 / logit_scale,
            "scale": logit_scale,
            "bias": logit_bias or 0.0,
        }
        found: dict[str, float] = {}
        for name, value in self.parameters.items():
            if isinstance(value, str):
                stands_for = SCORES[self.score].parameters[name].words[value]
                value = learned[name] if stands_for is None else stands_for
            found[name] = float(value)
        return found


def parse(specification: str, *, option: str = "--score ") -> list[Variant]:
    """Return the variants of a specification: one, or a grid if bars separate values.

    >>> [variant.label for variant in parse("mcm:temperature=0.1|learned")]
    ['mcm:temperature=0.1', 'mcm:temperature=learned']

    Raises InputError with what to type instead; it begins with `option`.
    """
    name, colon, settings = specification.partition(":")
    try:
        check_score(name)
    except InputError as error:
        raise InputError(f"{option}{specification!r}: {error}") from None
    choices: dict[str, list[float | str]] = {
        key: [value] for key, value in SCORES[name].defaults.items()
    }
    given: set[str] = set()
    for setting in settings.split(",") if colon else ():
        key, equals, values = setting.partition("=")
        if not equals or key not in choices:
            known = ", ".join(choices) or "none"
            raise InputError(
                f"{option}{specification!r}: {setting!r} sets no parameter of {name} "
                f"(parameters: {known}); write for example {_example(name)}"
            )
        if key in given:
            raise InputError(
                f"{option}{specification!r}: sets {key} twice; write several values as {key}=A|B"
            )
        given.add(key)
        try:
            parameter = SCORES[name].parameters[key]
            choices[key] = [parameter.read(key, value) for value in values.split("|")]
        except InputError as error:
            raise InputError(f"{option}{specification!r}: {error}") from None
    return [
        Variant(name, dict(zip(choices, values, strict=True)))
        for values in itertools.product(*choices.values())
    ]


def check_score(name: str) -> str:
    """Return `name` if it is a score; raise InputError with the most similar name otherwise."""
    if name not in SCORES:
        near = difflib.get_close_matches(name, SCORES, n=1)
        what = f"did you mean {near[0]}?" if near else "list them with: oodcache scores"
        raise InputError(f"no score {name!r}; {what}")
    return name


def default(negatives: str | None, bank: str | None) -> tuple[str, ...]:
    """Return the default scores, given the negatives and the bank."""
    return (*DEFAULT, *(WITH_NEGATIVES if negatives else ()), *(WITH_BANK if bank else ()))


def parse_all(specifications: Iterable[str], *, option: str = "--score ") -> list[Variant]:
    """Return the variants of several specifications, each once, in order; see `parse`."""
    variants = [variant for one in specifications for variant in parse(one, option=option)]
    return list({variant.label: variant for variant in variants}.values())


def _written(value: float | str) -> str:
    # repr keeps every digit that distinguishes two numbers.
    return value if isinstance(value, str) else repr(value).removesuffix(".0")


def _example(name: str) -> str:
    for key, one in SCORES[name].parameters.items():
        return f"{name}:{key}={LEARNED if LEARNED in one.words else _written(one.default)}"
    return name

"""Variants: scores with parameters, written `NAME` or `NAME:key=value,key=a|b|c`."""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import (
    ANY,
    LEARNED,
    MINED,
    SCORE,
    VOCABULARY,
    Parameter,
    Score,
)
from oodcache.score.formulas.registry import SCORES
from oodcache.score.formulas.tile import Tile
from oodcache.score.onepass.unsuited import reason

# Names in other programs. Their maximum softmax probability is that of the model's own logits.
ALIASES: Mapping[str, tuple[str, Mapping[str, float | str]]] = {
    "msp": ("mcm", {"temperature": LEARNED}),
    "maxlogit": ("max-logit", {}),
    "mls": ("max-logit", {}),
    "ebo": ("energy", {}),
}
# Names that people type, of methods that our scores are like.
MEANT: Mapping[str, str] = {
    "linear-probe": "probe",
    "logistic-regression": "probe",
    "tip-adapter": "tip",
}
MOST = 10_000  # Variants of one run: beyond that even their results are no table.
Own = Mapping[str, Score]
NO_OWN: Own = {}
# Further commas separate the parameters of the score that is built on it.
BUILT_ON = "{0} is a built-in score with at most one parameter, as in {0}=mcm:temperature=learned"


@dataclass(frozen=True)
class Variant:
    """A score and its parameters, each a number or a word; "learned" is not yet filled in.

    `own` is the definition of a score that is not in SCORES, None if it is unknown too.
    """

    score: str
    parameters: Mapping[str, float | str]
    own: Score | None = field(default=None, compare=False, repr=False)

    @property
    def definition(self) -> Score:
        """Return the score's definition; raise KeyError if it is not known."""
        return SCORES[self.score] if self.own is None else self.own

    @property
    def label(self) -> str:
        """Return the variant as typed: its name and the parameters that are not at their default.

        A score that is not in SCORES has all its parameters: readers of results do not know its
        defaults.
        """
        defaults = SCORES[self.score].defaults if self.score in SCORES else {}
        given = [
            f"{name}={_written(value)}"
            for name, value in self.parameters.items()
            if name not in defaults or value != defaults[name]
        ]
        return ":".join([self.score, ",".join(given)] if given else [self.score])

    @property
    def base(self) -> Variant | None:
        """Return the score that a parameter names, None if none does."""
        for name, one in self.definition.parameters.items():
            if one.names == SCORE:
                return parse(str(self.parameters[name]))[0]
        return None

    @property
    def needs(self) -> str:
        """Return what the score needs, or the one that it builds on: as `Score.needs`.

        A vocabulary that is the one which negatives were mined from needs negatives.
        """
        base, score = self.base, self.definition
        if self.corpus == MINED:
            return "negatives"
        return score.needs or (base.needs if base else "")

    @property
    def corpus(self) -> str | None:
        """Return the vocabulary that the score names, None if it names none."""
        parameters = self.definition.parameters.items()
        named = [self.parameters[key] for key, one in parameters if one.names == VOCABULARY]
        return str(named[0]) if named else None

    @property
    def has_words(self) -> bool:
        """Return whether the score compares, or may compare, with words besides the classes."""
        return self.needs in ("negatives", ANY) or self.corpus is not None

    def rank(self, tile: Tile, numbers: Mapping[str, float], fitted: Any = None) -> Scores:
        """Return the ranking form, with the parameters as `numbers` and the `fitted` state."""
        with np.errstate(divide="ignore", over="ignore", under="ignore"):
            return self.definition.rank(tile, fitted, **numbers)

    def shown(self, ranked: Scores, classes: int, numbers: Mapping[str, float]) -> Scores:
        """Return the paper's form over K `classes`, from the ranking form."""
        with np.errstate(over="ignore", under="ignore"):
            return self.definition.shown(ranked, classes, **numbers)

    def numbers(self, *, logit_scale: float, logit_bias: float | None) -> dict[str, Any]:
        """Return the parameters as numbers, with learned values filled in; a missing bias is 0.

        Parameters that name something are texts.
        """
        learned = learned_numbers(logit_scale, logit_bias)
        found: dict[str, Any] = {}
        for name, value in self.parameters.items():
            if self.definition.parameters[name].names:
                found[name] = value
                continue
            if isinstance(value, str):
                stands_for = self.definition.parameters[name].words[value]
                value = learned[name] if stands_for is None else stands_for
            found[name] = float(value)
        return found


def learned_numbers(logit_scale: float, logit_bias: float | None) -> dict[str, float]:
    """Return what "learned" stands for, by parameter; a missing bias is 0."""
    return {"temperature": 1.0 / logit_scale, "scale": logit_scale, "bias": logit_bias or 0.0}


def parse(specification: str, own: Own = NO_OWN, *, option: str = "--score ") -> list[Variant]:
    """Return the variants of a specification: one, or a grid if bars separate values.

    `own` has the definitions of scores that are not in SCORES, by name.

    >>> [variant.label for variant in parse("mcm:temperature=0.1|learned")]
    ['mcm:temperature=0.1', 'mcm:temperature=learned']

    Raises InputError with what to type instead; it begins with `option`.
    """
    name, preset, settings = _named(specification, own, option)
    score = own.get(name) or SCORES[name]
    try:
        together, settings = _together(score, settings)
    except InputError as error:
        raise InputError(f"{option}{specification!r}: {error}") from None
    choices: dict[str, list[float | str]] = {
        key: [value] for key, value in {**score.defaults, **preset, **together}.items()
    }
    given: dict[str, list[str]] = {}
    for setting in settings:
        key, equals, values = setting.partition("=")
        if not equals or key not in choices:
            raise InputError(f"{option}{specification!r}: {_unknown(name, score, setting)}")
        if key in given:
            raise InputError(
                f"{option}{specification!r}: sets {key} twice; write several values as {key}=A|B"
            )
        given[key] = values.split("|")
    try:
        check_count(math.prod(map(len, given.values())))
        for key, texts in given.items():
            choices[key] = [_read(score.parameters[key], key, one) for one in texts]
    except InputError as error:
        raise InputError(f"{option}{specification!r}: {error}") from None
    return [
        Variant(name, dict(zip(choices, values, strict=True)), own.get(name))
        for values in itertools.product(*choices.values())
    ]


def _together(score: Score, settings: list[str]) -> tuple[Mapping[str, float], list[str]]:
    """Return the parameters that a `settings=NAME` among the settings stands for, and the others.

    Raises InputError for an unknown name, or a parameter that is also given alone.
    """
    names = [one.partition("=")[2] for one in settings if one.startswith("settings=")]
    if not score.settings or not names:
        return {}, settings
    if len(names) > 1 or names[0] not in score.settings:
        known = ", ".join(f"settings={name}" for name in score.settings)
        one_of = "one of " if len(score.settings) > 1 else ""
        raise InputError(f"settings={'|'.join(names)[:60]}: write {one_of}{known}")
    others = [one for one in settings if not one.startswith("settings=")]
    for one in others:
        if (name := one.partition("=")[0]) in score.settings[names[0]]:
            raise InputError(f"settings={names[0]} sets {name} too; omit one of them")
    return score.settings[names[0]], others


def _read(parameter: Parameter, name: str, text: str) -> float | str:
    """Return a parameter's value; a score that it names is written as its label."""
    value = parameter.read(name, text)
    if parameter.names != SCORE:
        return value
    try:
        found = parse(text, option=f"{name}=")
    except InputError as error:
        raise InputError(f"{error} ({BUILT_ON.format(name)})") from None
    if len(found) > 1 or found[0].definition.stream:
        what = "several scores" if len(found) > 1 else "a score that learns from the stream"
        raise InputError(f"{name}={text} is {what}, not one of single images")
    return found[0].label


def _named(
    specification: str, own: Own, option: str
) -> tuple[str, Mapping[str, float | str], list[str]]:
    """Return a specification's score, the parameters that its alias sets, and its settings."""
    for name in own:
        if specification == name or specification.startswith(f"{name}:"):
            rest = specification.removeprefix(name)
            return name, {}, rest[1:].split(",") if rest else []
    typed, colon, settings = specification.partition(":")
    name, preset = canonical(typed)
    if name not in SCORES and "," in typed:
        each = [canonical(one.strip())[0] for one in typed.split(",")]
        if all(one in SCORES for one in each):
            repeated = " ".join(f"--score {one}" for one in each)
            raise InputError(f"{option}{specification!r}: repeat the option: {repeated}")
    try:
        check_score(name)
    except InputError as error:
        hint = _of_code(typed) if option.startswith("--") else ""
        raise InputError(f"{option}{specification!r}: {error}{hint}") from None
    return name, preset, settings.split(",") if colon else []


def _of_code(name: str) -> str:
    """Return how to give a function `name`, "" if that is no name, or a score's with a slip."""
    is_slip = name.lower().replace("_", "-") in MEANT
    is_slip = is_slip or bool(difflib.get_close_matches(name, SCORES, n=1, cutoff=0.65))
    if is_slip or reason(name) or not name.isidentifier() or len(name) > 60:
        return ""
    return f" (a function of your own: FILE.py:{name}; in Python: pass the function)"


def _unknown(name: str, score: Score, setting: str) -> str:
    if canonical(setting.partition(":")[0])[0] in SCORES:
        return f"{setting!r} is another score: repeat the option, --score {setting}"
    known = ", ".join(score.parameters) or "none"
    for key, one in score.parameters.items():
        known += f"; {BUILT_ON.format(key)}" if one.names == SCORE else ""
    return (
        f"{setting!r} sets no parameter of {name} (parameters: {known}); write for example "
        f"{_example(name, score)}"
    )


def canonical(name: str) -> tuple[str, Mapping[str, float | str]]:
    """Return a score's own name for an alias or another case, and the parameters an alias sets.

    >>> canonical("MSP")
    ('mcm', {'temperature': 'learned'})
    """
    folded = name.lower().replace("_", "-")
    found = ALIASES.get(folded, (folded, {}))
    return found if found[0] in SCORES else (name, {})


def is_built_in(specification: str) -> bool:
    """Return whether a specification begins with the name of one of SCORES, or an alias.

    >>> is_built_in("MSP"), is_built_in("knn:k=5"), is_built_in("mine.py:gap")
    (True, True, False)
    """
    return canonical(specification.partition(":")[0])[0] in SCORES


def check_score(name: str) -> str:
    """Return `name` if it is a score; raise InputError with the most similar name otherwise."""
    if why := reason(name):
        raise InputError(f"no score {name!r}: it {why}; list the scores with: oodcache scores")
    if name not in SCORES:
        meant = MEANT.get(name.lower().replace("_", "-"))
        near = [meant] if meant else difflib.get_close_matches(name, SCORES, n=1)
        what = f"did you mean {near[0]}?" if near else "list them with: oodcache scores"
        raise InputError(f"no score {name!r}; {what}")
    return name


def check_count(variants: int) -> None:
    """Raise InputError for more variants than one run can score and keep in memory."""
    if variants > MOST:
        raise InputError(f"{variants:,} variants, more than {MOST:,}; use fewer values")


def parse_all(
    specifications: Iterable[str], own: Own = NO_OWN, *, option: str = "--score "
) -> list[Variant]:
    """Return the variants of several specifications, each once, in order; see `parse`."""
    variants: dict[str, Variant] = {}
    for one in specifications:
        variants |= {variant.label: variant for variant in parse(one, own, option=option)}
        check_count(len(variants))
    return list(variants.values())


def _written(value: float | str) -> str:
    # repr keeps every digit that distinguishes two numbers.
    return value if isinstance(value, str) else repr(value).removesuffix(".0")


def _example(name: str, score: Score) -> str:
    for key, one in score.parameters.items():
        return f"{name}:{key}={LEARNED if LEARNED in one.words else _written(one.default)}"
    return name

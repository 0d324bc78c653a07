"""A user's code given again: held against the SHA-256 that a detector or results hold.

No file causes code to be imported, so a file that was made with a user's score needs it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import shown
from oodcache.score.formulas.registry import SCORES
from oodcache.score.onepass.variants import Variant, canonical
from oodcache.score.own.function import Function, OwnScore
from oodcache.score.own.loading import FILE, code_name, entry_points, typed_scores


def given_again(scores: Iterable[str | Function]) -> dict[str, OwnScore]:
    """Return the user's own scores among those typed or given as functions, by name.

    Raises InputError for one with parameters, which the file has, and for a built-in score.
    """
    found: dict[str, OwnScore] = {}
    for one in scores:
        typed = typed_scores([one])
        if [*typed.own] != typed.specifications:
            what = "its parameters are in the file" if typed.own else "it is not code of your own"
            raise InputError(f"--score {one}: {what}; write FILE.py:FUNCTION")
        found |= typed.own
    return found


def code_among(typed: Iterable[str]) -> list[str]:
    """Return the functions among typed scores, without their settings; run nothing.

    >>> code_among(["mcm:temperature=1", "mine.py:gap:k=3", "mine.py:gap:k=5"])
    ['mine.py:gap']
    """
    found = (_code(one) for one in typed)
    return list(dict.fromkeys(one for one in found if one is not None))


def variant_again(made_with: Variant, score: OwnScore) -> Variant:
    """Return a variant that a file was made with, with its definition; check its parameters."""
    given = made_with.parameters
    if {*given} != {*score.parameters}:
        wanted = ", ".join(score.parameters) or "none"
        raise InputError(f"{shown(made_with.label)}: the code has the parameters {wanted}")
    for key, value in given.items():
        score.parameters[key].read(key, str(value))
    return replace(made_with, own=score)


def code_of(name: str, sha256: object, given: Mapping[str, OwnScore], made: str) -> OwnScore:
    """Return the score that a file calls `name`, from the code that is given.

    `sha256` is what the file holds, None if it holds none; `made` is what makes the file again. The
    function may have been named by Python, or by its file. Raises InputError if it is not given, or
    if its code has changed.
    """
    called = [one for one in given.values() if _function(one.name) == _function(name)]
    if not called:
        others = f", not {', '.join(given)}" if given else ""
        raise InputError(f"made with {shown(name)}, code of your own{others}; add {_option(name)}")
    score = next((one for one in called if one.name == name), called[0])
    if sha256 is not None and score.sha256 != sha256:
        raise InputError(
            f"made with {shown(name)} of SHA-256 {str(sha256)[:8]}…, but that of "
            f"{score.source or score.name} is {str(score.sha256)[:8]}…: its code has changed; give "
            f"the code as it was, or {made}"
        )
    return score


def _code(typed: str) -> str | None:
    """Return the function that a typed score is, a package's by its name; None if built in."""
    code = code_name(typed)
    if code is not None:
        return f"{code.where}:{code.function}"
    name = typed.partition(":")[0]
    if canonical(name)[0] in SCORES or all(one.name != name for one in entry_points()):
        return None
    return name


def _function(name: str) -> str:
    return name.rpartition(":")[2]


def _option(name: str) -> str:
    """Return what to type for a score, whose name is from an untrusted file."""
    function = shown(_function(name))[1:-1]
    if FILE.fullmatch(name) or ":" not in name:
        return f"--score FILE.py:{function} (in Python: the function)"
    return f"--score {shown(name)[1:-1]}"

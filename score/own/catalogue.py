"""The catalogue of scores: the built-in ones, those of installed packages, or one that is typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Note
from oodcache.score.formulas.registry import SCORES
from oodcache.score.onepass.variants import canonical, check_score
from oodcache.score.own.loading import entry_points, of_entry_point, typed_scores

Facts = Mapping[str, str]
SHORT = ("formula", "docstring", "parameters")


def described(typed: str) -> tuple[str, Facts]:
    """Return a score's name and all facts about it, as in `Score.facts`.

    It may be built in, a package's, or code: FILE.py:FUNCTION. Raises InputError for any other.
    """
    name = canonical(typed)[0]
    if name in SCORES:
        return name, SCORES[name].facts
    own = typed_scores([typed]).own
    if not own:
        check_score(name)
    return next((one.name, one.facts) for one in own.values())


def listed(note: Note) -> Iterator[tuple[str, Facts]]:
    """Yield every score's name with its formula or docstring, and its parameters.

    A package's score that cannot be loaded is noted, and skipped.
    """
    for name, score in SCORES.items():
        yield name, _short(score.facts)
    for point in entry_points():
        if point.name in SCORES:
            note(f"entry point {point.name} = {point.value}: hidden by the built-in score")
            continue
        try:
            yield point.name, _short(of_entry_point(point).facts)
        except InputError as error:
            note(str(error))


def _short(facts: Facts) -> Facts:
    return {key: facts[key] for key in SHORT if key in facts}

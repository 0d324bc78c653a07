"""Measuring in Python: scores in memory, and how to measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oodcache.arguments import checked
from oodcache.cache.errors import InputError
from oodcache.cache.watch import Note, Watch
from oodcache.results import Behind, Results
from oodcache.score.inputs.question import Question
from oodcache.score.measures.result import STANDARD, Conventions
from oodcache.score.words.leak_search import LeakSearch, opened
from oodcache.wording import in_python, noted, to_stderr, typed

if TYPE_CHECKING:
    from oodcache.score.arrays import Arrays
    from oodcache.score.own.function import Function
    from oodcache.score.scoring import Measured

Groups = Mapping[str, Sequence[str]]
NAMES = {"id_set": "id", "ood_sets": "ood", "templates": "template", "streams": "stream"}


@checked()
def metrics(
    id_scores: object,
    ood_scores: object,
    *,
    id: str = "id",
    csid_scores: Mapping[str, object] | None = None,
    lower_is_id: bool = False,
    conventions: Conventions | str = STANDARD,
    bootstrap: int | None = None,
    seed: int | None = None,
    group: Groups | None = None,
    correct: object = None,
    note: Note = to_stderr,
) -> Results:
    """Return the rows of `oodcache metrics` for scores in memory, one per score and OOD set.

    Higher means more ID, unless `lower_is_id`. `id_scores` is one number per image: a list, an
    array or a tensor of shape (n,); `ood_scores` is another, or {set: array}. Several scores are
    {score: array} and {set: {score: array}}, or {score: array} for a single OOD set. Arrays may
    differ in length. `id` names the ID set, `group` is as in `Cache.evaluate`. `csid_scores`,
    {set: array} or {set: {score: array}}, are of covariate-shifted ID images: they count as ID, in
    rows of their own. `correct`, one of 1 and 0 per ID image, tells which are classified correctly:
    it adds `selective`. Raises InputError, which names the argument, for other shapes, NaN, or no
    numbers.

    >>> metrics([0.9, 0.8, 0.7], [0.1, 0.75])[0].auroc
    0.8333333333333334
    """
    return _measured(
        _given(id_scores, ood_scores, id, csid_scores, lower_is_id, correct),
        lower_is_id=lower_is_id,
        conventions=conventions_of(conventions, bootstrap, seed, group),
        compare_scores=False,
        note=note,
    )


@checked()
def compare(
    id_scores: Mapping[str, object],
    ood_scores: Mapping[str, object],
    *,
    id: str = "id",
    csid_scores: Mapping[str, object] | None = None,
    lower_is_id: bool = False,
    conventions: Conventions | str = STANDARD,
    bootstrap: int | None = None,
    seed: int | None = None,
    group: Groups | None = None,
    correct: object = None,
    note: Note = to_stderr,
) -> Results:
    """Return `metrics` of several scores, with the `differences` between them.

    Each pair of scores has a paired DeLong test on every OOD set, adjusted by Holm. All scores are
    of the same images in the same order: raises InputError if their numbers differ, or if there is
    only one score.

    >>> found = compare({"a": [3, 2], "b": [1, 2]}, {"a": [1, 2], "b": [1, 2]})
    >>> found.differences[0].difference
    0.375
    """
    return _measured(
        _given(id_scores, ood_scores, id, csid_scores, lower_is_id, correct),
        lower_is_id=lower_is_id,
        conventions=conventions_of(conventions, bootstrap, seed, group),
        compare_scores=True,
        note=note,
    )


def _given(
    id_scores: object,
    ood_scores: object,
    id_set: str,
    csid_scores: object,
    lower_is_id: bool,
    correct: object,
) -> Arrays:
    from oodcache.score import arrays

    given = arrays.arrays(
        *(id_scores, ood_scores, id_set), lower_is_id=lower_is_id, csid_scores=csid_scores
    )
    return given if correct is None else given.answered(correct)


def _measured(
    given: Arrays,
    *,
    lower_is_id: bool,
    conventions: Conventions,
    compare_scores: bool,
    note: Note,
) -> Results:
    from oodcache.score import arrays

    name = "compare" if compare_scores else "metrics"
    flags = ", csid_scores=csid_scores" * bool(given.csid)
    flags += ", lower_is_id=True" * lower_is_id
    if given.outcomes is not None:
        conventions, flags = replace(conventions, selective=True), f"{flags}, correct=correct"
    if compare_scores and len(given.rows) < 2:
        raise InputError(
            "compare needs at least two scores: give {score: array} as id_scores; or metrics"
        )
    found = arrays.measure(
        given,
        lower_is_id=lower_is_id,
        conventions=conventions,
        compare_scores=compare_scores,
        command=f"oodcache.{name}(id_scores, ood_scores, id={given.id_set!r}{flags})",
        watch=Watch(noted(note)),
    )
    return _results(found, Behind(given=given.parts()), compare_scores, note)


def evaluated(
    question: Question, scores: Sequence[str | Function], compare: bool, note: Note
) -> Results:
    """Return the rows that answer a question, with the differences of `compare`."""
    from oodcache.score import scoring

    question = question.asking(scores)
    found = scoring.score(
        *(question, Watch(noted(note))),
        command=call(question, scores, compare),
        compare_scores=compare,
    )
    return _results(found, Behind(question.cache, question), compare, note)


def _results(found: Measured, behind: Behind, compare: bool, note: Note) -> Results:
    from oodcache.report.findings import exchanged

    if asked := exchanged.question(found.results, found.provenance):
        note(in_python(asked))
    compared = found.differences if compare else None
    return Results(found.results, found.provenance, compared, behind=behind)


def leak_search(
    lists: Mapping[str, str | Path] | None,
    wordnet: str | Path | None,
    leave_out: bool = False,
) -> LeakSearch:
    """Return how leaks are looked for, from the arguments of `Cache.evaluate`."""
    from oodcache.extract.texts import class_files

    files = {name: Path(path) for name, path in (lists or {}).items()}
    classes = opened(files, class_files.read)
    return LeakSearch(classes, None if wordnet is None else Path(wordnet), leave_out)


def conventions_of(
    given: Conventions | str,
    bootstrap: int | None,
    seed: int | None,
    group: Groups | None = None,
    selective: bool = False,
) -> Conventions:
    """Return the conventions with `bootstrap`, `seed`, the groups of `group` and `selective`.

    A text is the FPR convention. Raises InputError if both are given and differ, and for a seed
    without resamples.
    """
    given = Conventions(given) if isinstance(given, str) else given
    if group is not None:
        given = replace(given, groups={**given.groups, **group})
    if selective:
        given = replace(given, selective=True)
    for name, value in (("bootstrap", bootstrap), ("seed", seed)):
        own = getattr(given, name)
        if value is None:
            continue
        if own not in (value, getattr(STANDARD, name)):
            raise InputError(f"{name} is {value!r}, but conventions has {own!r}; give one of them")
        changed: dict[str, Any] = {name: value}
        given = replace(given, **changed)
    if seed is not None and not given.bootstrap:
        raise InputError("seed has no effect without bootstrap=N")
    return given


def _leak_arguments(search: LeakSearch) -> dict[str, Any]:
    """Return the arguments that `leak_search` was given."""
    lists = {name: str(one.path) for name, one in search.lists.items()}
    given = {"leaks_of": lists, "wordnet": search.wordnet, "without_leaks": search.leave_out}
    return {name: value for name, value in given.items() if value}


UNTYPED = ("cache", "models", "variants", "leaks")  # Fields that have arguments of their own.


def call(question: Question, scores: Sequence[str | Function], compare: bool) -> str:
    """Return the call of Cache.evaluate that asks a question."""
    values: dict[str, Any] = {"scores": [*scores]} if scores else {}
    for one in fields(Question):
        value = getattr(question, one.name)
        if one.name not in UNTYPED and value not in (one.default, ()):
            values[NAMES.get(one.name, one.name)] = [*value] if isinstance(value, tuple) else value
    values |= _leak_arguments(question.leaks) | ({"compare": True} if compare else {})
    arguments = ", ".join(f"{name}={typed(value)}" for name, value in values.items())
    return f"oodcache.open({str(question.cache)!r}).evaluate({[*question.models]!r}, {arguments})"

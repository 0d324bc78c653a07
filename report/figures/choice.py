"""Choice of the rows of results and OOD sets that a figure shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from oodcache.cache.errors import InputError
from oodcache.report.figures.figure_rows import FigureRows
from oodcache.report.figures.relabelling import missing, model_titles, new_names, some_names
from oodcache.report.saved.results import Saved
from oodcache.report.tables.grid import (
    Key,
    by_row,
    is_probability,
    model_names,
    some,
)
from oodcache.score.formulas.registry import SCORES
from oodcache.score.measures.result import Result
from oodcache.score.onepass.variants import Variant, parse


@dataclass(frozen=True)
class FigureChoice:
    """What the user named; empty means the kind's default. `labels` are names typed OLD=NEW."""

    models: Sequence[str] = ()
    templates: Sequence[str] = ()
    scores: Sequence[str] = ()
    ood_sets: Sequence[str] = ()
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class Default:
    """A kind's defaults: how many models, scores and templates it shows, None for all.

    With several models, `scores` is the number of rows. `averages` allows averages over OOD sets,
    and scores that learn from a stream, neither of which has single images; `probability` allows
    only scores that are probabilities, `streams` only those that learn from a stream. With a
    default of one score, several are rejected.
    """

    scores: int | None = None
    templates: int | None = 1
    models: int | None = None
    averages: bool = True
    probability: bool = False
    streams: bool = False


def chosen(saved: Saved, choice: FigureChoice, default: Default, what: str) -> FigureRows:
    """Return what a figure called `what` shows; raise InputError for names not in the results.

    The default is every model, unless a kind shows one, the first template, the first scores, and
    every OOD set but averages.
    """
    rows = by_row(saved.results)
    first = {name: next(iter(row.values())) for name, row in rows.items()}
    named = new_names(choice.labels, saved)
    keys = list(rows)
    keys = _by(keys, choice.models, None, lambda one: _models(saved, one), "--model", saved)
    keys = _by(
        keys, choice.templates, default.templates, lambda one: (one[1],), "--template", saved
    )
    if not default.averages:
        keys = _without_streams(keys, first, choice.scores, what, saved)
    if default.probability:
        keys = _probabilities(keys, first, choice.scores, what, saved)
    if default.streams:
        keys = _streams(keys, first, choice.scores, what, saved)
    asked = _asked_scores(choice.scores, _methods(keys, first))
    able = _by(keys, asked, None, lambda one: (one[2],), "--score", saved)
    keys = _fewer(able, default, choice)
    if default.scores == 1 and len(keys) > 1:
        raise InputError(
            f"{what} shows one score under one template; choose one of "
            f"{some_names(name for one in keys for name in one)}"
        )
    results = tuple(one for name in keys for one in rows[name].values())
    sets = _ood_sets(results, choice.ood_sets, default, what, saved)
    return FigureRows(results, sets, named, _left_out(able, keys, default))


def _fewer(keys: Sequence[Key], default: Default, choice: FigureChoice) -> list[Key]:
    """Return the rows that a default draws: of every model that fits, then the first scores."""
    models, most = list(dict.fromkeys(one[0] for one in keys)), default.scores
    fits = [one for one in (default.models, most) if one is not None]
    if fits and not choice.models:
        models = models[: min(fits)]
    kept = [one for one in keys if one[0] in models]
    if most is None or choice.scores:
        return kept
    scores = list(dict.fromkeys(one[2] for one in kept))
    drawn = scores[: max(1, most // len({one[:2] for one in kept}))]
    return [one for one in kept if one[2] in drawn]


def _left_out(able: Sequence[Key], drawn: Sequence[Key], default: Default) -> str:
    """Return the models, and of a figure of several scores the scores, that are not drawn."""
    if default.streams:  # Their figure tells what it leaves out, which may be more.
        return ""
    shown, there = model_names(able), {one[0] for one in drawn}
    models = [name for model, name in shown.items() if model not in there]
    kept = {one[2] for one in drawn}
    scores = [one for one in dict.fromkeys(one[2] for one in able) if one not in kept]
    parts = [f"{some(models)}: choose with --model"] if models else []
    parts += [f"{some(scores)}: choose with --score"] if scores and default.scores != 1 else []
    return f"left out {'; '.join(parts)}" if parts else ""


def _models(saved: Saved, one: Key) -> tuple[str | None, ...]:
    """Return a row's model names: name/pretrained, as typed for `score`, and of own weights."""
    return (None,) if one[0] is None else model_titles(saved.provenance, one[0])


def _by(
    keys: Sequence[Key],
    asked: Sequence[str],
    most: int | None,
    called: Callable[[Key], tuple[str | None, ...]],
    option: str,
    saved: Saved,
) -> list[Key]:
    """Return the rows asked for, in that order, otherwise those of the first `most` names."""
    there = list(dict.fromkeys(called(one)[0] for one in keys))
    if not asked:
        return [one for one in keys if called(one)[0] in there[:most]]
    for text in asked:
        if not any(text in called(one) for one in keys):
            raise missing(option, text, there, saved)
    return list(dict.fromkeys(one for text in asked for one in keys if text in called(one)))


def _methods(keys: Iterable[Key], first: Mapping[Key, Result]) -> dict[str, list[str]]:
    """Return the labels of each score as typed: one, or one for each order of its streams."""
    found: dict[str, list[str]] = {}
    for one in keys:
        method = Variant(first[one].score, first[one].parameters).label
        found.setdefault(method, []).append(one[2])
    return found


def _asked_scores(asked: Iterable[str], there: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the scores as in tables; a grid, or code, may be written as for `score`.

    `there` has the labels of each score; without an order, all of a stream's are meant.
    """
    found: list[str] = []
    for text in asked:
        labels = [text]
        if not any(text in labels for labels in there.values()):
            methods = [text] if text in there else _own_scores(text, there)
            with suppress(InputError):  # The caller rejects it and names the scores that exist.
                methods = methods or [one.label for one in parse(text)]
            if methods and set(methods) <= set(there):
                labels = [label for one in methods for label in there[one]]
        found += labels
    return found


def _own_scores(text: str, there: Iterable[str]) -> list[str]:
    """Return the labels of a user's own score, whose code or name is typed, with any settings.

    The code may be in another folder, and the results may have been made in Python.
    """
    name, wanted = _split(text)
    found = []
    for label in dict.fromkeys(there):
        score, settings = _split(label)
        same = score.rpartition(":")[2] == name.rpartition(":")[2]
        fits = all(settings.get(key) in values.split("|") for key, values in wanted.items())
        if score not in SCORES and same and fits:
            found.append(label)
    return found


def _split(label: str) -> tuple[str, dict[str, str]]:
    """Return a score's name and its settings as text.

    >>> _split("mine.py:gap:k=3,flip=1")
    ('mine.py:gap', {'k': '3', 'flip': '1'})
    """
    name, _, settings = label.rpartition(":")
    if "=" not in settings:
        return label, {}
    pairs = (one.partition("=") for one in settings.split(","))
    return name, {key: value for key, _, value in pairs}


def _probabilities(
    keys: Sequence[Key], first: Mapping[Key, Result], asked: Sequence[str], what: str, saved: Saved
) -> list[Key]:
    none = f"{saved.path}: {what} needs a score that is a probability, such as mcm"
    unfit = f"not a probability, which {what} needs; there are"
    return _able(keys, first, asked, is_probability, none, unfit)


def _streams(
    keys: Sequence[Key], first: Mapping[Key, Result], asked: Sequence[str], what: str, saved: Saved
) -> list[Key]:
    none = (
        f"{saved.path}: {what} needs a score that learns from a stream; score again, with "
        "--score oodd --stream shuffle --output FILE.json"
    )
    unfit = f"does not learn from a stream, which {what} shows; there are"
    return _able(keys, first, asked, lambda one: one.stream is not None, none, unfit)


def _without_streams(
    keys: Sequence[Key], first: Mapping[Key, Result], asked: Sequence[str], what: str, saved: Saved
) -> list[Key]:
    """Return the rows of single images; a score that learns from a stream has several of each."""
    none = (
        f"{saved.path}: {what} shows single images, but every score learns from the stream; "
        "score again, with a score that does not, such as --score mcm --output FILE.json"
    )
    unfit = f"learns from the stream, and {what} shows single images; choose a score that does not"
    if any(one.shots is not None for one in first.values()):
        none = (
            f"{saved.path}: {what} shows single images, but every score has several banks or "
            "draws; score again with one, such as --bank NAME:16 --output FILE.json"
        )
        bank = next(one.bank for one in first.values() if one.shots is not None)
        again = f"score again with one, such as --bank {bank} --output FILE.json, or choose"
        unfit = f"has several banks or draws, and {what} shows single images; {again}"
    return _able(keys, first, asked, _has_images, none, unfit)


def _has_images(one: Result) -> bool:
    """Return whether a row has one score of each image: neither streams nor several banks."""
    return one.stream is None and one.shots is None


def _able(
    keys: Sequence[Key],
    first: Mapping[Key, Result],
    asked: Sequence[str],
    fits: Callable[[Result], bool],
    none: str,
    unfit: str,
) -> list[Key]:
    """Return the rows that fit; raise InputError with `none`, or for `unfit` scores in `asked`."""
    able = [one for one in keys if fits(first[one])]
    if not able:
        raise InputError(none)
    others = [one for one in keys if one not in able]
    known = {name for one in others for name in (one[2], first[one].score)}
    known -= {one[2] for one in able}
    for text in _asked_scores(asked, _methods(keys, first)):
        if text in known:
            raise InputError(
                f"--score {text[:120]}: {unfit}: {some_names(one[2][:60] for one in able)}"
            )
    return able


def _ood_sets(
    results: Sequence[Result], asked: Sequence[str], default: Default, what: str, saved: Saved
) -> tuple[str, ...]:
    averages = {one.ood for one in results if one.is_average}
    there = list(dict.fromkeys(one.ood for one in results))
    single = [one for one in there if one not in averages]
    able = there if default.averages else single
    for text in asked:
        if text in averages and text not in able:
            raise InputError(
                f"--ood {text}: {what} needs images, and an average has none; "
                f"there are: {some_names(single)}"
            )
        if text not in able:
            raise missing("--ood", text, able, saved)
    if not able:
        raise InputError(f"{saved.path}: only averages, but {what} needs images")
    return tuple(dict.fromkeys(asked or single or able))

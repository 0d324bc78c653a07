"""The ranking behind the findings: the rows that can be compared, by AUROC on one column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from oodcache.report.html.renaming import Named, renamed
from oodcache.report.tables.grid import (
    NAMED,
    in_words,
    key,
    model_names,
    prompt,
    prompts,
    some,
)
from oodcache.report.tables.notes.stream_notes import keeps_some
from oodcache.score.measures.result import AVERAGE, Result


@dataclass(frozen=True)
class RankedResults:
    """Comparable rows on one OOD set or average, the highest AUROC first; ties keep their order."""

    rows: tuple[Result, ...]

    @property
    def best(self) -> tuple[Result, ...]:
        """Return the rows with the highest AUROC, several if they tie."""
        return tuple(one for one in self.rows if one.auroc == self.rows[0].auroc)

    @property
    def runners_up(self) -> tuple[Result, ...]:
        """Return the best rows behind the best ones, several if they tie, none if all tie."""
        behind = [one for one in self.rows if one.auroc < self.rows[0].auroc]
        return tuple(one for one in behind if one.auroc == behind[0].auroc)


def ranking(results: Sequence[Result]) -> RankedResults:
    """Return the rows on the average over all OOD sets, or else on the set with the most rows.

    Rows of csid images, diagnostics and rows of a ratio, which has fewer images, are not ranked,
    unless there are no others.
    """
    rows = _or_all([one for one in results if one.spectrum is None], results)
    rows = [one for one in rows if one.id == rows[0].id]
    rows = _or_all([one for one in rows if not one.is_diagnostic], rows)
    rows = _or_all([one for one in rows if not keeps_some(one)], rows)
    counts = Counter(one.ood for one in rows)
    ood = AVERAGE if AVERAGE in counts else counts.most_common(1)[0][0]
    chosen = [one for one in rows if one.ood == ood]
    return RankedResults(tuple(sorted(chosen, key=lambda one: -one.auroc)))


def _or_all(chosen: list[Result], rows: Sequence[Result]) -> list[Result]:
    return chosen or [*rows]


def named(one: Result, results: Sequence[Result], new: Named | None = None) -> str:
    """Return a row in words: its score and its model, and the prompt if there are several.

    `new` has names to show instead of those of the results.
    """
    model, _, score = key(one)
    new = new or {}
    if model is None:
        return renamed(score, new)
    shown = model_names(map(key, results))[model]
    text = f"{renamed(score, new)} with {renamed(shown, new)}"
    return f"{text} and prompt {_prompt(one, new)}" if len(prompts(results)) > 1 else text


def whose_named(one: Result, results: Sequence[Result], new: Named) -> str:
    """Return a row's model and prompt in brackets if there are several, with new names."""
    model, _, _ = key(one)
    models, parts = model_names(map(key, results)), []
    if model is not None and len(models) > 1:
        parts.append(renamed(models[model], new))
    if model is not None and len(prompts(results)) > 1:
        parts.append(f"prompt {_prompt(one, new)}")
    return f" ({', '.join(parts)})" if parts else ""


def _prompt(one: Result, new: Named) -> str:
    return new.get(one.template or "") or prompt(one)


def has_several_banks(results: Sequence[Result]) -> bool:
    """Return whether the run had several banks, which `--compare` refuses."""
    return any(one.shots is not None for one in results)


def sets_of(one: Result, results: Sequence[Result]) -> tuple[str, ...]:
    """Return the OOD sets of a row: those that an average is over, or its own."""
    if not one.is_average:
        return (one.ood,)
    if one.average_of is not None:
        return one.average_of
    same = [row for row in results if key(row) == key(one) and row.id == one.id]
    return tuple(row.ood for row in same if not row.is_average)


def listed(names: Sequence[str]) -> str:
    """Return all names of a few, as in a sentence, or the first few of many.

    >>> listed(["SUN", "Places"]), listed(list("abcdefg"))
    ('SUN and Places', 'a, b, c, d, e and 2 more')
    """
    return some(names) if len(names) > NAMED else in_words(names)

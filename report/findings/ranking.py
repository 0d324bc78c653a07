"""The ranking behind the findings: the rows that can be compared, by AUROC on one column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

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
class Ranking:
    """Comparable rows on one OOD set or average, the highest AUROC first; ties keep their order."""

    rows: tuple[Result, ...]

    @property
    def best(self) -> tuple[Result, ...]:
        """Return the rows with the highest AUROC, several if they tie."""
        return tuple(one for one in self.rows if one.auroc == self.rows[0].auroc)

    @property
    def runner_up(self) -> Result | None:
        """Return the best row behind the best ones, None if there is none."""
        return next((one for one in self.rows if one.auroc < self.rows[0].auroc), None)


def ranking(results: Sequence[Result]) -> Ranking:
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
    return Ranking(tuple(sorted(chosen, key=lambda one: -one.auroc)))


def _or_all(chosen: list[Result], rows: Sequence[Result]) -> list[Result]:
    return chosen or [*rows]


def named(one: Result, results: Sequence[Result]) -> str:
    """Return a row in words: its score and its model, and the prompt if there are several."""
    model, _, score = key(one)
    if model is None:
        return score
    text = f"{score} with {model_names(map(key, results))[model]}"
    return f"{text} and prompt {prompt(one)}" if len(prompts(results)) > 1 else text


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

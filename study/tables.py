"""The study's tables: its rows next to its published numbers, and the difference by step.

A row's key is its model, template and score as typed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oodcache.report.tables.grid import (
    NONE,
    Cell,
    Grid,
    GridRow,
    Key,
    Line,
    by_row,
    interval,
    key,
    percent,
)
from oodcache.score.inputs.accuracy import interval as accuracy_interval
from oodcache.score.measures.result import AVERAGE, Difference, Result
from oodcache.study.published import Published

ACCURACY, AVERAGES = "ID accuracy", "average AUROC"
Rows = Mapping[Key, Mapping[str, Result]]
Tested = Mapping[tuple[Key, Key], Mapping[str, Difference]]


@dataclass(frozen=True)
class StudyRow:
    """A row of the study, on one model, and the study's own numbers if it printed any."""

    heading: str
    key: Key
    published: Published | None


@dataclass(frozen=True)
class Step:
    """One change, from the row `before` to the row `after`; a starting row has no `before`."""

    change: str
    before: Key | None
    after: Key


@dataclass(frozen=True)
class Part:
    """Changes of one kind."""

    heading: str
    steps: tuple[Step, ...]


def study_rows(results: Sequence[Result], shown: Sequence[StudyRow], notes: Sequence[str]) -> Grid:
    """Return accuracy and average AUROC of each row, next to the study's if it has any."""
    rows = by_row(results)
    is_beside = any(one.published for one in shown)
    measures = ("here", "study", "difference") if is_beside else ("here",)

    def row(one: StudyRow) -> GridRow:
        found, study = _whole(rows[one.key]), one.published
        accuracy = _against(found.id_accuracy, None if study is None else study.accuracy)
        auroc = _against(found.auroc, None if study is None else study.auroc.get(AVERAGE))
        sure = interval(accuracy_interval(found.id_accuracy, found.n_id))
        cells = (
            (accuracy[: len(measures)], (sure,)),
            (auroc[: len(measures)], (interval(found.auroc_ci),)),
        )
        model = str(one.key[0])
        return GridRow((one.heading,), (one.heading, model), model, cells)

    return Grid(
        "The study's rows: ID accuracy and the mean AUROC over the OOD sets, in %",
        measures,
        (ACCURACY, AVERAGES),
        ("row", "model"),
        tuple(map(row, shown)),
        tuple(notes),
        row_name="model",
    )


def summary(results: Sequence[Result]) -> Grid:
    """Return accuracy, AUROC, AUPR and FPR95 of one score, one row per OOD set."""
    rows = tuple(
        GridRow(
            (),
            (one.ood,),
            one.ood,
            ((tuple(map(percent, (one.id_accuracy, one.auroc, one.aupr_in, one.fpr95))),),),
        )
        for one in results
    )
    first = results[0]
    return Grid(
        f"{first.model}/{first.pretrained}, {key(first)[2]}, in %",
        ("ACC", "AUROC", "AUPR", "FPR95"),
        (f"ID {first.id}",),
        ("OOD",),
        rows,
        (f"ID positive; AUPR of ID; FPR95 {first.fpr_convention}; prompt {first.template!r}.",),
        row_name="OOD",
    )


def by_step(
    results: Sequence[Result],
    differences: Sequence[Difference],
    parts: Sequence[Part],
    notes: Sequence[str],
) -> Grid:
    """Return the effect of each change on accuracy and AUROC, part by part."""
    rows = by_row(results)
    tested: dict[tuple[Key, Key], dict[str, Difference]] = {}
    for one in differences:
        tested.setdefault((one.second, one.first), {})[one.ood] = one
    ood_sets = list(next(iter(rows.values())))
    ood_sets.sort(key=lambda name: name != AVERAGE)

    def row(part: Part, step: Step) -> GridRow:
        aurocs = (_changed(rows, tested, step, name) for name in ood_sets)
        cells = (_accuracy(rows, step), *aurocs)
        return GridRow((part.heading,), (part.heading, step.change), step.change, cells)

    return Grid(
        "The difference by step: AUROC in %, one change at a time",
        ("before", "after", "change"),
        (ACCURACY, *ood_sets),
        ("part", "change"),
        tuple(row(part, step) for part in parts for step in part.steps),
        (
            "Below each change of AUROC: its 95 % confidence interval (paired DeLong). Same ranks: "
            "no ID image changes its rank among the OOD images.",
            *notes,
        ),
        row_name="change",
    )


def contributions(results: Sequence[Result], softmax: Key) -> str:
    """Return a sentence on what each step from a model's softmax to its sigmoid contributes."""
    rows = by_row(results)
    steps = ("mcm", "mcm:temperature=learned", "max-logit", "sigmoid-mcm:bias=none", "sigmoid-mcm")
    start, learned, maximum, unbiased, sigmoid = (
        _whole(rows[*softmax[:2], score]).auroc for score in steps
    )
    return (
        f"Of the {_signed(sigmoid - start)} points from the softmax of {softmax[0]} to its "
        f"sigmoid, the temperature contributes {_signed(learned - start)}, the maximum instead of "
        f"a softmax {_signed(maximum - learned)}, the sigmoid {_signed(unbiased - maximum)} and "
        f"the bias {_signed(sigmoid - unbiased)}."
    )


def _whole(row: Mapping[str, Result]) -> Result:
    """Return the result averaged over OOD sets, or the only one."""
    return row.get(AVERAGE) or next(iter(row.values()))


def _against(own: float | None, study: float | None) -> Line:
    difference = NONE if own is None or study is None else _signed(own - study)
    return percent(own), percent(study), difference


def _accuracy(rows: Rows, step: Step) -> Cell:
    before = None if step.before is None else _whole(rows[step.before]).id_accuracy
    after, start, change = _against(_whole(rows[step.after]).id_accuracy, before)
    return ((start, after, change),)


def _changed(rows: Rows, tested: Tested, step: Step, ood: str) -> Cell:
    after = rows[step.after][ood].auroc
    if step.before is None:
        return ((NONE, percent(after), NONE),)
    one = tested[step.before, step.after][ood]
    numbers = (percent(rows[step.before][ood].auroc), percent(after), _signed(one.difference))
    return numbers, (_bounds(one.ci),)


def _signed(fraction: float) -> str:
    return f"{100 * fraction:+z.2f}"


def _bounds(ci: tuple[float, float] | None) -> str:
    if ci is None:
        return interval(ci)
    return "same ranks" if ci == (0, 0) else f"[{', '.join(map(_signed, ci))}]"

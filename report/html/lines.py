"""The page's table: a row for each score and OOD set, with its sort keys and filter values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from oodcache.report.html.terms import SLUGS
from oodcache.report.tables.grid import (
    DIAGNOSTIC,
    LEAKS,
    NONE,
    by_row,
    interval,
    leaks,
    model_names,
    percent,
    ranges_of,
    spread,
)
from oodcache.report.tables.grid import key as key_of
from oodcache.score.measures.result import MEASURES, Result


@dataclass(frozen=True)
class Heading:
    """A heading of the page's table; `classes` is "number", "wide" if narrow pages lack it."""

    name: str
    classes: str = ""
    help: str = ""

    @property
    def term(self) -> str:
        """Return the slug of the term that explains it, "" if there is none."""
        return SLUGS.get(self.name, "")


@dataclass(frozen=True)
class PageCell:
    """A cell's text, and the number to sort it by, None to sort by the text.

    Narrow pages show `small` below the text instead of the columns they hide.
    """

    text: str
    sort: float | None = None
    classes: str = ""
    small: str = ""


@dataclass(frozen=True)
class PageLine:
    """A row of the table; `filters` has its value under each name of `filters()`."""

    cells: tuple[PageCell, ...]
    filters: dict[str, str]
    best: bool


NAMES = ("score", "model", "template", "OOD set")
WIDE = ("model", "template")
# The headline measures first, AUROC's interval next to it.
MEASURED = sorted(MEASURES, key=lambda one: not one.is_headline)[1:]
MEASURE_HEADINGS = (
    Heading("AUROC", "number", "in %, ID positive"),
    Heading("interval", "number wide", "of the AUROC"),
    *(Heading(one.heading, "number", one.about) for one in MEASURED),
    Heading("ID acc", "number", "in %"),
    Heading("ID", "number", "images"),
    Heading("OOD", "number", "images"),
)


LEAKS_HEADING = Heading(LEAKS, "number", "words that name a class of the OOD set; ?: not known")


def columns(results: Sequence[Result]) -> list[Heading]:
    """Return the headings; a name that is the same in all rows has none."""
    shown = _shown(filters(results))
    names = (Heading(name, "wide" * (name in WIDE)) for name in shown)
    return [*names, *MEASURE_HEADINGS, *[LEAKS_HEADING] * _any_leaks(results)]


def _any_leaks(results: Sequence[Result]) -> bool:
    return any(one.leaks is not None for one in results)


def _shown(offered: Mapping[str, Sequence[str]]) -> list[str]:
    return [name for name in NAMES if name in offered or name in ("score", "OOD set")]


def filters(results: Sequence[Result]) -> dict[str, list[str]]:
    """Return the values that each filter offers, if it has several."""
    models = model_names(map(key_of, results))
    found = {
        "score": [key[2] for key in by_row(results)],
        "model": [models[key[0]] for key in by_row(results)],
        "template": [key[1] or NONE for key in by_row(results)],
        "OOD set": [one.ood for one in results],
    }
    unique = {name: list(dict.fromkeys(values)) for name, values in found.items()}
    return {name: values for name, values in unique.items() if len(values) > 1}


def lines(results: Sequence[Result]) -> list[PageLine]:
    """Return a row for each result, in order; the highest AUROC of an `id` on a set is `best`.

    It is the highest of the rows of one stream order, or of those without; one alone is not.
    """
    groups: dict[tuple[str, str, str], list[float]] = {}
    for one in results:
        groups.setdefault((one.id, one.ood, _order(one)), []).append(one.auroc)
    is_one = len({_order(one) for one in results}) == 1
    highest = {key: max(own) for key, own in groups.items() if len(own) > 1 or is_one}
    any_leaks = _any_leaks(results)
    offered, models, found = filters(results), model_names(map(key_of, results)), []
    for key, row in by_row(results).items():
        for one in row.values():
            model, template = models[key[0]], key[1] or NONE
            values = {"score": key[2], "model": model, "template": template, "OOD set": one.ood}
            found.append(
                PageLine(
                    (
                        PageCell(
                            DIAGNOSTIC.format(key[2]) if one.is_diagnostic else key[2],
                            small=" · ".join(values[name] for name in WIDE if name in offered),
                        ),
                        *(
                            PageCell(values[name], classes="wide" * (name in WIDE))
                            for name in _shown(offered)[1:]
                        ),
                        replace(_measured(one, "auroc", "auroc"), small=interval(_bounds(one))),
                        PageCell(
                            interval(_bounds(one)),
                            (_bounds(one) or (-1.0,))[0],
                            "number wide",
                        ),
                        *(_measured(one, each.name) for each in MEASURED),
                        _percent(one.id_accuracy),
                        *(
                            PageCell(f"{count:,}", count, "number")
                            for count in (one.n_id, one.n_ood)
                        ),
                        *[_leaks(one)] * any_leaks,
                    ),
                    {name: values[name] for name in offered},
                    one.auroc == highest.get((one.id, one.ood, _order(one))),
                )
            )
    return found


def _bounds(one: Result) -> tuple[float, float] | None:
    """Return the interval of the AUROC, or its range over several draws of a bank."""
    return (ranges_of(one) or {}).get("auroc", one.auroc_ci)


def _order(one: Result) -> str:
    return "" if one.stream is None else one.stream.order


def _measured(one: Result, name: str, classes: str = "") -> PageCell:
    """Return a measure, with its deviation over several shuffles of a stream."""
    fraction: float | None = getattr(one, name)
    sort = -1.0 if fraction is None else fraction
    return PageCell(spread(one, fraction, name), sort, f"number {classes}".strip())


def _leaks(one: Result) -> PageCell:
    """Return the number of leaks; unknown ones sort below all others."""
    known = None if one.leaks is None else one.leaks.names
    return PageCell(leaks(one), -1.0 if known is None else known, "number")


def _percent(fraction: float | None) -> PageCell:
    # Unknown values sort below all others.
    return PageCell(percent(fraction), -1.0 if fraction is None else fraction, "number")

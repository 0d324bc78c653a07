"""Figure of a grid: the headline measures against a parameter, the template or the shots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from oodcache.cache.errors import InputError
from oodcache.report.figures.canvas import (
    LINE,
    NARROW,
    fitted,
    legend,
    legend_height,
    line_style,
    new_figure,
)
from oodcache.report.figures.figure_rows import ALIKE
from oodcache.report.figures.kinds import MOST_LINES, Subject
from oodcache.report.figures.relabelling import missing
from oodcache.report.sweeps import SHOTS, TEMPLATE, Sweep, SweepLine, sweeps
from oodcache.report.tables.grid import as_typed, some
from oodcache.score.measures.result import HEADLINES

RATIO = 20  # Of the largest to the smallest value: from here on the axis is logarithmic.
TALL = 1.5
BAND = 0.2  # Opacity: bands overlap.
RING: dict[str, Any] = {
    "marker": "o",
    "markersize": 8,
    "markerfacecolor": "none",
    "color": "black",
    "linestyle": "",
    "markeredgewidth": 0.7,
}


@dataclass(frozen=True)
class Lane:
    """One row of panels: its title, its lines and their labels."""

    title: str
    lines: tuple[SweepLine, ...]
    labels: tuple[str, ...]


def sweep(subject: Subject) -> Figure:
    """Return a panel for each headline measure, AUROC with intervals; a row for each OOD set.

    A single score has one row, and a line for each OOD set. If a value is not a number, the values
    are listed from the top down. Several draws of a bank have their range as a band.
    """
    chosen = _chosen(subject)
    lanes = _lanes(chosen.lines, subject.chosen.shown)
    values = list(dict.fromkeys(value for one in chosen.lines for value in one.values))
    of_numbers = not any(isinstance(one, str) for one in values)
    styles, labels = _styles(lanes), [*_styles(lanes)]
    handles: list[Artist] = [Line2D([], [], **one) for one in styles.values()]
    words = sorted({word for one in chosen.lines for word in one.words if word})
    if of_numbers and words:
        handles, labels = [*handles, Line2D([], [], **RING)], [*labels, ", ".join(words)]
    tall = TALL if of_numbers else LINE * len(values) * (1 + len(styles) / 6) + 0.4
    above = legend_height(labels, subject.width)
    figure = new_figure(subject.width, len(lanes) * tall + above + 0.3)
    grid = figure.subplots(
        len(lanes), len(HEADLINES), squeeze=False, sharex="all" if of_numbers else "col"
    )
    for pair, lane in zip(grid, lanes, strict=True):
        for axes, measure in zip(pair, HEADLINES, strict=True):
            if of_numbers:
                _numeric(axes, lane, measure, styles)
            else:
                _listed(axes, lane, measure, styles, values)
    _titled(list(grid), lanes, subject, of_numbers=of_numbers)
    _valued(figure, list(grid), chosen.parameter, values, subject.width)
    legend(figure, handles, labels, subject.width)
    return figure


def _valued(
    figure: Figure, grid: Any, parameter: str, values: Sequence[float | str], width: float
) -> None:
    """Label the axis of the parameter, or list its values at the left of each row."""
    numbers = [one for one in values if not isinstance(one, str)]
    if len(numbers) == len(values):
        figure.supxlabel(*fitted([parameter], 72 * width))
        figure.align_ylabels()
        if parameter == SHOTS:
            _doubling(grid[0][0], numbers)
        else:
            _scaled(grid[0][0], numbers, width)
        return
    written = [one if isinstance(one, str) else f"{one:g}" for one in values]
    names = fitted(written, 72 * 0.4 * width)
    for left, *others in grid:
        left.set_yticks(range(len(values)), names)
        for axes in others:
            axes.set_yticks(range(len(values)), [""] * len(values))


def _numeric(axes: Axes, lane: Lane, measure: str, styles: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw a measure against numbers; a ring marks a value typed as a word."""
    for label, line in zip(lane.labels, lane.lines, strict=True):
        x, y = [float(one) for one in line.values], [100 * one for one in line.measured[measure]]
        axes.plot(x, y, **styles[label])
        if all(line.ranges[measure]):
            low, high = 100 * np.array(line.ranges[measure], float).T
            axes.fill_between(x, low, high, color=styles[label]["color"], alpha=BAND, linewidth=0)
        for place, bounds in _intervals(line, measure):
            axes.plot([x[place]] * 2, bounds, **_whisker(styles[label]))
        for place, word in enumerate(line.words):
            if word is not None:
                axes.plot([x[place]], [y[place]], **RING)
    axes.locator_params(axis="y", nbins=4)


def _listed(
    axes: Axes,
    lane: Lane,
    measure: str,
    styles: Mapping[str, Mapping[str, Any]],
    values: Sequence[float | str],
) -> None:
    """Draw a measure of values listed from the top down, its lines side by side at each."""
    for number, (label, line) in enumerate(zip(lane.labels, lane.lines, strict=True)):
        aside = ((number + 0.5) / len(lane.lines) - 0.5) * 0.7
        y = [values.index(one) + aside for one in line.values]
        x = [100 * one for one in line.measured[measure]]
        axes.plot(x, y, **{**styles[label], "linestyle": ""})
        for place, bounds in _intervals(line, measure):
            axes.plot(bounds, [y[place]] * 2, **_whisker(styles[label]))
    axes.set_ylim(len(values) - 0.4, -0.6)
    axes.grid(axis="x", linewidth=0.4, color="0.85")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=3)


def _intervals(line: SweepLine, measure: str) -> Iterator[tuple[int, list[float]]]:
    """Yield the index and the bounds of each interval; only AUROC has any."""
    for place, bounds in enumerate(line.auroc_ci if measure == "auroc" else ()):
        if bounds is not None:
            yield place, [100 * one for one in bounds]


def _whisker(style: Mapping[str, Any]) -> dict[str, Any]:
    return {"color": style["color"], "linewidth": 0.7}


def _titled(grid: Any, lanes: Sequence[Lane], subject: Subject, *, of_numbers: bool) -> None:
    """Title each row of panels with its OOD set, if it has one, and label the measures."""
    names = fitted([one.title for one in lanes], 36 * subject.width)
    for pair, name in zip(grid, names, strict=True):
        pair[0].set_title(name, loc="left")
        for axes, measure in zip(pair, HEADLINES, strict=True):
            if of_numbers:
                axes.set_ylabel(subject.axis(measure))
            elif pair is grid[-1]:
                axes.set_xlabel(subject.axis(measure))


def _scaled(axes: Axes, values: Sequence[float], width: float) -> None:
    """Scale the shared axis: logarithmic if the values lie far apart."""
    low, high = min(values), max(values)
    few = width < NARROW
    if low <= 0 or high / low < RATIO:
        axes.locator_params(axis="x", nbins=2 if few else 4)
        return
    axes.set_xscale("log")
    # Powers of ten if there are two, otherwise both ends.
    tens = LogLocator(numticks=3 if few else 6)
    axes.xaxis.set_major_locator(tens if high / low >= 100 else FixedLocator([low, high]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _doubling(axes: Axes, values: Sequence[float]) -> None:
    """Scale the shared axis by doublings, with each number of images marked, or each second."""
    numbers = sorted(set(values))
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(numbers[:: 1 + len(numbers) // 8]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(FixedLocator([]))


def _lanes(lines: Sequence[SweepLine], shown: Callable[[str], str]) -> list[Lane]:
    """Return a row for each OOD set, lines labelled by what differs; one row for one score.

    Scores whose lines are the same on every OOD set are one line with both names.
    """
    names = _names(lines, shown)
    if len(set(names)) == 1:
        return [Lane("", tuple(lines), tuple(shown(one.ood) for one in lines))]
    of_name: dict[str, dict[str, SweepLine]] = {}
    for one, name in zip(lines, names, strict=True):
        of_name.setdefault(name, {})[one.ood] = one
    alike: dict[str, list[str]] = {}
    for name, own in of_name.items():
        drawn = repr([(ood, one.values, one.measured, one.ranges) for ood, one in own.items()])
        alike.setdefault(drawn, []).append(name)
    return [
        Lane(
            shown(ood),
            tuple(of_name[same[0]][ood] for same in alike.values() if ood in of_name[same[0]]),
            tuple(ALIKE.join(same) for same in alike.values() if ood in of_name[same[0]]),
        )
        for ood in dict.fromkeys(one.ood for one in lines)
    ]


def _names(lines: Sequence[SweepLine], shown: Callable[[str], str]) -> list[str]:
    """Return what distinguishes lines of one OOD set."""
    names = [(one.model, one.template, one.score) for one in lines]
    several = (*(len({name[place] for name in names}) > 1 for place in range(2)), True)
    return [" · ".join(shown(str(part)) for part in compress(name, several)) for name in names]


def _styles(lanes: Sequence[Lane]) -> dict[str, dict[str, Any]]:
    labels = dict.fromkeys(label for one in lanes for label in one.labels)
    return {label: line_style(place) for place, label in enumerate(labels)}


def _chosen(subject: Subject) -> Sweep:
    """Return the lines to draw; raise InputError for names not in the results."""
    sets, path = subject.chosen.ood_sets, subject.saved.path
    results = tuple(one for one in subject.chosen.results if one.ood in sets)
    found = {one.parameter: one for one in sweeps(replace(subject.saved, results=results))}
    if not found:
        raise InputError(
            f"{path}: no parameter has several values, and there is one template; score a grid, "
            "such as --score 'mcm:temperature=1|0.1|learned'"
        )
    parameter = subject.parameter or next(iter(found))
    if parameter not in found:
        raise missing("--parameter", parameter, found, subject.saved)
    lines = found[parameter].lines
    if not subject.choice.templates and parameter != TEMPLATE:
        lines = tuple(one for one in lines if one.template == lines[0].template)
    there = list(dict.fromkeys(one.score for one in lines))
    several = len({(one.model, one.template) for one in lines})
    scores = _named(subject, there) or there[: max(1, MOST_LINES // several)]
    if left := [one for one in there if one not in scores and not subject.choice.scores]:
        subject.note(f"left out {some(left)}: choose with --score")
    return Sweep(parameter, tuple(one for one in lines if one.score in scores))


def _named(subject: Subject, there: Sequence[str]) -> list[str]:
    """Return the lines of the scores that the user named, with or without their settings."""
    found: list[str] = []
    for text in subject.choice.scores:
        named = [one for one in there if text in (one, _score_of(one))]
        typed = {name for one in subject.saved.results for name in (one.score, as_typed(one))}
        if not named and text in typed and _score_of(text) not in map(_score_of, there):
            what = "has one value of each parameter, and a sweep needs several; there are"
            raise InputError(f"--score {text[:120]}: {what}: {', '.join(there)[:500]}")
        if not named:
            raise missing("--score", text, there, subject.saved)
        found += named
    return found


def _score_of(label: str) -> str:
    return label.partition(":")[0]

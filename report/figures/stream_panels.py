"""Panels of streams: a row for each quantity, a column for each method, and a strip of points."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oodcache.report.figures.canvas import LINE, NARROW, fitted, width_of
from oodcache.report.figures.kinds import WIDTHS, Subject
from oodcache.report.streams import StreamCourse, windows
from oodcache.score.measures.orders.stream_path import FEWEST_OF_A_SIDE
from oodcache.score.measures.result import HEADLINES, StreamPath

# Inches. A panel's narrowest width and its height, in two sizes; the gaps between panels; the
# margins for labels and numbers; what a title, an axis, and an axis with its label take.
LARGE, SMALL = (1.0, 0.85), (0.64, 0.6)
ACROSS, DOWN = 0.16, 0.15
LEFT, RIGHT, EDGE = 0.8, 0.2, 0.05
TITLE, NUMBERS, AXIS = 0.22, 0.22, 0.42
# The width of a number below a strip, with what keeps it apart, and the gap between two strips.
NUMBER, BETWEEN = 0.45, 0.36
# Largest share of the width for the names of methods beside a strip.
NAMES = 0.34
# Shares are never scaled to their range; a line along an end is not cut.
SHARES = (-4.0, 104.0)
STRIP = "each order, whole streams"
FEW = f"fewer than {FEWEST_OF_A_SIDE}\nof ID or OOD"
CENTRE: Mapping[str, Any] = {"va": "center", "ha": "center"}
Values = Sequence[float | None]
Limits = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """One row of panels: its label, what notes call it, and what a path has for it.

    `of` returns the images so far and the values, None if the method has none. `percent` numbers
    are shares; a `measure` is of windows.
    """

    label: str
    name: str
    of: Callable[[StreamPath], tuple[Sequence[int], Values | None]]
    percent: bool = True
    is_measure: bool = False

    def values(self, one: StreamCourse) -> Values | None:
        """Return the values of a course, None if it has none."""
        return None if one.path is None else self.of(one.path)[1]


@dataclass(frozen=True)
class Looks:
    """How lines look: the style of each order, and the axis of each quantity by its label."""

    styles: Mapping[str, Mapping[str, Any]]
    limits: Limits


def lines_of(subject: Subject, shown: Sequence[StreamCourse]) -> list[Line]:
    """Return the quantities that any of the courses has, from the top down."""

    def measure(name: str) -> Line:
        return Line(
            subject.axis(name),
            f"{HEADLINES[name].heading} of windows",
            lambda path: (path.ends, path.measured[name]),
            is_measure=True,
        )

    every = [
        *map(measure, HEADLINES),
        Line("ID memory:\nID (%)", "the ID memory", lambda one: (one.moments, one.id_share)),
        Line("OOD memory:\nOOD (%)", "the OOD memory", lambda one: (one.moments, one.ood_share)),
        Line("threshold", "the threshold", lambda one: (one.moments, one.threshold), percent=False),
    ]
    return [line for line in every if any(line.values(one) is not None for one in shown)]


def limits(lines: Sequence[Line], shown: Sequence[StreamCourse]) -> Limits:
    """Return the axis of each quantity: the same in all panels of a figure."""
    found: dict[str, tuple[float, float]] = {}
    for line in lines:
        by = 100 if line.percent else 1
        every = [
            by * value for one in shown for value in line.values(one) or () if value is not None
        ]
        low, high = (min(every), max(every)) if every else (0.0, 1.0)
        gap = 0.08 * (high - low) or 0.05 * by
        is_share = line.percent and not line.is_measure
        found[line.label] = SHARES if is_share else (low - gap, high + gap)
    return found


@dataclass
class Sheet:
    """A figure that is filled from the top; `used` inches of it are."""

    figure: Figure
    used: float

    def axes(self, left: float, width: float, height: float, label: str) -> Axes:
        """Return axes at the place that has been reached, in inches."""
        across, down = self.figure.get_size_inches()
        bottom = 1 - (self.used + height) / down
        place = (left / across, bottom, width / across, height / down)
        return self.figure.add_axes(place, label=label)

    def text(self, left: float, below: float, text: str, look: Mapping[str, Any]) -> None:
        """Write a text, `below` inches under the place that has been reached."""
        across, down = self.figure.get_size_inches()
        self.figure.text(left / across, 1 - (self.used + below) / down, text, **look)


@dataclass
class Block:
    """What is drawn of one OOD set: panels along its streams, then a strip of all orders.

    `size` is a panel's narrowest width and its height.
    """

    title: str
    shown: Sequence[StreamCourse]
    subject: Subject
    lines: Sequence[Line]
    size: tuple[float, float]
    looks: Looks
    rows: list[Sequence[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.methods = list(dict.fromkeys(one.method for one in self.shown))
        along = [one for one in self.methods if any(self._has(line, one) for line in self.lines)]
        room = self.subject.width - LEFT - RIGHT
        most = max(1, int((room + ACROSS) / (self.size[0] + ACROSS)))
        number = math.ceil(len(along) / most)
        columns = math.ceil(len(along) / number) if number else 1
        self.rows = [along[first : first + columns] for first in range(0, len(along), columns)]
        self.panel = (room + ACROSS) / columns - ACROSS

    def _has(self, line: Line, method: str) -> bool:
        return any(line.values(one) is not None for one in self.shown if one.method == method)

    def _lines_of(self, methods: Sequence[str]) -> list[Line]:
        return [line for line in self.lines if any(self._has(line, one) for one in methods)]

    @property
    def height(self) -> float:
        """Return the height of everything."""
        tall = self.size[1] + DOWN
        panels = sum(len(self._lines_of(row)) * tall - DOWN + TITLE for row in self.rows)
        below = (len(self.rows) - 1) * NUMBERS + AXIS if self.rows else 0.0
        strips = 1 if self._is_wide else len(HEADLINES)
        strip = TITLE + strips * (LINE * len(self.methods) + AXIS)
        return TITLE + panels + below + strip

    @property
    def _is_wide(self) -> bool:
        """Whether strips are side by side: with small panels also within a column of a page."""
        least = WIDTHS["one"] if self.size == SMALL else NARROW
        return self.subject.width >= least

    def draw(self, sheet: Sheet) -> None:
        """Draw everything, from the top down."""
        (title,) = fitted([self.title], 72 * self.subject.width * 0.85)
        sheet.text(EDGE, TITLE / 2, title, {"va": "center", "fontweight": "bold"})
        sheet.used += TITLE
        for row in self.rows:
            self._along(sheet, row)
            sheet.used += AXIS if row is self.rows[-1] else NUMBERS
        if self.rows:
            middle = LEFT + (len(self.rows[-1]) * (self.panel + ACROSS) - ACROSS) / 2
            text = f"images so far (window: {windows(self.shown)})"
            half = min(middle, self.subject.width - middle) - EDGE
            (text,) = fitted([text], 72 * 2 * half)
            sheet.text(middle, -0.13, text, CENTRE)
        sheet.text(EDGE, TITLE / 2, STRIP, {"va": "center"})
        sheet.used += TITLE
        self._strip(sheet)

    def _along(self, sheet: Sheet, methods: Sequence[str]) -> None:
        """Draw a column of panels for each method, a row for each quantity that one has."""
        lefts = [LEFT + place * (self.panel + ACROSS) for place in range(len(methods))]
        for left, title in zip(lefts, fitted(methods, 72 * self.panel), strict=True):
            sheet.text(left + self.panel / 2, TITLE / 2, title, CENTRE)
        sheet.used += TITLE
        lines = self._lines_of(methods)
        last = {one: [line for line in lines if self._has(line, one)][-1] for one in methods}
        label = {"rotation": 90, "va": "center", "ha": "left", "linespacing": 1.1}
        for line in lines:
            text = line.label.replace(", ", ",\n")
            sheet.text(EDGE, self.size[1] / 2, text, label)
            is_first = True
            for left, method in zip(lefts, methods, strict=True):
                if self._has(line, method):
                    axes = sheet.axes(left, self.panel, self.size[1], f"{method}: {line.label}")
                    self._panel(axes, line, [one for one in self.shown if one.method == method])
                    axes.tick_params(labelleft=is_first, labelbottom=line is last[method])
                    is_first = False
            sheet.used += self.size[1] + DOWN
        sheet.used -= DOWN

    def _panel(self, axes: Axes, line: Line, own: Sequence[StreamCourse]) -> None:
        """Draw one quantity of one method, a line for each order."""
        axes.locator_params(axis="x", nbins=2)
        axes.locator_params(axis="y", nbins=2 if self.size == SMALL else 3)
        paths = [one.path for one in self.shown if one.path is not None]
        axes.set_xlim(0, 1.03 * max(max(*one.ends, *one.moments, 1) for one in paths))
        axes.set_ylim(*self.looks.limits[line.label])
        if all(value is None for one in own for value in line.values(one) or ()):
            axes.text(0.5, 0.5, FEW, fontsize=6, transform=axes.transAxes, **CENTRE)
        for one in own:
            if one.path is not None and (values := line.of(one.path)[1]) is not None:
                y = np.array([np.nan if value is None else value for value in values])
                look = {
                    **self.looks.styles[one.order],
                    "markevery": alone(values),
                    "linewidth": 1.0,
                }
                axes.plot(line.of(one.path)[0], (100 if line.percent else 1) * y, **look)

    def _strip(self, sheet: Sheet) -> None:
        """Draw a point for each order of each method, a panel for each headline measure."""
        labels = fitted(self.methods, 72 * NAMES * self.subject.width)
        left = max(width_of(one) for one in labels) / 72 + 2 * EDGE + 0.05
        room = self.subject.width - left - RIGHT
        tall = LINE * len(labels)
        width = (room + BETWEEN) / len(HEADLINES) - BETWEEN if self._is_wide else room
        for place, measure in enumerate(HEADLINES):
            start = left + place * (width + BETWEEN) if self._is_wide else left
            axes = sheet.axes(start, width, tall, f"strip: {measure}")
            self._points(axes, measure)
            axes.set_yticks(range(len(labels)), labels if start == left else [""] * len(labels))
            axes.set_xlabel(self.subject.axis(measure))
            if not self._is_wide:
                sheet.used += tall + AXIS
        if self._is_wide:
            sheet.used += tall + AXIS

    def _points(self, axes: Axes, measure: str) -> None:
        for order, look in self.looks.styles.items():
            points = [
                (100 * measures[measure], self.methods.index(one.method))
                for one in self.shown
                if one.order == order
                for measures in one.orders.values()
            ]
            x, y = zip(*points, strict=True) if points else ((), ())
            axes.plot(x, y, **{**look, "linestyle": "", "alpha": 0.8})
        axes.set_ylim(len(self.methods) - 0.4, -0.6)
        axes.grid(axis="y", linewidth=0.4, color="0.85")
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
        width = axes.get_position().width * self.subject.width
        axes.locator_params(axis="x", nbins=max(1, min(4, int(width / NUMBER))))


def alone(values: Values) -> list[int]:
    """Return the places of values between gaps, which no line would show.

    >>> alone([0.5, None, 0.5, 0.5, None])
    [0]
    """
    found, place = [], 0
    for is_gap, run in groupby(values, key=lambda one: one is None):
        length = len(list(run))
        if length == 1 and not is_gap:
            found.append(place)
        place += length
    return found

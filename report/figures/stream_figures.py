"""Figure of streams: measures and memory along each, and how far the orders of a score differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from oodcache.cache.errors import InputError
from oodcache.report.figures.canvas import (
    LINE,
    NARROW,
    fitted,
    legend,
    legend_height,
    line_style,
    new_figure,
    width_of,
)
from oodcache.report.figures.kinds import Subject
from oodcache.report.streams import StreamCourse, courses, lacks_paths, windows
from oodcache.score.measures.result import HEADLINES, StreamPath

# Inches. A panel's narrowest width, its height, and the gaps between panels; the margins for labels
# and numbers; what a title, and an axis with its label, take.
PANEL, TALL, ACROSS, DOWN = 1.0, 0.85, 0.16, 0.15
LEFT, RIGHT, EDGE = 0.8, 0.2, 0.05
TITLE, AXIS = 0.22, 0.42
# Largest share of the width for the names of methods beside a strip.
NAMES = 0.34
STRIP = "each order, whole streams"
CENTRE = {"va": "center", "ha": "center"}
Values = Sequence[float | None]
Styles = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Line:
    """One line of a panel: its label, and what a path has for it, with the images so far.

    `percent` numbers are shares.
    """

    label: str
    of: Callable[[StreamPath], tuple[Sequence[int], Values | None]]
    percent: bool = True


def stream(subject: Subject) -> Figure:
    """Return panels along the streams of each method, then all orders' measures, by OOD set.

    Lines and points of an order look alike in all panels.
    """
    results = [one for one in subject.chosen.results if one.ood in subject.chosen.ood_sets]
    if lacks_paths(results):
        raise InputError(
            f"{subject.saved.path}: its streams have no paths, which this version adds; "
            "score again, with --output FILE.json"
        )
    shown = courses(results)
    orders = list(dict.fromkeys(one.order for one in shown))
    styles = {order: line_style(place) for place, order in enumerate(orders)}
    sets = {ood: [one for one in shown if one.ood == ood] for ood in subject.chosen.ood_sets}
    blocks = [Block(ood, courses, subject) for ood, courses in sets.items()]
    above = legend_height(orders, subject.width) + 0.15
    # Placed by hand: a layout engine takes seconds for so many panels.
    height = above + sum(one.height for one in blocks)
    figure = new_figure(subject.width, height, layout=None)
    sheet = Sheet(figure, above)
    for one in blocks:
        one.draw(sheet, styles)
    handles: list[Artist] = [Line2D([], [], **look) for look in styles.values()]
    legend(figure, handles, orders, subject.width)
    return figure


@dataclass
class Sheet:
    """A figure that is filled from the top; `used` inches of it are."""

    figure: Figure
    used: float

    def axes(self, left: float, width: float, height: float, shared: Mapping[str, Any]) -> Axes:
        """Return axes at the place that has been reached, in inches."""
        across, down = self.figure.get_size_inches()
        bottom = 1 - (self.used + height) / down
        return self.figure.add_axes(
            (left / across, bottom, width / across, height / down), **shared
        )

    def text(self, left: float, below: float, text: str, look: Mapping[str, Any]) -> None:
        """Write a text, `below` inches under the place that has been reached."""
        across, down = self.figure.get_size_inches()
        self.figure.text(left / across, 1 - (self.used + below) / down, text, **look)


class Block:
    """What is drawn of one OOD set: panels along its streams, then a strip of all orders."""

    def __init__(self, ood: str, shown: Sequence[StreamCourse], subject: Subject) -> None:
        self._shown, self._subject, self._width = shown, subject, subject.width
        self._methods = list(dict.fromkeys(one.method for one in shown))
        (self._title,) = fitted([f"OOD: {ood}"], 72 * self._width * 0.85)
        room = self._width - LEFT - RIGHT
        columns = min(len(self._methods), max(1, int((room + ACROSS) / (PANEL + ACROSS))))
        self._panel_width = (room + ACROSS) / columns - ACROSS
        starts = range(0, len(self._methods), columns)
        rows = [self._methods[first : first + columns] for first in starts]
        every = [(methods, self._lines_of(methods)) for methods in rows]
        self._rows = [(methods, lines) for methods, lines in every if lines]

    def _lines_of(self, methods: Sequence[str]) -> list[Line]:
        """Return the quantities that any of these methods has."""
        own = [one for one in self._shown if one.method in methods]
        return [line for line in _lines(self._subject) if any(_values(line, one) for one in own)]

    @property
    def height(self) -> float:
        """Return the height of everything."""
        panels = sum(len(lines) * (TALL + DOWN) - DOWN for _, lines in self._rows)
        strips = 1 if self._is_wide else len(HEADLINES)
        strip = TITLE + strips * (LINE * len(self._methods) + AXIS)
        return TITLE + panels + (TITLE + AXIS) * len(self._rows) + strip

    @property
    def _is_wide(self) -> bool:
        return self._width >= NARROW

    def draw(self, sheet: Sheet, styles: Styles) -> None:
        """Draw everything, from the top down."""
        sheet.text(EDGE, TITLE / 2, self._title, {"va": "center", "fontweight": "bold"})
        sheet.used += TITLE
        for methods, lines in self._rows:
            self._along(sheet, methods, lines, styles)
        sheet.text(EDGE, TITLE / 2, STRIP, {"va": "center"})
        sheet.used += TITLE
        self._strip(sheet, styles)

    def _along(
        self, sheet: Sheet, methods: Sequence[str], lines: Sequence[Line], styles: Styles
    ) -> None:
        """Draw a column of panels for each method, a row for each quantity."""
        lefts = [LEFT + place * (self._panel_width + ACROSS) for place in range(len(methods))]
        titles = fitted(methods, 72 * self._panel_width)
        for left, title in zip(lefts, titles, strict=True):
            middle = left + self._panel_width / 2
            sheet.text(middle, TITLE / 2, title, CENTRE)
        sheet.used += TITLE
        below: Axes | None = None
        for number, line in enumerate(lines):
            label = {"rotation": 90, "va": "center", "ha": "left", "linespacing": 1.1}
            sheet.text(EDGE, TALL / 2, line.label.replace(", ", ",\n"), label)
            first: Axes | None = None
            for left, method in zip(lefts, methods, strict=True):
                shared = {"sharex": below, "sharey": first, "label": f"{method}: {line.label}"}
                axes = sheet.axes(left, self._panel_width, TALL, shared)
                own = [one for one in self._shown if one.method == method]
                _panel(axes, line, own, styles)
                axes.tick_params(labelleft=first is None, labelbottom=number == len(lines) - 1)
                first, below = first or axes, below or axes
            sheet.used += TALL + DOWN
        sheet.used += AXIS - DOWN
        text = f"images so far (window: {windows(self._shown)})"
        (text,) = fitted([text], 72 * (self._width - 2 * EDGE))
        sheet.text(self._width / 2, -0.13, text, CENTRE)

    def _strip(self, sheet: Sheet, styles: Styles) -> None:
        """Draw a point for each order of each method, a panel for each headline measure."""
        labels = fitted(self._methods, 72 * NAMES * self._width)
        left = max(width_of(one) for one in labels) / 72 + 2 * EDGE + 0.05
        room = self._width - left - RIGHT
        tall = LINE * len(labels)
        width = (room + RIGHT) / len(HEADLINES) - RIGHT if self._is_wide else room
        for place, measure in enumerate(HEADLINES):
            start = left + place * (width + RIGHT) if self._is_wide else left
            axes = sheet.axes(start, width, tall, {"label": f"strip: {measure}"})
            self._points(axes, measure, styles)
            axes.set_yticks(range(len(labels)), labels if start == left else [""] * len(labels))
            axes.set_xlabel(self._subject.axis(measure))
            if not self._is_wide:
                sheet.used += tall + AXIS
        if self._is_wide:
            sheet.used += tall + AXIS

    def _points(self, axes: Axes, measure: str, styles: Styles) -> None:
        for one in self._shown:
            x = [100 * measures[measure] for measures in one.orders.values()]
            y = [self._methods.index(one.method)] * len(x)
            axes.plot(x, y, **{**styles[one.order], "linestyle": "", "alpha": 0.8})
        axes.set_ylim(len(self._methods) - 0.4, -0.6)
        axes.grid(axis="y", linewidth=0.4, color="0.85")
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
        axes.locator_params(axis="x", nbins=4)


def _panel(axes: Axes, line: Line, own: Sequence[StreamCourse], styles: Styles) -> None:
    """Draw one quantity of one method, a line for each order."""
    axes.locator_params(axis="x", nbins=2)
    axes.locator_params(axis="y", nbins=3)
    if not any(_values(line, one) for one in own):
        axes.text(0.5, 0.5, "none", ha="center", va="center", transform=axes.transAxes)
    for one in own:
        if one.path is not None and (values := line.of(one.path)[1]) is not None:
            y = np.array([np.nan if value is None else value for value in values])
            look = {**styles[one.order], "markevery": alone(values), "linewidth": 1.0}
            axes.plot(line.of(one.path)[0], (100 if line.percent else 1) * y, **look)


def _lines(subject: Subject) -> list[Line]:
    """Return what panels may show, from the top down."""

    def measure(name: str) -> Line:
        return Line(subject.axis(name), lambda path: (path.ends, path.measured[name]))

    return [
        *map(measure, HEADLINES),
        Line("ID memory:\nID (%)", lambda path: (path.moments, path.id_share)),
        Line("OOD memory:\nOOD (%)", lambda path: (path.moments, path.ood_share)),
        Line("threshold", lambda path: (path.moments, path.threshold), percent=False),
    ]


def _values(line: Line, one: StreamCourse) -> Values | None:
    return None if one.path is None else line.of(one.path)[1]


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

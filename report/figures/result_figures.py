"""Figures of results alone: the forest plot of AUROC, and the heat map."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from oodcache.report.figures.canvas import (
    COLOURS,
    LINE,
    NARROW,
    fitted,
    new_figure,
    subplots,
    width_of,
)
from oodcache.report.figures.kinds import Subject
from oodcache.report.tables.grid import NONE, model_names, ranges_of
from oodcache.score.measures.result import HEADLINES, Result

NAMES = 0.5, 0.3  # Largest share of the width of a narrow figure, and of a wide one.
# Size and decimals of the numbers in a heat map's cells: the first pair that fits is used.
NUMBERS = ((8.0, 2), (8.0, 1), (7.0, 1), (6.0, 1), (6.0, 0), (5.0, 0))
# Points: the margins, the longest name of a column, the narrowest cell with a number; and the
# rotation of a name in degrees.
MARGIN, NAME, CELL, ANGLE = 14.0, 75.0, 16.0, 45
BAR = 0.08
THIN = 0.6  # Points: the line of a range over draws, which is no interval.
BOLD = 1.12  # How much wider bold digits are.
Matrix = npt.NDArray[np.float64]
Colours = tuple[Colormap, Normalize]


@dataclass(frozen=True)
class ForestLine:
    """A line of a forest plot: a row's name and results by OOD set, or a model's heading."""

    name: str
    row: Mapping[str, Result] | None = None


def results(subject: Subject) -> Figure:
    """Return a forest plot: a panel for each OOD set, a line for each row, grouped by model."""
    rows, sets = _forest_lines(subject), subject.chosen.ood_sets
    narrow = subject.width < NARROW
    room = NAMES[0 if narrow else 1] * subject.width
    columns = 1 if narrow else min(len(sets), max(1, int((subject.width - room) / 1.1)))
    lines = math.ceil(len(sets) / columns)
    figure = new_figure(subject.width, lines * (LINE * len(rows) + 0.4) + 0.3)
    axes = subplots(figure, len(sets), columns, sharex=True, sharey=True)
    bold = BOLD if any(one.row is None for one in rows) else 1.0
    labels = fitted([one.name for one in rows], 72 * room / bold)
    titles = fitted(subject.chosen.titles(), 72 * (subject.width - room) / columns - 4)
    for one, ood, title in zip(axes, sets, titles, strict=True):
        _forest(one, [None if row.row is None else row.row.get(ood) for row in rows])
        one.set_title(title)
    for one in axes[-columns:]:
        one.xaxis.set_tick_params(labelbottom=True)
    for one in axes[::columns]:
        _named(one, labels, [row.row is None for row in rows])
    drawn = [one for line in rows for one in (line.row or {}).values()]
    figure.supxlabel(_beside(drawn))
    return figure


def _forest_lines(subject: Subject) -> list[ForestLine]:
    """Return the lines from the top down; models with several rows each have headings."""
    rows, labels = subject.chosen.rows(), subject.chosen.labels()
    models = model_names(rows)
    if len(models) == 1 or len(rows) == len(models):
        return [ForestLine(*one) for one in zip(labels, rows.values(), strict=True)]
    found = []
    for model, title in models.items():
        own = {key: row for key, row in rows.items() if key[0] == model}
        found.append(ForestLine(subject.chosen.shown(title)))
        templates = len({key[1] for key in rows}) > 1
        for key, row in own.items():
            parts = (key[2], *([key[1] or NONE] if templates else []))
            found.append(ForestLine(" · ".join(map(subject.chosen.shown, parts)), row))
    return found


def _named(axes: Axes, labels: Sequence[str], is_heading: Sequence[bool]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    for text, bold in zip(axes.get_yticklabels(), is_heading, strict=True):
        text.set_fontweight("bold" if bold else "normal")


def _forest(axes: Axes, row: Sequence[Result | None]) -> None:
    """Draw the results from the top down: a thin line is a range, an open circle no interval."""
    for place, one in enumerate(row):
        if one is None:
            continue
        if one.auroc_ci is not None:
            axes.plot([100 * bound for bound in one.auroc_ci], [place, place], color=COLOURS[0])
        if (ranges := ranges_of(one)) is not None:
            ends = [100 * bound for bound in ranges["auroc"]]
            axes.plot(ends, [place, place], color=COLOURS[0], linewidth=THIN)
        face = "white" if one.auroc_ci is None else COLOURS[0]
        axes.plot([100 * one.auroc], [place], "o", color=COLOURS[0], markerfacecolor=face)
    axes.set_yticks(range(len(row)), [""] * len(row))
    axes.set_ylim(len(row) - 0.4, -0.6)
    axes.grid(axis="x", linewidth=0.4, color="0.85")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=4)


def _beside(drawn: Sequence[Result]) -> str:
    """Return the title of the axis, which says what the lines are."""
    has_range = [ranges_of(one) is not None for one in drawn]
    if all(has_range):
        return "AUROC (%) and its range over draws"
    thin = "; thin: range over draws" if any(has_range) else ""
    return f"AUROC (%) and 95 % interval{thin}"


def heatmap(subject: Subject) -> Figure:
    """Return a heat map with numbers; bright is better, the best of a column is bold.

    Streams are compared in equal orders: with several kinds of rows each has its own best.
    """
    rows, sets = list(subject.chosen.rows().values()), subject.chosen.ood_sets
    values: Matrix = np.full((len(rows), len(sets)), np.nan)
    for place, row in enumerate(rows):
        for column, ood in enumerate(sets):
            if ood in row:
                values[place, column] = 100 * getattr(row[ood], subject.measure)
    wide = 72 * subject.width
    room = NAMES[0 if subject.width < NARROW else 1] * wide
    # Names shrink, down to a quarter of the width, so that cells can hold a number.
    room = min(room, max(wide - MARGIN - CELL * len(sets), wide / 4))
    labels = fitted(subject.chosen.labels(), room)
    figure = new_figure(subject.width, LINE * len(rows) + 1.3)
    axes, below = figure.subplots(2, 1, height_ratios=(LINE * len(rows), BAR))
    axes.set_yticks(np.arange(len(rows)) + 0.5, labels)
    left = max(map(width_of, labels))
    left = max(left, _columns(axes, subject.chosen.titles(), wide - left - MARGIN))
    cells = wide - left - MARGIN
    colours = _coloured(axes, below, values, subject)
    lower = HEADLINES[subject.measure].lower_is_better
    best = _best(rows, values, lower_is_better=lower)
    _numbers(axes, values, colours, cells / len(sets), best)
    return figure


def _coloured(axes: Axes, below: Axes, values: Matrix, subject: Subject) -> Colours:
    """Draw the cells, and the colour bar below them."""
    there = values[np.isfinite(values)]
    low, high = float(there.min()), float(there.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    scale = Normalize(low, high)
    colours = colormaps["cividis_r" if HEADLINES[subject.measure].lower_is_better else "cividis"]
    mesh = axes.pcolormesh(
        np.ma.masked_invalid(values), cmap=colours, norm=scale, edgecolors="white", linewidth=0.5
    )
    axes.set_ylim(len(values), 0)
    axes.tick_params(length=0)
    axes.set_frame_on(False)
    bar = axes.figure.colorbar(mesh, cax=below, orientation="horizontal")
    bar.set_label(subject.axis(subject.measure))
    bar.outline.set_visible(False)
    bar.ax.locator_params(nbins=4)
    return colours, scale


def _columns(axes: Axes, sets: Sequence[str], room: float) -> float:
    """Name the columns above them within `room` points; return the width needed at the left.

    Names wider than a cell are rotated and end above their column, extending over the row names.
    """
    axes.xaxis.tick_top()
    names = fitted(sets, NAME)
    turn: dict[str, Any] = {}
    if max(map(width_of, names)) > room / len(sets) - 4:
        turn = {"rotation": -ANGLE, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(np.arange(len(sets)) + 0.5, names, **turn)
    return NAME * math.cos(math.radians(ANGLE)) if turn else 0.0


def _best(
    rows: Sequence[Mapping[str, Result]], values: Matrix, *, lower_is_better: bool
) -> npt.NDArray[np.bool_]:
    """Return which numbers are the best of their column, among rows of the same stream order.

    A single row of its order, beside others, is the best of nothing.
    """
    orders = [next((one.stream.order for one in row.values() if one.stream), "") for row in rows]
    found = np.zeros(values.shape, bool)
    for order in (several := dict.fromkeys(orders)):
        own = np.array([one == order for one in orders])
        some = values[own]
        if len(some) > 1 or len(several) == 1:
            best = np.fmin.reduce(some) if lower_is_better else np.fmax.reduce(some)
            found[own] = some == best
    return found


def _numbers(
    axes: Axes,
    values: Matrix,
    colours: Colours,
    cell: float,
    best: npt.NDArray[np.bool_],
) -> None:
    """Write each number into its cell, with as many decimals as fit; the `best` are bold."""
    fits = (
        (size, decimals)
        for size, decimals in NUMBERS
        if width_of(f"{np.nanmax(values):.{decimals}f}", size) * BOLD <= cell - 3
    )
    size, decimals = next(fits, (0.0, 0))
    if not size:
        return
    for (row, column), value in np.ndenumerate(values):
        there = bool(np.isfinite(value))
        axes.text(
            column + 0.5,
            row + 0.5,
            f"{value:.{decimals}f}" if there else NONE,
            ha="center",
            va="center_baseline",
            fontsize=size,
            fontweight="bold" if best[row, column] else "normal",
            color=_ink(colours, float(value)) if there else "black",
        ).set_in_layout(False)


def _ink(colours: Colours, value: float) -> str:
    """Return black for bright cells, white for dark ones."""
    red, green, blue, _ = colours[0](colours[1](value))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.45 else "white"

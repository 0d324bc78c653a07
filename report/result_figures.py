"""Figures of results alone: the forest plot of AUROC, and the heat map."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from oodcache.report.canvas import COLOURS, LINE, fitted, new_figure, width_of
from oodcache.report.figures import Subject
from oodcache.report.grid import NONE
from oodcache.score.result import Result

NARROW = 4.5  # Below that one panel stands beside the names of its rows.
NAMES = 0.5, 0.3  # What they may take of a narrow figure's width, and of a wide one's.
MEASURED = {"auroc": "AUROC", "fpr95": "FPR95"}
# Of the numbers in a heat map's cells: their size and decimals, the first pair that fits.
NUMBERS = ((8.0, 2), (8.0, 1), (7.0, 1), (6.0, 1), (6.0, 0), (5.0, 0))
Matrix = npt.NDArray[np.float64]


def results(subject: Subject) -> Figure:
    """Return a forest plot: a panel for each OOD set, a line for each row."""
    rows, sets = list(subject.chosen.rows().values()), subject.chosen.ood_sets
    narrow = subject.width < NARROW
    room = NAMES[0 if narrow else 1] * subject.width
    columns = 1 if narrow else min(len(sets), max(1, int((subject.width - room) / 1.1)))
    lines = math.ceil(len(sets) / columns)
    figure = new_figure(subject.width, lines * (LINE * len(rows) + 0.4) + 0.3)
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    axes: list[Axes] = list(grid.flat)
    for spare in axes[len(sets) :]:
        spare.remove()
    labels = fitted(subject.chosen.labels(), 72 * room)
    titles = fitted(sets, 72 * (subject.width - room) / columns - 4)
    for one, ood, title in zip(axes, sets, titles, strict=False):
        _forest(one, [row.get(ood) for row in rows], labels)
        one.set_title(title)
    for one in axes[len(sets) - columns : len(sets)]:
        one.xaxis.set_tick_params(labelbottom=True)
    figure.supxlabel("AUROC (%) and 95 % interval")
    return figure


def _forest(axes: Axes, row: list[Result | None], labels: list[str]) -> None:
    """Draw the results from the top down; one without an interval is an open circle."""
    for place, one in enumerate(row):
        if one is None:
            continue
        if one.auroc_ci is not None:
            axes.plot([100 * bound for bound in one.auroc_ci], [place, place], color=COLOURS[0])
        face = "white" if one.auroc_ci is None else COLOURS[0]
        axes.plot([100 * one.auroc], [place], "o", color=COLOURS[0], markerfacecolor=face)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(axis="x", linewidth=0.4, color="0.85")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=4)


def heatmap(subject: Subject) -> Figure:
    """Return a table of colours with its numbers; bright is better, the best of a column bold."""
    rows, sets = list(subject.chosen.rows().values()), subject.chosen.ood_sets
    values: Matrix = np.full((len(rows), len(sets)), np.nan)
    for place, row in enumerate(rows):
        for column, ood in enumerate(sets):
            if ood in row:
                values[place, column] = 100 * getattr(row[ood], subject.measure)
    room = 72 * NAMES[0 if subject.width < NARROW else 1] * subject.width
    labels = fitted(subject.chosen.labels(), room)
    figure = new_figure(subject.width, LINE * len(rows) + 1.3)
    axes = figure.subplots()
    colours = _coloured(axes, values, subject.measure)
    cell = (72 * subject.width - max(map(width_of, labels)) - 20) / len(sets)
    axes.set_yticks(np.arange(len(rows)) + 0.5, labels)
    _columns(axes, sets, cell)
    _numbers(axes, values, colours, cell, lower_is_better=subject.measure == "fpr95")
    return figure


def _coloured(axes: Axes, values: Matrix, measure: str) -> tuple[Colormap, Normalize]:
    there = values[np.isfinite(values)]
    low, high = float(there.min()), float(there.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    scale = Normalize(low, high)
    colours = colormaps["cividis_r" if measure == "fpr95" else "cividis"]
    mesh = axes.pcolormesh(
        np.ma.masked_invalid(values), cmap=colours, norm=scale, edgecolors="white", linewidth=0.5
    )
    axes.set_ylim(len(values), 0)
    axes.tick_params(length=0)
    axes.set_frame_on(False)
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    tall = float(figure.get_size_inches()[1])
    bar = figure.colorbar(
        mesh, ax=axes, orientation="horizontal", fraction=0.08 / tall, aspect=30, shrink=0.8
    )
    bar.set_label(f"{MEASURED[measure]} (%)")
    bar.outline.set_visible(False)
    bar.ax.locator_params(nbins=5)
    return colours, scale


def _columns(axes: Axes, sets: tuple[str, ...], cell: float) -> None:
    """Name the columns above them, turned where a name is wider than its cell."""
    level = max(map(width_of, sets)) <= cell - 4
    axes.xaxis.tick_top()
    turn: dict[str, Any] = (
        {} if level else {"rotation": 40, "ha": "left", "rotation_mode": "anchor"}
    )
    names = list(sets) if level else fitted(sets, 75)
    axes.set_xticks(np.arange(len(sets)) + 0.5, names, **turn)


def _numbers(
    axes: Axes,
    values: Matrix,
    colours: tuple[Colormap, Normalize],
    cell: float,
    *,
    lower_is_better: bool,
) -> None:
    """Write each number into its cell, with as many decimals as there is room for."""
    widest = f"{np.nanmax(values):.2f}"
    fits = (
        (size, decimals)
        for size, decimals in NUMBERS
        if width_of(f"{float(widest):.{decimals}f}", size) * 1.12 <= cell - 3
    )
    size, decimals = next(fits, (0.0, 0))
    if not size:
        return
    best = np.fmin.reduce(values) if lower_is_better else np.fmax.reduce(values)
    for (row, column), value in np.ndenumerate(values):
        there = bool(np.isfinite(value))
        axes.text(
            column + 0.5,
            row + 0.5,
            f"{value:.{decimals}f}" if there else NONE,
            ha="center",
            va="center_baseline",
            fontsize=size,
            fontweight="bold" if there and value == best[column] else "normal",
            color=_ink(colours, float(value)) if there else "black",
        ).set_in_layout(False)


def _ink(colours: tuple[Colormap, Normalize], value: float) -> str:
    """Return black on what is bright, white on what is dark."""
    red, green, blue, _ = colours[0](colours[1](value))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.45 else "white"

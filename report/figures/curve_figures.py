"""Figures of all images of a score: ROC, precision-recall, histograms, thresholds, reliability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from oodcache.report.content import Histogram, ImageRow, Reliability
from oodcache.report.figures.canvas import COLOURS, NARROW, fitted, label_axes, line_style, panels
from oodcache.report.figures.figure_rows import joined
from oodcache.report.figures.kinds import Subject
from oodcache.score.measures.probability import BINS, bins_of

Floats = npt.NDArray[np.float64]
HELP: dict[str, Any] = {"color": "0.5", "linewidth": 0.7, "linestyle": ":"}
BARS: dict[str, Any] = {
    "facecolor": f"{COLOURS[0]}44",
    "edgecolor": COLOURS[0],
    "linewidth": 0.6,
}
POINTS: dict[str, Any] = {"color": COLOURS[0], "marker": "o", "linestyle": ""}
DRAWN, SCALED = 1.0, 5.0  # Percent of recall.
AT_TPR: dict[str, Any] = {"color": "black", "linewidth": 0.8, "linestyle": (0, (4, 2))}


def roc(subject: Subject) -> Figure:
    """Return TPR against FPR with a marker at 95 % TPR; a panel for each OOD set."""
    rows = _distinct(subject)
    figure, axes = _line_panels(subject, [*rows], square=True)
    for one, ood in zip(axes, subject.chosen.ood_sets, strict=True):
        one.plot([0, 100], [0, 100], **HELP)
        for place, row in enumerate(rows.values()):
            kept = _share(row.curve.kept_ood[ood], row.n_ood[ood])
            inside = _share(row.curve.kept_id, row.n_id)
            # The first threshold keeps infinite scores, so the curve needs (0, 0).
            x, y = np.concatenate([[0.0], kept]), np.concatenate([[0.0], inside])
            one.plot(x, y, markevery=[row.threshold + 1], **line_style(place))
        _percent(one, "xy")
    label_axes(figure, axes, "FPR (%)", "TPR (%)")
    return figure


def pr(subject: Subject) -> Figure:
    """Return precision against recall of ID, in the steps of average precision.

    Below DRAWN recall, where a few images decide, nothing is drawn; the axis fits what is above
    SCALED.
    """
    rows = _distinct(subject)
    figure, axes = _line_panels(subject, [*rows])
    first, lowest = subject.rows[0], 100.0
    for one, ood in zip(axes, subject.chosen.ood_sets, strict=True):
        for place, row in enumerate(rows.values()):
            inside, outside = np.array(row.curve.kept_id), np.array(row.curve.kept_ood[ood])
            there = _share(row.curve.kept_id, row.n_id) >= DRAWN
            precision = 100 * inside[there] / (inside + outside)[there]
            recall = _share(row.curve.kept_id, row.n_id)[there]
            x, y = np.concatenate([[0.0], recall]), np.concatenate([precision[:1], precision])
            at = [row.threshold + 1 - int(np.sum(~there))]
            one.plot(x, y, drawstyle="steps-pre", markevery=at, **line_style(place))
            lowest = min(lowest, float(precision[recall >= SCALED].min()))
        level = 100 * first.n_id / (first.n_id + first.n_ood[ood])
        one.axhline(level, **HELP)
        lowest = min(lowest, level)
        _percent(one, "x")
    # The panels share their axis.
    axes[0].set_ylim(lowest - 0.05 * (100 - lowest), 100 + 0.03 * (100 - lowest))
    axes[0].locator_params(axis="y", nbins=4)
    label_axes(figure, axes, "recall of ID (%)", "precision (%)")
    return figure


def histogram(subject: Subject) -> Figure:
    """Return score histograms of ID and of each OOD set, and the threshold at 95 % TPR."""
    (row,) = subject.rows
    counted: Histogram = getattr(row, subject.form)
    at = getattr(row.curve, subject.form)[row.threshold]
    looks: list[dict[str, Any]] = [
        {"facecolor": f"{COLOURS[0]}66", "edgecolor": COLOURS[0], "linewidth": 0.9},
        {"facecolor": "none", "edgecolor": COLOURS[1], "linewidth": 0.9, "hatch": "//////"},
    ]
    handles: list[Artist] = [Patch(**one) for one in looks]
    labels = [f"ID: {subject.chosen.shown(row.id)}", "OOD"]
    if at is not None:
        handles, labels = [*handles, Line2D([], [], **AT_TPR)], [*labels, "95 % TPR"]
    sets = subject.chosen.ood_sets
    titles = subject.chosen.titles()
    figure, axes = panels(titles, subject.width, handles=handles, labels=labels)
    for one, ood in zip(axes, sets, strict=True):
        shares = (_share(counted.id, row.n_id), _share(counted.ood[ood], row.n_ood[ood]))
        for share, look in zip(shares, looks, strict=True):
            one.stairs(share, counted.edges, fill=True, **look)
        if at is not None:
            one.axvline(at, **AT_TPR)
        one.locator_params(axis="x", nbins=2 if subject.width < NARROW else 4)
    label_axes(figure, axes, _score_label(subject), "share of images (%)")
    return figure


def threshold(subject: Subject) -> Figure:
    """Return the share of each set kept by each threshold, and the threshold at 95 % TPR."""
    (row,) = subject.rows
    places = getattr(row.curve, subject.form)
    there = [place for place, one in enumerate(places) if one is not None]
    x = [places[place] for place in there]
    name = subject.chosen.shown
    lines = [(f"TPR: {name(row.id)}", row.curve.kept_id, row.n_id)]
    sets = subject.chosen.ood_sets
    lines += [(f"FPR: {name(one)}", row.curve.kept_ood[one], row.n_ood[one]) for one in sets]
    styles: list[dict[str, Any]] = [{"color": "black"}, *map(line_style, range(len(lines) - 1))]
    handles: list[Artist] = [Line2D([], [], **style) for style in styles]
    at = places[row.threshold]
    labels = [label for label, _, _ in lines]
    if at is not None:
        handles, labels = [*handles, Line2D([], [], **AT_TPR)], [*labels, "95 % TPR"]
    figure, (axes,) = panels([""], subject.width, handles=handles, labels=labels)
    for (_, kept, count), style in zip(lines, styles, strict=True):
        axes.plot(x, _share(kept, count)[there], markevery=0.2, **style)
    if at is not None:
        axes.axvline(at, **AT_TPR)
        axes.axhline(95, **HELP)
    axes.set_xlabel(_score_label(subject))
    axes.set_ylabel("images kept (%)")
    return figure


def reliability(subject: Subject) -> Figure:
    """Return the share of ID against p: a bar for each bin, and its images as a point.

    A point is at the mean p of its bin, and its area is the number of its images.
    """
    (row,) = subject.rows
    assert row.reliability is not None, "choice rejects scores that are not probabilities"
    labels = ["share of ID", "images: mean p", "calibrated", "p = 0.5"]
    handles = [Patch(**BARS), *(Line2D([], [], **look) for look in (POINTS, HELP, AT_TPR))]
    titles = subject.chosen.titles()
    figure, axes = panels(titles, subject.width, handles=handles, labels=labels, square=True)
    for one, ood in zip(axes, subject.chosen.ood_sets, strict=True):
        _diagram(one, row.reliability[ood])
    label_axes(figure, axes, _score_label(subject, "probability of ID"), "share of ID")
    return figure


def _diagram(axes: Axes, bins: Reliability) -> None:
    """Draw the bars of bins, each as wide as its bin, with points above them."""
    lefts = bins_of(np.array(bins.mean)) / BINS
    axes.bar(lefts, bins.share, 1 / BINS, align="edge", **BARS)
    axes.plot([0, 1], [0, 1], **HELP)
    axes.axvline(0.5, **AT_TPR)
    areas = 4 + 50 * np.array(bins.count) / max(bins.count)
    axes.scatter(bins.mean, bins.share, areas, color=COLOURS[0], zorder=3, clip_on=False)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])


def _distinct(subject: Subject) -> dict[str, ImageRow]:
    """Return the rows by their labels; those of one curve once, by all of their labels."""
    same: dict[tuple[Any, ...], list[tuple[str, ...]]] = {}
    rows: dict[tuple[Any, ...], ImageRow] = {}
    for parts, row in zip(subject.chosen.parts(), subject.rows, strict=True):
        kept = tuple(row.curve.kept_ood[ood] for ood in subject.chosen.ood_sets)
        curve = (row.n_id, row.curve.kept_id, kept)
        same.setdefault(curve, []).append(parts)
        rows.setdefault(curve, row)
    return {joined(names): rows[curve] for curve, names in same.items()}


def _line_panels(
    subject: Subject, labels: Sequence[str], *, square: bool = False
) -> tuple[Figure, list[Axes]]:
    handles = [Line2D([], [], **line_style(place)) for place in range(len(labels))]
    titles = subject.chosen.titles()
    return panels(titles, subject.width, handles=handles, labels=labels, square=square)


def _share(kept: Sequence[int], count: int) -> Floats:
    return 100 * np.array(kept, np.float64) / count


def _percent(axes: Axes, which: str) -> None:
    for name in which:
        getattr(axes, f"set_{name}lim")(-2, 102)
        getattr(axes, f"set_{name}ticks")([0, 50, 100])


def _score_label(subject: Subject, what: str = "") -> str:
    """Return the label of the axis of scores: the score, and its scale unless published."""
    (label,) = subject.chosen.labels()
    form = what or {"shown": "", "ranked": "ranking scale"}[subject.form]
    room = 72 * subject.width * (0.9 if not form else 0.5)
    (cut,) = fitted([label], room)
    return f"{cut}: {form}" if form else cut

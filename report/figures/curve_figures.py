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

from oodcache.report.content import Histogram, Reliability
from oodcache.report.figures.canvas import COLOURS, NARROW, fitted, line_style, panels
from oodcache.report.figures.kinds import Subject

Floats = npt.NDArray[np.float64]
HELP: dict[str, Any] = {"color": "0.5", "linewidth": 0.7, "linestyle": ":"}
AT_TPR: dict[str, Any] = {"color": "black", "linewidth": 0.8, "linestyle": (0, (4, 2))}


def roc(subject: Subject) -> Figure:
    """Return TPR against FPR with a marker at 95 % TPR; a panel for each OOD set."""
    figure, axes = _line_panels(subject)
    for one, ood in zip(axes, subject.chosen.ood_sets, strict=True):
        one.plot([0, 100], [0, 100], **HELP)
        for place, row in enumerate(subject.rows):
            kept = _share(row.curve.kept_ood[ood], row.n_ood[ood])
            inside = _share(row.curve.kept_id, row.n_id)
            # The first threshold keeps infinite scores, so the curve needs (0, 0).
            x, y = np.concatenate([[0.0], kept]), np.concatenate([[0.0], inside])
            one.plot(x, y, markevery=[row.threshold + 1], **line_style(place))
        _percent(one, "xy")
    figure.supxlabel("FPR (%)")
    figure.supylabel("TPR (%)")
    return figure


def pr(subject: Subject) -> Figure:
    """Return precision against recall of ID, in the steps of average precision."""
    figure, axes = _line_panels(subject)
    for one, ood in zip(axes, subject.chosen.ood_sets, strict=True):
        for place, row in enumerate(subject.rows):
            inside, outside = np.array(row.curve.kept_id), np.array(row.curve.kept_ood[ood])
            there = inside + outside > 0
            precision = 100 * inside[there] / (inside + outside)[there]
            recall = _share(row.curve.kept_id, row.n_id)[there]
            x, y = np.concatenate([[0.0], recall]), np.concatenate([precision[:1], precision])
            at = [row.threshold + 1 - int(np.sum(~there))]
            one.plot(x, y, drawstyle="steps-pre", markevery=at, **line_style(place))
        first = subject.rows[0]
        one.axhline(100 * first.n_id / (first.n_id + first.n_ood[ood]), **HELP)
        _percent(one, "x")
        one.locator_params(axis="y", nbins=4)
    figure.supxlabel("recall of ID (%)")
    figure.supylabel("precision (%)")
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
    labels = [f"ID: {row.id}", "OOD"]
    if at is not None:
        handles, labels = [*handles, Line2D([], [], **AT_TPR)], [*labels, "95 % TPR"]
    sets = subject.chosen.ood_sets
    figure, axes = panels(sets, subject.width, handles=handles, labels=labels)
    for one, ood in zip(axes, sets, strict=True):
        shares = (_share(counted.id, row.n_id), _share(counted.ood[ood], row.n_ood[ood]))
        for share, look in zip(shares, looks, strict=True):
            one.stairs(share, counted.edges, fill=True, **look)
        if at is not None:
            one.axvline(at, **AT_TPR)
        one.locator_params(axis="x", nbins=2 if subject.width < NARROW else 4)
    figure.supxlabel(_score_label(subject))
    figure.supylabel("share of images (%)")
    return figure


def threshold(subject: Subject) -> Figure:
    """Return the share of each set kept by each threshold, and the threshold at 95 % TPR."""
    (row,) = subject.rows
    places = getattr(row.curve, subject.form)
    there = [place for place, one in enumerate(places) if one is not None]
    x = [places[place] for place in there]
    lines = [(f"TPR: {row.id}", row.curve.kept_id, row.n_id)]
    sets = subject.chosen.ood_sets
    lines += [(f"FPR: {one}", row.curve.kept_ood[one], row.n_ood[one]) for one in sets]
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
    """Return the share of ID against p in bins; a point's area is its number of images."""
    (row,) = subject.rows
    assert row.reliability is not None, "choice rejects scores that are not probabilities"
    labels = ["share of ID", "calibrated", "p = 0.5"]
    handles = [Line2D([], [], **look) for look in (_bins_look(), HELP, AT_TPR)]
    sets = subject.chosen.ood_sets
    figure, axes = panels(sets, subject.width, handles=handles, labels=labels)
    for one, ood in zip(axes, sets, strict=True):
        _diagram(one, row.reliability[ood])
    figure.supxlabel(_score_label(subject, "probability of ID"))
    figure.supylabel("share of ID")
    return figure


def _bins_look() -> dict[str, Any]:
    return {"color": COLOURS[0], "marker": "o", "linewidth": 0.8}


def _diagram(axes: Axes, bins: Reliability) -> None:
    axes.plot([0, 1], [0, 1], **HELP)
    axes.axvline(0.5, **AT_TPR)
    axes.plot(bins.mean, bins.share, **(_bins_look() | {"marker": ""}))
    areas = 4 + 50 * np.array(bins.count) / max(bins.count)
    axes.scatter(bins.mean, bins.share, areas, color=COLOURS[0], zorder=3, clip_on=False)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])


def _line_panels(subject: Subject) -> tuple[Figure, list[Axes]]:
    labels = subject.chosen.labels()
    handles = [Line2D([], [], **line_style(place)) for place in range(len(labels))]
    return panels(subject.chosen.ood_sets, subject.width, handles=handles, labels=labels)


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

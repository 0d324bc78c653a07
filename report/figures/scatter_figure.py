"""Figure of models: the ID accuracy of each against the AUROC or FPR95 of its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from oodcache.cache.errors import InputError
from oodcache.report.figures.canvas import COLOURS, MARKERS, NARROW, label_axes, panels
from oodcache.report.figures.kinds import Subject
from oodcache.report.tables.grid import NONE, model_names, some

EDGE = 0.08  # Of the range of numbers, beside the outermost.


@dataclass(frozen=True)
class ScatterPoint:
    """A row on one OOD set: its model and its score as shown, ID accuracy and measure in %."""

    model: str
    score: str
    accuracy: float
    measured: float


def scatter(subject: Subject) -> Figure:
    """Return a panel for each OOD set, a point for each model and score.

    A model has its colour, and a score its marker. Templates are points of one look.
    """
    points = {ood: _points(subject, ood) for ood in subject.chosen.ood_sets}
    every = [one for of_set in points.values() for one in of_set]
    if not every:
        raise InputError(
            f"{subject.saved.path}: scatter needs the ID accuracy of models, which no row has; "
            "use results of oodcache score, of ID images with classes"
        )
    models = _first([one.model for one in every], 2 * len(COLOURS), "--model", subject)
    scores = _first([one.score for one in every], len(MARKERS), "--score", subject)
    shown = [one for one in every if one.model in models and one.score in scores]
    plain: dict[str, Any] = {"linestyle": "", "color": "0.35"}
    handles: list[Artist] = [_swatch(_look(place)) for place in range(len(models))]
    handles += [Line2D([], [], **plain, marker=_marker(place)) for place in range(len(scores))]
    labels = [*models, *scores]
    titles = subject.chosen.titles()
    figure, axes = panels(titles, subject.width, handles=handles, labels=labels)
    for one, ood in zip(axes, subject.chosen.ood_sets, strict=True):
        for point in (each for each in points[ood] if each in shown):
            look = _look(models.index(point.model))
            marker = _marker(scores.index(point.score))
            one.plot([point.accuracy], [point.measured], marker=marker, markersize=4.5, **look)
    _scaled(axes[0], shown, subject.width)
    label_axes(figure, axes, "ID accuracy (%)", subject.axis(subject.measure))
    return figure


def _first(names: Sequence[str], most: int, option: str, subject: Subject) -> list[str]:
    """Return the names that can be told apart in a figure; note the others."""
    every = list(dict.fromkeys(names))
    if left := every[most:]:
        subject.note(f"left out {some(left)}: choose with {option}")
    return every[:most]


def _points(subject: Subject, ood: str) -> list[ScatterPoint]:
    rows = subject.chosen.rows()
    models, shown = model_names(rows), subject.chosen.shown
    found = []
    for key, row in rows.items():
        one = row.get(ood)
        if one is not None and one.id_accuracy is not None:
            model = NONE if key[0] is None else shown(models[key[0]])
            measured = 100 * getattr(one, subject.measure)
            found.append(ScatterPoint(model, shown(key[2]), 100 * one.id_accuracy, measured))
    return found


def _look(place: int) -> dict[str, Any]:
    """Return how the points of a model look; after eight colours they are hollow."""
    colour = COLOURS[place % len(COLOURS)]
    is_hollow = place // len(COLOURS) % 2 == 1
    return {"color": colour, "linestyle": ""} | ({"markerfacecolor": "none"} if is_hollow else {})


def _swatch(look: Mapping[str, Any]) -> Patch:
    """Return a legend's sample of a model: no marker, which could be a score's."""
    return Patch(edgecolor=look["color"], facecolor=look.get("markerfacecolor", look["color"]))


def _marker(place: int) -> str:
    return MARKERS[place % len(MARKERS)]


def _scaled(axes: Axes, every: Sequence[ScatterPoint], width: float) -> None:
    """Scale the shared axes to the points, with room for their markers."""
    for name, values in (
        ("x", [one.accuracy for one in every]),
        ("y", [one.measured for one in every]),
    ):
        low, high = min(values), max(values)
        edge = EDGE * (high - low) or 1.0
        getattr(axes, f"set_{name}lim")(low - edge, high + edge)
    axes.locator_params(axis="x", nbins=3 if width < NARROW else 4)
    axes.locator_params(axis="y", nbins=4)

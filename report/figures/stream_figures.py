"""Figure of streams: measures and memory along each, and how far the orders of a score differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from oodcache.cache.errors import InputError
from oodcache.report.figures.canvas import (
    NARROW,
    fitted,
    legend,
    legend_height,
    line_style,
    new_figure,
)
from oodcache.report.figures.kinds import Subject
from oodcache.report.figures.stream_panels import (
    CENTRE,
    EDGE,
    LARGE,
    SMALL,
    TITLE,
    Block,
    Line,
    Looks,
    Sheet,
    limits,
    lines_of,
)
from oodcache.report.streams import StreamCourse, courses, pathless
from oodcache.report.tables.grid import in_words, key, model_names, some
from oodcache.score.measures.result import Result

# Inches of a printed page that a figure may take: what does not fit is left out, with a note.
PAGE = 9.0


def stream(subject: Subject) -> Figure:
    """Return panels along the streams of each method, then all orders' measures, by OOD set.

    Lines and points of an order look alike in all panels, and panels of one quantity have the same
    axis. A figure that would not fit a page shows less, and says so.
    """
    results = [one for one in subject.chosen.results if one.ood in subject.chosen.ood_sets]
    _check_paths(results, subject)
    _note_models(subject)
    shown = [replace(one, method=_method(one, subject)) for one in courses(results)]
    orders = list(dict.fromkeys(one.order for one in shown))
    every = lines_of(subject, shown)
    styles = {order: line_style(place) for place, order in enumerate(orders)}
    looks = Looks(styles, limits(every, shown))
    blocks, labels, foot = _that_fit(subject, shown, every, looks)
    above = legend_height(labels, subject.width) + 0.15
    height = above + sum(one.height for one in blocks) + TITLE * len(foot)
    if height > PAGE:
        wider = ", or --width two" if subject.width < NARROW else ""
        subject.note(
            f"the figure is {height:.0f} inches tall, more than a page: choose fewer rows with "
            f"--score or --ood{wider}"
        )
    # Placed by hand: a layout engine takes seconds for so many panels.
    figure = new_figure(subject.width, height, layout=None)
    sheet = Sheet(figure, above)
    for one in blocks:
        one.draw(sheet)
    for text in foot:
        sheet.text(subject.width / 2, TITLE / 2, text, CENTRE)
        sheet.used += TITLE
    handles: list[Artist] = [Line2D([], [], **look) for look in styles.values()]
    legend(figure, handles, labels, subject.width)
    return figure


def _check_paths(results: Sequence[Result], subject: Subject) -> None:
    """Note rows without paths; raise InputError if no stream of one OOD set has one."""
    without = pathless(results)
    if not without:
        return
    again = "which this version adds; score again, with --output FILE.json"
    if all(one.stream is None or one.stream.path is None for one in results):
        raise InputError(f"{subject.saved.path}: its streams have no paths, {again}")
    subject.note(f"{some(without)}: no path, {again}; only results of whole streams are drawn")


def _that_fit(
    subject: Subject, shown: Sequence[StreamCourse], every: Sequence[Line], looks: Looks
) -> tuple[list[Block], list[str], list[str]]:
    """Return the first blocks that fit a page, their legend, and the lines below them.

    First panels get smaller, then fewer: without the memory, then AUROC alone, then only points.
    What is left out is noted.
    """
    measures = [one for one in every if one.is_measure]
    tried = [(every, LARGE), (every, SMALL), (measures, LARGE), (measures, SMALL)]
    for lines, size in [*tried, (measures[:1], SMALL), ([], SMALL)]:
        blocks = [
            Block(title, [one for one in shown if one.ood == ood], subject, lines, size, looks)
            for ood, title in _titles(subject).items()
        ]
        labels = [_label(order, shown, bool(lines)) for order in looks.styles]
        foot = _foot(shown, lines, subject)
        above = legend_height(labels, subject.width) + 0.15
        if above + sum(one.height for one in blocks) + TITLE * len(foot) <= PAGE:
            break
    if left := [one.name for one in every if one not in lines]:
        subject.note(
            f"left out to fit a page: {in_words(left)}; choose fewer rows with --score or --ood "
            "to see more"
        )
    return blocks, labels, foot


def _titles(subject: Subject) -> dict[str, str]:
    """Return the title of each OOD set, with the model if the results have others, too."""
    names = _models(subject.saved.results)
    there = _models(subject.chosen.results)
    shown = subject.chosen.shown
    model = f" · {shown(names[next(iter(there))])}" if len(there) == 1 < len(names) else ""
    return {ood: f"OOD: {shown(ood)}{model}" for ood in subject.chosen.ood_sets}


def _method(one: StreamCourse, subject: Subject) -> str:
    """Return a method's name with what the user replaced in it."""
    return " · ".join(map(subject.chosen.shown, one.method.split(" · ")))


def _note_models(subject: Subject) -> None:
    """Note the models that were left out because the user named none."""
    there = _models(subject.chosen.results)
    left = [
        name
        for model, name in _models(subject.saved.results).items()
        if model not in there and not subject.choice.models
    ]
    if left:
        subject.note(f"left out {some(left)}: choose with --model")


def _models(results: Sequence[Result]) -> dict[str | None, str]:
    """Return the models of streams, as they are shown."""
    return model_names(key(one) for one in results if one.stream is not None)


def _label(order: str, shown: Sequence[StreamCourse], has_lines: bool) -> str:
    """Return an order's label, with the stream that its lines follow if it has several."""
    count = max(len(one.orders) for one in shown if one.order == order)
    return f"{order} (line: first of {count} shuffles)" if has_lines and count > 1 else order


def _foot(shown: Sequence[StreamCourse], lines: Sequence[Line], subject: Subject) -> list[str]:
    """Return the lines below everything: whose images a memory counts, if that is not plain."""
    shared = list(dict.fromkeys(one.order for one in shown if one.is_shared))
    if not shared or all(one.is_measure for one in lines):
        return []
    text = f"{in_words(shared)}: the memory counts images of every OOD set"
    return fitted([text], 72 * (subject.width - 2 * EDGE))

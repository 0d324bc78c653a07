"""Claims about the figure of streams: lines are the paths' numbers, points the orders'."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from samples.report.figures import Sample, sample
from samples.report.streams import ORDERS, streamed

from oodcache.cache.errors import InputError
from oodcache.report.figures.choice import FigureChoice
from oodcache.report.figures.kinds import Subject, choose, draw
from oodcache.report.figures.stream_figures import STRIP
from oodcache.report.saved import Saved

SAMPLE = sample(outside=("SUN",))


def drawn(of: Sample = SAMPLE, width: float = 6.75, **choice: Any) -> Figure:
    return draw("stream", subject(streamed(of.saved), FigureChoice(**choice), width))


def subject(saved: Saved, choice: FigureChoice, width: float = 6.75) -> Subject:
    return Subject(saved, choose("stream", saved, choice), choice, width=width)


@cache
def plain(width: float) -> Figure:
    return drawn(width=width)


def panel(figure: Figure, label: str) -> Axes:
    (found,) = [one for one in figure.axes if one.get_label() == label]
    return found


def words(figure: Figure) -> list[str]:
    return [one.get_text() for one in figure.texts]


def numbers(axes: Axes) -> list[list[list[float | None]]]:
    """Return x and y of each line, None for a gap."""
    return [
        [
            [None if np.isnan(value) else float(value) for value in values]
            for values in (one.get_xdata(), one.get_ydata())
        ]
        for one in axes.lines
    ]


ENDS, MOMENTS = [200, 225, 250, 275, 300], [64, 128, 192, 300]


@pytest.mark.parametrize(
    ("label", "x", "y"),
    [
        ("AUROC (%)", ENDS, [50, None, 62.5, 75, 87.5]),
        ("FPR95 (%)", ENDS, [100, None, 75, 50, 25]),
        ("ID memory:\nID (%)", MOMENTS, [None, 25, 75, 100]),
        ("OOD memory:\nOOD (%)", MOMENTS, [100, 75, 25, None]),
        ("threshold", MOMENTS, [0.5, 0.25, 0.25, 0.5]),
    ],
)
def test_a_panel_has_a_line_for_each_order(label: str, x: list[Any], y: list[Any]) -> None:
    figure = plain(6.75)
    oodd, tanl = (panel(figure, f"{method}: {label}") for method in ("oodd", "tanl"))
    assert numbers(tanl) == [[x, y]] * len(ORDERS)
    if label.startswith(("ID memory", "threshold")):
        assert [one.get_text() for one in oodd.texts] == ["none"]
        assert not oodd.lines
    else:
        assert numbers(oodd) == numbers(tanl)


def test_a_value_between_gaps_has_a_marker_and_no_other() -> None:
    (line, *_) = panel(plain(6.75), "oodd: AUROC (%)").lines
    assert line.get_markevery() == [0]


@pytest.mark.parametrize("width", [3.25, 6.75])
def test_a_strip_has_a_point_for_each_order_of_each_method(width: float) -> None:
    figure = plain(width)
    saved = streamed(SAMPLE.saved)
    for measure in ("auroc", "fpr95"):
        axes = panel(figure, f"strip: {measure}")
        points = [
            number
            for one in axes.lines
            for pair in zip(one.get_xdata(), one.get_ydata(), strict=True)
            for number in pair
        ]
        wanted = [
            number
            for one in saved.results
            if one.stream and one.ood == "SUN"
            for measures in one.stream.orders.values()
            for number in (100 * measures[measure], ["oodd", "tanl"].index(one.score))
        ]
        assert points == pytest.approx(wanted)
        named = measure == "auroc" or width == 3.25
        labels = [one.get_text() for one in axes.get_yticklabels()]
        assert labels == (["oodd", "tanl"] if named else ["", ""])
    (legend,) = figure.legends
    assert [one.get_text() for one in legend.get_texts()] == [*ORDERS]


def test_the_window_and_the_set_are_named_and_an_average_is_a_strip_alone() -> None:
    of = sample(outside=("SUN", "DTD"))
    several = words(drawn(of=of))
    assert several.index("OOD: SUN") < several.index("OOD: DTD")
    assert several.count("images so far (window: 200)") == 2
    average = drawn(of=of, ood_sets=["average"])
    assert words(average) == ["OOD: average", STRIP]
    assert {one.get_label() for one in average.axes} == {"strip: auroc", "strip: fpr95"}


def test_a_score_without_an_order_is_all_of_its_orders() -> None:
    saved = streamed(SAMPLE.saved)
    for typed, labels in (
        ("tanl", ["tanl (shuffle:2)", "tanl (id-first)"]),
        ("tanl (id-first)", ["tanl (id-first)"]),
    ):
        assert choose("stream", saved, FigureChoice(scores=[typed])).labels() == labels


def test_what_has_no_stream_or_no_path_is_refused_with_what_to_type() -> None:
    path, choice = Path("r.json"), FigureChoice()
    without = replace(SAMPLE.saved, path=path)
    with pytest.raises(InputError, match=r"^r\.json: stream needs a score .*--score oodd --stream"):
        choose("stream", without, choice)
    saved = streamed(without)
    with pytest.raises(InputError, match="^--score mcm: does not learn from a stream, .*: oodd"):
        choose("stream", saved, FigureChoice(scores=["mcm"]))
    old = [
        (one.stream and replace(one, stream=replace(one.stream, path=None))) or one
        for one in saved.results
    ]
    saved = replace(saved, results=tuple(old))
    with pytest.raises(InputError, match=r"^r\.json: its streams have no paths, .*score again"):
        draw("stream", subject(saved, choice))

"""Claims about panels of streams: lines are the paths' numbers, points the orders'."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from samples.report.figures import Sample, sample
from samples.report.streams import ORDERS, streamed

from oodcache.report.figures.choice import FigureChoice
from oodcache.report.figures.kinds import Subject, choose, draw
from oodcache.report.figures.stream_panels import FEW, STRIP
from oodcache.report.saved.results import Saved

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
    tanl = panel(figure, f"tanl: {label}")
    assert numbers(tanl) == [[x, y]] * len(ORDERS)
    # The highest of a column has the numbers of the images.
    assert tanl.xaxis.get_tick_params()["labelbottom"] == (label == "threshold")
    if label.startswith(("ID memory", "threshold")):
        assert f"oodd: {label}" not in [one.get_label() for one in figure.axes]
    else:
        oodd = panel(figure, f"oodd: {label}")
        assert numbers(oodd) == numbers(tanl)
        assert oodd.get_ylim() == tanl.get_ylim() and oodd.get_xlim() == tanl.get_xlim()
        assert oodd.xaxis.get_tick_params()["labelbottom"] == label.startswith("OOD memory")


def test_shares_have_all_of_the_axis_and_measures_that_of_all_sets() -> None:
    saved = streamed(sample(outside=("SUN", "DTD")).saved, ["oodd"])
    results = list(saved.results)
    last = [one for one in results if one.stream and one.ood == "DTD"][-1]
    assert last.stream is not None and last.stream.path is not None
    low = replace(last.stream.path, measured={"auroc": (0.1,) * 5, "fpr95": (0.5,) * 5})
    changed = replace(last, stream=replace(last.stream, path=low))
    results[results.index(last)] = changed
    choice = FigureChoice()
    saved = replace(saved, results=tuple(results))
    figure = draw("stream", Subject(saved, choose("stream", saved, choice), choice, width=6.75))
    axes = {name: [one for one in figure.axes if one.get_label() == name] for name in PANELS}
    assert [one.get_ylim() for one in axes["oodd: OOD memory:\nOOD (%)"]] == [(-4, 104)] * 2
    ((bottom, top), other) = (one.get_ylim() for one in axes["oodd: AUROC (%)"])
    assert (bottom, top) == other and bottom < 10 and top > 87.5


PANELS = ("oodd: AUROC (%)", "oodd: OOD memory:\nOOD (%)")


def test_windows_that_are_all_gaps_say_why() -> None:
    saved = streamed(SAMPLE.saved, ["oodd"])
    rows = []
    for one in saved.results:
        if one.stream and one.stream.path:
            gaps = {"auroc": (None,) * 5, "fpr95": (None,) * 5}
            path = replace(one.stream.path, measured=gaps)
            one = replace(one, stream=replace(one.stream, path=path))
        rows.append(one)
    saved = replace(saved, results=tuple(rows))
    figure = draw("stream", subject(saved, FigureChoice(), 6.75))
    assert [one.get_text() for one in panel(figure, "oodd: AUROC (%)").texts] == [FEW]


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
            pair
            for one in axes.lines
            for pair in zip(one.get_xdata(), one.get_ydata(), strict=True)
        ]
        wanted = [
            (100 * measures[measure], ["oodd", "tanl"].index(one.score))
            for one in saved.results
            if one.stream and one.ood == "SUN"
            for measures in one.stream.orders.values()
        ]
        assert np.array(sorted(points)) == pytest.approx(np.array(sorted(wanted)))
        named = measure == "auroc" or width == 3.25
        labels = [one.get_text() for one in axes.get_yticklabels()]
        assert labels == (["oodd", "tanl"] if named else ["", ""])


def test_the_window_and_the_set_are_named_and_an_average_is_a_strip_alone() -> None:
    of = sample(outside=("SUN", "DTD"))
    several = words(drawn(of=of))
    assert several.index("OOD: SUN") < several.index("OOD: DTD")
    assert several.count("images so far (window: 200)") == 2
    average = drawn(of=of, ood_sets=["average"])
    assert words(average) == ["OOD: average", STRIP]
    assert {one.get_label() for one in average.axes} == {"strip: auroc", "strip: fpr95"}

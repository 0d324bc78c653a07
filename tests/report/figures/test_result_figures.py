"""Claims about the forest plot and the heat map: what is drawn are the results' numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from samples.report.figures import HOSTILE, PLAIN, Sample, sample
from samples.report.streams import ORDERS, streamed

from oodcache.report.figures.choice import FigureChoice
from oodcache.report.figures.kinds import Subject, choose, draw
from oodcache.score.measures.result import Result
from oodcache.score.measures.shots import Shots

SAMPLE = sample()
LABELS = ["mcm", "mcm:temperature=learned", "max-logit"]


def panels(figure: Figure) -> dict[str, Axes]:
    return {one.get_title(): one for one in figure.axes}


@pytest.mark.parametrize("width", [3.25, 6.75])
def test_a_forest_plot_has_every_auroc_and_its_interval_from_the_top_down(width: float) -> None:
    drawn = panels(draw("results", SAMPLE.subject("results", width=width)))
    assert tuple(drawn) == PLAIN
    for ood, axes in drawn.items():
        wanted = [one for one in SAMPLE.saved.results if one.ood == ood]
        points = [one for one in axes.lines if one.get_marker() == "o"]
        whiskers = [one for one in axes.lines if one.get_marker() == "None"]
        assert [(*one.get_xdata(), *one.get_ydata()) for one in points] == [
            (100 * one.auroc, place) for place, one in enumerate(wanted)
        ]
        assert [list(one.get_xdata()) for one in whiskers] == [
            [100 * bound for bound in one.auroc_ci or ()] for one in wanted
        ]
        assert axes.yaxis_inverted()
    assert [one.get_text() for one in drawn["SUN"].get_yticklabels()] == LABELS


def test_a_forest_plot_of_several_models_has_a_heading_for_each() -> None:
    other = tuple(replace(one, model="RN50") for one in SAMPLE.saved.results)
    saved = replace(SAMPLE.saved, results=(*SAMPLE.saved.results, *other))
    choice = FigureChoice(ood_sets=("SUN",), labels=("mcm=MCM",))
    subject = Subject(saved, choose("results", saved, choice), choice, width=6.75)
    (axes,) = draw("results", subject).axes
    names = [one.get_text() for one in axes.get_yticklabels()]
    scores = ["MCM", *LABELS[1:]]
    assert names == ["ViT-B-16/laion400m_e31", *scores, "RN50/laion400m_e31", *scores]
    bold = [one.get_fontweight() == "bold" for one in axes.get_yticklabels()]
    assert bold == [True, False, False, False] * 2
    points = [one for one in axes.lines if one.get_marker() == "o"]
    assert [one.get_ydata()[0] for one in points] == [1, 2, 3, 5, 6, 7]
    alone = FigureChoice(ood_sets=("SUN",), scores=("mcm",))
    figure = draw("results", Subject(saved, choose("results", saved, alone), alone, width=6.75))
    names = [one.get_text() for one in figure.axes[0].get_yticklabels()]
    assert names == ["mcm · ViT-B-16/laion400m_e31", "mcm · RN50/laion400m_e31"]


def test_an_auroc_without_an_interval_is_an_open_circle() -> None:
    subject = SAMPLE.subject("results", FigureChoice(ood_sets=("average",)))
    (axes,) = draw("results", subject).axes
    assert len(axes.lines) == len(LABELS)
    assert all(one.get_markerfacecolor() == "white" for one in axes.lines)


def test_rows_over_draws_have_their_range_as_a_thin_line_which_the_axis_explains() -> None:
    shots = Shots.of(4, {"0": {"auroc": 0.6}, "1": {"auroc": 0.8}})
    first = SAMPLE.saved.results[0]
    drawn = replace(first, score="probe", parameters={}, auroc=0.7, auroc_ci=None, shots=shots)

    def figure(*rows: Result) -> Figure:
        saved = replace(SAMPLE.saved, results=rows)
        chosen = FigureChoice(ood_sets=(first.ood,))
        return draw("results", replace(SAMPLE, saved=saved).subject("results", chosen))

    both = figure(first, drawn)
    thick, thin = [one for one in both.axes[0].lines if one.get_marker() == "None"]
    assert list(thin.get_xdata()) == [60.0, 80.0]
    assert thin.get_linewidth() < thick.get_linewidth()
    assert both.get_supxlabel() == "AUROC (%) and 95 % interval; thin: range over draws"
    assert figure(drawn).get_supxlabel() == "AUROC (%) and its range over draws"
    assert figure(first).get_supxlabel() == "AUROC (%) and 95 % interval"


def cells(axes: Axes) -> list[list[str]]:
    width = len(axes.get_xticks())
    texts = [one.get_text() for one in axes.texts]
    return [texts[start : start + width] for start in range(0, len(texts), width)]


@pytest.mark.parametrize("measure", ["auroc", "fpr95"])
def test_a_heat_map_has_every_number_and_its_colour(measure: str) -> None:
    axes, bar = draw("heatmap", SAMPLE.subject("heatmap", width=6.75, measure=measure)).axes
    wanted = np.array(
        [
            [100 * getattr(one, measure) for one in SAMPLE.saved.results if one.ood == ood]
            for ood in PLAIN
        ]
    ).T
    (mesh,) = (one for one in axes.collections if isinstance(one, QuadMesh))
    assert np.array_equal(np.asarray(mesh.get_array()), wanted)
    assert cells(axes) == [[f"{one:.2f}" for one in row] for row in wanted]
    assert [one.get_text() for one in axes.get_xticklabels()] == list(PLAIN)
    assert [one.get_text() for one in axes.get_yticklabels()] == LABELS
    assert bar.get_xlabel() == {"auroc": "AUROC (%)", "fpr95": "FPR95 (%)"}[measure]
    assert axes.yaxis_inverted()


@pytest.mark.parametrize(("measure", "best"), [("auroc", np.max), ("fpr95", np.min)])
def test_bright_is_better_and_the_best_of_a_column_is_bold(measure: str, best: object) -> None:
    axes, _ = draw("heatmap", SAMPLE.subject("heatmap", width=6.75, measure=measure)).axes
    (mesh,) = (one for one in axes.collections if isinstance(one, QuadMesh))
    values = np.asarray(mesh.get_array())
    assert callable(best)
    for place, text in enumerate(axes.texts):
        row, column = divmod(place, len(PLAIN))
        assert (text.get_fontweight() == "bold") == (values[row, column] == best(values[:, column]))
    top = colormaps["cividis"](1.0)
    assert mesh.to_rgba(best(values)) == pytest.approx(top, abs=0.01)


def test_the_best_is_that_of_rows_in_equal_orders() -> None:
    saved = streamed(sample(outside=("SUN",)).saved)
    choice = FigureChoice()
    subject = Subject(saved, choose("heatmap", saved, choice), choice, width=6.75)
    axes, _ = draw("heatmap", subject).axes
    rows = [one.get_text() for one in axes.get_yticklabels()]
    bold = {row for row, one in zip(rows, axes.texts, strict=True) if one.get_weight() == "bold"}
    # Of equal scores both are the best; id-first is worse than any, but compared with itself.
    streams = {f"{score} ({order})" for score in ("oodd", "tanl") for order in ORDERS}
    assert bold & streams == streams and 0 < len(bold - streams) < len(rows) - len(streams)
    alone = replace(saved, results=tuple(one for one in saved.results if one.score != "tanl"))
    subject = Subject(alone, choose("heatmap", alone, choice), choice, width=6.75)
    axes, _ = draw("heatmap", subject).axes
    rows = [one.get_text() for one in axes.get_yticklabels()]
    bold = {row for row, one in zip(rows, axes.texts, strict=True) if one.get_weight() == "bold"}
    assert bold and not bold & streams


def test_numbers_can_be_read_on_their_colour() -> None:
    axes, _ = draw("heatmap", SAMPLE.subject("heatmap", width=6.75)).axes
    (mesh,) = (one for one in axes.collections if isinstance(one, QuadMesh))
    values = np.asarray(mesh.get_array()).ravel()
    for value, text in zip(values, axes.texts, strict=True):
        ground, ink = (_luminance(one) for one in (mesh.to_rgba(value), to_rgba(text.get_color())))
        light, dark = max(ground, ink), min(ground, ink)
        assert (light + 0.05) / (dark + 0.05) > 4


def _luminance(colour: tuple[float, float, float, float]) -> float:
    """Return relative luminance as WCAG 2 defines it."""
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("sets", "decimals"), [(3, 2), (5, 1), (8, 0)])
def test_a_narrow_cell_has_fewer_decimals(sets: int, decimals: int) -> None:
    narrow = sample(outside=[f"set {number}" for number in range(sets)])
    axes, _ = draw("heatmap", narrow.subject("heatmap", width=3.25)).axes
    wanted = 100 * narrow.saved.results[0].auroc
    assert axes.texts[0].get_text() == f"{wanted:.{decimals}f}"


@pytest.mark.parametrize("auroc", [1.0, 0.9999])
def test_ten_sets_in_one_column_have_their_numbers_whatever_these_are(auroc: float) -> None:
    made = sample(outside=[f"set {number}" for number in range(10)])
    best, *others = made.saved.results
    saved = replace(made.saved, results=(replace(best, auroc=auroc), *others))
    axes, _ = draw("heatmap", Sample(saved, made.content, {}).subject("heatmap")).axes
    assert len(axes.texts) == 10 * len(LABELS)
    assert axes.texts[0].get_text() == "100"
    axes.figure.canvas.draw()
    width = 72 * axes.get_window_extent().width / 300 / 10
    assert max(72 * one.get_window_extent().width / 300 for one in axes.texts) <= width


def test_another_convention_of_the_fpr_is_said() -> None:
    results = tuple(replace(one, fpr_convention="openood") for one in SAMPLE.saved.results)
    of = Sample(replace(SAMPLE.saved, results=results), SAMPLE.content, {})
    for measure, name in (("auroc", "AUROC (%)"), ("fpr95", "FPR95, openood (%)")):
        _, bar = draw("heatmap", of.subject("heatmap", measure=measure)).axes
        assert bar.get_xlabel() == name


def test_names_of_columns_that_do_not_fit_are_turned() -> None:
    level, _ = draw("heatmap", SAMPLE.subject("heatmap", width=6.75)).axes
    assert {one.get_rotation() for one in level.get_xticklabels()} == {0}
    hostile = sample(outside=HOSTILE)
    turned, _ = draw("heatmap", hostile.subject("heatmap", width=3.25)).axes
    assert {one.get_rotation() for one in turned.get_xticklabels()} == {315}


def test_a_result_that_is_missing_leaves_a_dash_and_equal_ones_a_picture() -> None:
    first = SAMPLE.saved.results[0]
    other = replace(first, score="max-logit", parameters={})
    results = (first, replace(first, ood="Places"), other)
    of = Sample(replace(SAMPLE.saved, results=results), SAMPLE.content, {})
    axes, _ = draw("heatmap", of.subject("heatmap", width=6.75)).axes
    number = f"{100 * first.auroc:.2f}"
    assert cells(axes) == [[number, number], [number, "–"]]
    assert len(draw("results", of.subject("results")).axes) == 2

"""Claims about figures of all images: what is drawn is what the scores themselves give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, StepPatch
from samples.report.figures import PLAIN, sample
from sklearn.metrics import average_precision_score, roc_auc_score

from oodcache.report.figures.choice import FigureChoice
from oodcache.report.figures.kinds import Subject, draw
from oodcache.score.formulas.cosines import Scores

SAMPLE = sample(n_id=70, n_ood=50)
LABELS = ("mcm", "mcm:temperature=learned", "max-logit")


def panels(figure: Figure) -> dict[str, Axes]:
    return {one.get_title(): one for one in figure.axes}


def marked(axes: Axes) -> list[Line2D]:
    """Return the lines of scores, in their order."""
    return [one for one in axes.lines if one.get_marker() != "None"]


def points(line: Line2D) -> tuple[Scores, Scores]:
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def scores(label: str, ood: str) -> tuple[Scores, Scores]:
    return SAMPLE.scores[label]["pets"], SAMPLE.scores[label][ood]


def marked_place(line: Line2D) -> int:
    (place,) = line.get_markevery()  # type: ignore[misc]
    return int(place)


def keeping(inside: Scores) -> float:
    """Return the highest score that keeps 95 % of ID, by looking."""
    return max(one for one in inside if np.mean(inside >= one) >= 0.95)


def test_the_area_under_a_roc_curve_is_the_auroc() -> None:
    drawn = panels(draw("roc", SAMPLE.subject("roc")))
    assert tuple(drawn) == PLAIN
    for ood, axes in drawn.items():
        for label, line in zip(LABELS, marked(axes), strict=True):
            x, y = points(line)
            inside, outside = scores(label, ood)
            target = [1] * len(inside) + [0] * len(outside)
            area = roc_auc_score(target, np.concatenate([inside, outside]))
            assert np.trapezoid(y, x) / 1e4 == pytest.approx(area, abs=1e-12)
            at = marked_place(line)
            threshold = keeping(inside)
            assert x[at] == pytest.approx(100 * np.mean(outside >= threshold))
            assert y[at] == pytest.approx(100 * np.mean(inside >= threshold))


def test_a_roc_curve_begins_at_the_origin_even_where_scores_are_infinite() -> None:
    subject = SAMPLE.subject("roc", FigureChoice(scores=("mcm",), ood_sets=("SUN",)))
    (row,) = subject.rows
    curve = replace(row.curve, kept_id=(5, *row.curve.kept_id[1:]))
    (axes,) = draw("roc", replace(subject, rows=(replace(row, curve=curve),))).axes
    x, y = points(marked(axes)[0])
    assert (x[0], y[0]) == (0, 0)
    assert y[1] == pytest.approx(500 / 70)


def test_the_steps_of_a_precision_curve_have_the_average_precision() -> None:
    for ood, axes in panels(draw("pr", SAMPLE.subject("pr"))).items():
        for label, line in zip(LABELS, marked(axes), strict=True):
            assert line.get_drawstyle() == "steps-pre"
            recall, precision = points(line)
            inside, outside = scores(label, ood)
            target = [1] * len(inside) + [0] * len(outside)
            wanted = average_precision_score(target, np.concatenate([inside, outside]))
            # To the left of each point a step is as high as the point.
            assert np.sum(np.diff(recall) * precision[1:]) / 1e4 == pytest.approx(wanted, abs=1e-12)
            threshold = keeping(inside)
            assert recall[marked_place(line)] == pytest.approx(100 * np.mean(inside >= threshold))
        level = [one for one in axes.lines if one.get_marker() == "None"]
        assert [one.get_ydata()[0] for one in level] == pytest.approx([100 * 70 / 120])


@pytest.mark.parametrize("kind", ["roc", "pr"])
def test_scores_that_rank_alike_are_one_line_with_both_names(kind: str) -> None:
    subject = SAMPLE.subject(kind)
    first, second, third = subject.rows
    alike = replace(subject, rows=(first, replace(first, key=second.key), third))
    figure = draw(kind, alike)
    assert all(len(marked(axes)) == 2 for axes in figure.axes)
    (legend,) = figure.legends
    names = [one.get_text() for one in legend.get_texts()]
    assert names == ["mcm = mcm:temperature=learned", "max-logit"]
    # Equal on one set alone is not equal.
    kept = {**first.curve.kept_ood, "SUN": tuple(0 for _ in first.curve.kept_id)}
    other = replace(first, curve=replace(first.curve, kept_ood=kept))
    figure = draw(kind, replace(subject, rows=(first, other, third)))
    assert all(len(marked(axes)) == 3 for axes in figure.axes)


@pytest.mark.parametrize("width", [3.25, 6.75])
def test_a_panel_of_a_roc_curve_is_square(width: float) -> None:
    figure = draw("roc", SAMPLE.subject("roc", width=width))
    figure.draw_without_rendering()
    for axes in figure.axes:
        box = axes.get_window_extent()
        assert box.width == pytest.approx(box.height, rel=1e-6)
        assert axes.get_xlim() == axes.get_ylim()


def test_a_precision_curve_has_no_spike_at_recall_0() -> None:
    subject = SAMPLE.subject("pr", FigureChoice(scores=("mcm",), ood_sets=("SUN",)))
    (row,) = subject.rows
    # The first threshold keeps OOD images alone: a precision of 0, at recall 0.
    kept = {"SUN": tuple(one + 1 for one in row.curve.kept_ood["SUN"])}
    curve = replace(row.curve, kept_id=(0, *row.curve.kept_id[1:]), kept_ood=kept)
    (axes,) = draw("pr", replace(subject, rows=(replace(row, curve=curve),))).axes
    recall, precision = points(marked(axes)[0])
    assert min(precision) > 0
    level = 100 * row.n_id / (row.n_id + row.n_ood["SUN"])
    low, high = axes.get_ylim()
    lowest = min(level, *precision[recall >= 5])
    assert lowest - 6 < low < lowest and 100 < high < 104


def test_a_legend_names_the_scores_in_the_style_of_their_lines() -> None:
    figure = draw("roc", SAMPLE.subject("roc"))
    (legend,) = figure.legends
    assert tuple(one.get_text() for one in legend.get_texts()) == LABELS
    for handle, line in zip(legend.get_lines(), marked(figure.axes[0]), strict=True):
        assert handle.get_color() == line.get_color()
        assert handle.get_linestyle() == line.get_linestyle()
        assert handle.get_marker() == line.get_marker()


def stairs(axes: Axes) -> list[StepPatch]:
    return [one for one in axes.patches if isinstance(one, StepPatch)]


@pytest.mark.parametrize(("form", "factor"), [("ranked", 1.0), ("shown", 0.5)])
def test_a_histogram_has_the_share_of_each_sets_images_in_every_bin(
    form: str, factor: float
) -> None:
    subject = SAMPLE.subject("histogram", FigureChoice(scores=("mcm",)), form=form)
    for ood, axes in panels(draw("histogram", subject)).items():
        for found, one in zip(stairs(axes), scores("mcm", ood), strict=True):
            values, edges, _ = found.get_data()
            assert sum(values) == pytest.approx(100)
            clipped = np.clip(one * factor, edges[0], edges[-1])
            assert values == pytest.approx(100 * np.histogram(clipped, edges)[0] / len(one))
        (line,) = axes.lines
        assert line.get_xdata()[0] == keeping(SAMPLE.scores["mcm"]["pets"]) * factor


def test_threshold_curves_are_the_shares_kept_by_each_score() -> None:
    subject = SAMPLE.subject("threshold", FigureChoice(scores=("max-logit",)), form="ranked")
    figure = draw("threshold", subject)
    (axes,) = figure.axes
    every = SAMPLE.scores["max-logit"]
    curves = [one for one in axes.lines if len(one.get_xdata()) > 2]
    for line, name in zip(curves, ("pets", *PLAIN), strict=True):
        x, y = points(line)
        wanted = [100 * np.mean(every[name] >= threshold) for threshold in x]
        assert y == pytest.approx(wanted)
        assert set(x) <= {float(one) for scores in every.values() for one in scores}
    assert keeping(every["pets"]) in [one.get_xdata()[0] for one in axes.lines]
    labels = [one.get_text() for one in figure.legends[0].get_texts()]
    assert labels == ["TPR: pets", *(f"FPR: {name}" for name in PLAIN), "95 % TPR"]
    assert axes.get_xlabel() == "max-logit: ranking scale"


def test_a_reliability_diagram_has_the_share_of_id_in_fifteen_bins() -> None:
    drawn = panels(
        draw("reliability", SAMPLE.subject("reliability", FigureChoice(scores=("mcm",))))
    )
    for ood, axes in drawn.items():
        inside, outside = (one / 2 for one in scores("mcm", ood))
        both = np.concatenate([inside, outside])
        mean, share, count = [], [], []
        for low in range(15):
            here = (both * 15 >= low) & (both * 15 < low + 1)
            if here.any():
                mean.append(both[here].mean())
                share.append(here[: len(inside)].sum() / here.sum())
                count.append(here.sum())
        (bins,) = axes.collections
        assert np.asarray(bins.get_offsets()) == pytest.approx(np.array([mean, share]).T)
        areas = bins.get_sizes() - 4  # type: ignore[attr-defined]
        assert areas / max(areas) == pytest.approx(np.array(count) / max(count))
        assert [0.5, 0.5] in [list(one.get_xdata()) for one in axes.lines]
        bars = [one for one in axes.patches if isinstance(one, Rectangle)]
        assert [one.get_height() for one in bars] == pytest.approx(share)
        for one, at in zip(bars, mean, strict=True):
            assert one.get_width() == pytest.approx(1 / 15)
            assert one.get_x() <= at <= one.get_x() + one.get_width()


def test_a_threshold_that_is_infinite_has_no_line() -> None:
    for kind in ("histogram", "threshold"):
        subject: Subject = SAMPLE.subject(kind)
        (row,) = subject.rows
        curve = replace(row.curve, shown=(None,) * len(row.curve.shown))
        figure = draw(kind, replace(subject, rows=(replace(row, curve=curve),)))
        assert "95 % TPR" not in [one.get_text() for one in figure.legends[0].get_texts()]

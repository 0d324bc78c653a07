"""Claims about the scatter plot of models: each point is a row's ID accuracy and measure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from samples.report.results import BARE, FIRST, results

from oodcache.cache.errors import InputError
from oodcache.report.figures.choice import FigureChoice
from oodcache.report.figures.kinds import Subject, choose, draw
from oodcache.report.saved.results import Saved
from oodcache.score.measures.result import Result

MODELS = {"ViT-B-16": 0.67, "ViT-L-14": 0.75, "RN50": 0.6}
ROWS = tuple(
    replace(one, model=model, id_accuracy=accuracy, auroc=one.auroc * accuracy)
    for model, accuracy in MODELS.items()
    for one in results("SUN", "Places")
)


def scatter(rows: tuple[Result, ...], **changes: object) -> Figure:
    saved, choice = Saved(Path("r.json"), rows, (), {}), FigureChoice()
    subject = Subject(saved, choose("scatter", saved, choice), choice)
    return draw("scatter", replace(subject, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("measure", ["auroc", "fpr95"])
def test_every_model_and_score_is_a_point_of_its_accuracy_and_measure(measure: str) -> None:
    figure = scatter(ROWS, measure=measure)
    assert [one.get_title() for one in figure.axes] == ["SUN", "Places"]
    for axes in figure.axes:
        wanted = [
            (100 * MODELS[str(one.model)], 100 * getattr(one, measure))
            for one in ROWS
            if one.ood == axes.get_title()
        ]
        drawn = [(*one.get_xdata(), *one.get_ydata()) for one in axes.lines]
        assert np.allclose(sorted(drawn), sorted(wanted), rtol=0, atol=1e-9)
        low, high = axes.get_xlim()
        assert low < min(x for x, _ in wanted) and max(x for x, _ in wanted) < high


def test_models_differ_in_colour_and_scores_in_marker() -> None:
    figure = scatter(ROWS)
    looks = {(one.get_color(), one.get_marker()) for one in figure.axes[0].lines}
    assert len(looks) == len(figure.axes[0].lines) == 12
    assert len({colour for colour, _ in looks}) == 3
    assert len({marker for _, marker in looks}) == 4
    (legend,) = figure.legends
    names = [one.get_text() for one in legend.get_texts()]
    assert names[:3] == [f"{model}/laion400m_e31" for model in MODELS]
    assert names[3:] == ["mcm", "mcm:temperature=learned", "sigmoid-mcm", "max-logit"]


def test_scores_that_no_marker_is_left_for_are_named() -> None:
    rows = tuple(
        replace(FIRST, parameters={"temperature": float(number)}) for number in range(1, 12)
    )
    notes: list[str] = []
    figure = scatter(rows, note=notes.append)
    assert len(figure.axes[0].lines) == 9
    assert notes == ["left out mcm:temperature=10, mcm:temperature=11: choose with --score"]


def test_rows_without_an_accuracy_have_no_place() -> None:
    with pytest.raises(InputError, match="scatter needs the ID accuracy of models"):
        scatter((replace(FIRST, **BARE),))

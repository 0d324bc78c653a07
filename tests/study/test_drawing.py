"""Claims about figures of results: what is chosen, drawn with the images behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.report.figures.choice import FigureChoice
from oodcache.report.saved.results import Saved, parsed
from oodcache.report.tables.formats import to_json
from oodcache.score import arrays
from oodcache.score.measures.result import STANDARD, StreamMeasures
from oodcache.study.drawing import drawn
from oodcache.study.gathering import Sources

RNG = np.random.default_rng(0)
GIVEN = arrays.arrays(
    {name: RNG.normal(1, size=30) for name in ("mcm", "mine")},
    {ood: {name: RNG.normal(0, size=20) for name in ("mcm", "mine")} for ood in ("SUN", "DTD")},
    "pets",
    lower_is_id=False,
)
SOURCES = Sources(None, Path("nowhere"), [], Path("nowhere"), given=GIVEN.parts())


@pytest.fixture(scope="module")
def saved() -> Saved:
    """Results of two scores in memory on two OOD sets."""
    found = arrays.measure(
        GIVEN,
        lower_is_id=False,
        conventions=STANDARD,
        compare_scores=False,
        command="",
        watch=Watch(),
    )
    text = to_json(found.results, found.differences, found.provenance)
    return parsed(text.encode(), Path("r.json"))


def curves(saved: Saved, scores: Sequence[str], ood_sets: Sequence[str]) -> list[list[str]]:
    choice = FigureChoice(scores=scores, ood_sets=ood_sets)
    figure = drawn("roc", saved, choice, {"width": 6.0}, SOURCES, Watch())
    assert figure.get_figwidth() == 6
    labels = [one.get_text() for one in figure.legends[0].get_texts()] if figure.legends else []
    return [[one.get_title() for one in figure.axes], labels]


def test_only_the_chosen_scores_and_sets_are_drawn(saved: Saved) -> None:
    assert curves(saved, (), ()) == [["SUN", "DTD"], ["mcm", "mine"]]
    assert curves(saved, ["mine", "mcm"], ["DTD"]) == [["DTD"], ["mine", "mcm"]]


def test_scores_without_images_show_none(saved: Saved) -> None:
    for kind in ("fooled", "classes"):
        with pytest.raises(InputError, match=rf"{kind} shows images, but r\.json does not name"):
            drawn(kind, saved, FigureChoice(scores=["mcm"]), {}, SOURCES, Watch())


def test_scores_that_are_not_there_are_an_error(saved: Saved) -> None:
    sources = Sources(None, Path("nowhere"), [], Path("nowhere"))
    with pytest.raises(InputError, match="does not name the files it was measured on"):
        drawn("roc", saved, FigureChoice(), {}, sources, Watch())


def test_a_figure_of_single_images_shows_no_score_that_has_several_of_each(saved: Saved) -> None:
    stream = StreamMeasures("drift", 50, {"drift": {}})
    rows = [replace(one, stream=stream) if one.score == "mcm" else one for one in saved.results]
    learning = replace(saved, results=tuple(rows))
    for kind in ("roc", "pr", "histogram", "threshold", "fooled", "classes"):
        for typed in ("mcm (drift)", "mcm"):
            problem = (
                r"^--score mcm \(drift\): learns from the stream, and "
                rf"{kind} shows single images; choose a score that does not: mine$"
            )
            with pytest.raises(InputError, match=problem):
                drawn(kind, learning, FigureChoice(scores=[typed]), {}, SOURCES, Watch())
    for scores in ([], ["mine"]):
        assert curves(learning, scores, ["DTD"]) == [["DTD"], ["mine"]]
    every = tuple(replace(one, stream=stream) for one in saved.results)
    with pytest.raises(InputError, match=r"^r\.json: roc shows .* every score .* --score mcm "):
        drawn("roc", replace(saved, results=every), FigureChoice(), {}, SOURCES, Watch())


def test_what_a_default_leaves_out_is_noted(saved: Saved) -> None:
    notes: list[str] = []
    both = [replace(one, model=model, pretrained="x") for model in "AB" for one in saved.results]
    two = replace(saved, results=tuple(both))
    for choice in (FigureChoice(), FigureChoice(models=("A/x",))):
        drawn("heatmap", two, choice, {"width": 6.0}, SOURCES, Watch(notes.append))
        assert notes == []
    many = [
        replace(one, score=f"s{number}")
        for number in range(10)
        for one in saved.results
        if one.score == "mcm"
    ]
    with pytest.raises(InputError):  # These scores have no images; the note comes first.
        ten, watch = replace(saved, results=tuple(many)), Watch(notes.append)
        drawn("roc", ten, FigureChoice(), {}, SOURCES, watch)
    assert notes[0] == "left out s8, s9: choose with --score"

"""Claims about figures of single images and classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from samples.report.figures import PLAIN, sample, thumbnail

from oodcache.report.content import FailingClass
from oodcache.report.figures.choice import FigureChoice
from oodcache.report.figures.image_figures import MOST_CLASSES
from oodcache.report.figures.kinds import draw

SAMPLE = sample(paths="cats/")


def texts(figure: Figure) -> list[str]:
    return [one.get_text() for one in figure.texts]


@pytest.mark.parametrize(("width", "columns"), [(3.25, 4), (6.75, 8)])
def test_a_strip_of_each_set_has_the_worst_images_first(width: float, columns: int) -> None:
    figure = draw("fooled", SAMPLE.subject("fooled", FigureChoice(scores=("mcm",)), width=width))
    assert len(figure.axes) == (1 + len(PLAIN)) * columns
    said = texts(figure)
    headings = ["ID, lowest scores: pets", *(f"OOD, highest scores: {name}" for name in PLAIN)]
    for heading, name in zip(headings, ("pets", *PLAIN), strict=True):
        place = said.index(heading) + 1
        captions = said[place : place + 3 * columns]
        scores = np.sort(SAMPLE.scores["mcm"][name])[:: 1 if name == "pets" else -1] / 2
        assert captions[2::3] == [f"{one:#.4g}" for one in scores[:columns]]
        assert {*captions[0::3]} <= {"cat", "dog"}
        assert {*captions[1::3]} <= {"→ cat", "→ dog"}


def test_a_thumbnail_is_drawn_in_its_colours_and_a_missing_one_has_its_name() -> None:
    figure = draw("fooled", SAMPLE.subject("fooled", FigureChoice(scores=("mcm",))))
    first, *others = figure.axes
    pixels = np.asarray(first.images[0].get_array())
    assert pixels.shape == (32, 48, 3)
    assert np.abs(pixels.astype(int) - (200, 30, 90)).max() < 8
    assert not first.texts
    lowest = np.argsort(SAMPLE.scores["mcm"]["pets"], kind="stable")
    assert others[0].texts[0].get_text() == f"{lowest[1]}.png"


@pytest.mark.parametrize("broken", ["", "no base64", thumbnail()[:60]])
def test_a_thumbnail_that_cannot_be_read_is_as_a_missing_one(broken: str) -> None:
    subject = replace(SAMPLE.subject("fooled"), thumbnails=(broken,))
    figure = draw("fooled", subject)
    assert not figure.axes[0].images
    assert figure.axes[0].texts[0].get_text().endswith(".png")


def test_scores_are_in_the_form_asked_for_and_an_infinite_one_is_said() -> None:
    subject = SAMPLE.subject("fooled", FigureChoice(scores=("mcm",)), form="ranked")
    (row,) = subject.rows
    first = replace(row.fooled_id[0], ranked=None, label="")
    subject = replace(subject, rows=(replace(row, fooled_id=(first, row.fooled_id[1])),))
    said = texts(draw("fooled", subject))
    ranked = np.sort(SAMPLE.scores["mcm"]["pets"])
    assert said[1] == "no label"
    assert said[3] == "infinite"
    assert said[6] == f"{ranked[1]:#.4g}"


def bars(axes: Axes) -> list[tuple[str, float, str]]:
    return [
        (name.get_text(), float(bar.get_width()), counts.get_text())  # type: ignore[attr-defined]
        for name, bar, counts in zip(axes.get_yticklabels(), axes.patches, axes.texts, strict=True)
    ]


def test_classes_have_the_share_of_images_that_fail_at_95_percent() -> None:
    figure = draw("classes", SAMPLE.subject("classes", FigureChoice(scores=("mcm",)), width=6.75))
    drawn = {one.get_title(loc="left"): one for one in figure.axes}
    assert list(drawn) == ["ID rejected: pets", *(f"OOD kept: {name}" for name in PLAIN)]
    inside = SAMPLE.scores["mcm"]["pets"]
    threshold = max(one for one in inside if np.mean(inside >= one) >= 0.95)
    for title, axes in drawn.items():
        name = title.split(": ")[1]
        own = SAMPLE.scores["mcm"][name]
        failed = own < threshold if name == "pets" else own >= threshold
        found = {label.split(" → ")[0]: (share, counts) for label, share, counts in bars(axes)}
        for place, label in enumerate(("cat", "dog")):
            here = failed[place::2]
            if here.any():
                wanted = (pytest.approx(100 * here.mean()), f"{here.sum()}/{len(here)}")
                assert found.pop(label) == wanted
        assert not found


def test_no_more_classes_are_drawn_than_can_be_read_and_none_is_said() -> None:
    subject = SAMPLE.subject("classes", FigureChoice(ood_sets=("SUN",)))
    (row,) = subject.rows
    many = tuple(FailingClass(f"class {number}", 1, 2, "dog") for number in range(30))
    subject = replace(subject, rows=(replace(row, failing_id=(), failing_ood={"SUN": many}),))
    inside, outside = draw("classes", subject).axes
    assert [one.get_text() for one in inside.texts] == ["none"]
    assert [name for name, _, _ in bars(outside)] == [
        f"class {number} → dog" for number in range(MOST_CLASSES)
    ]


def test_images_without_paths_fooled_nobody_that_can_be_shown() -> None:
    subject = SAMPLE.subject("fooled")
    (row,) = subject.rows
    bare = replace(row, fooled_id=(), fooled_ood=dict.fromkeys(PLAIN, ()))
    figure = draw("fooled", replace(subject, rows=(bare,)))
    assert texts(figure).count("none") == 1 + len(PLAIN)

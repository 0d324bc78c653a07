"""Claims about the figure of streams: it fits a page, and says what its lines are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from samples.report.figures import sample
from samples.report.streams import learning, streamed

from oodcache.cache.errors import InputError
from oodcache.report.figures.choice import FigureChoice
from oodcache.report.figures.kinds import Subject, choose, draw
from oodcache.report.figures.stream_figures import PAGE
from oodcache.report.saved.results import Saved
from oodcache.score.measures.result import Result

SLOW = pytest.mark.slow
SAMPLE = sample(outside=("SUN",))


def subject(saved: Saved, choice: FigureChoice, width: float = 6.75, **more: Any) -> Subject:
    return Subject(saved, choose("stream", saved, choice), choice, width=width, **more)


def drawn(saved: Saved, width: float = 6.75) -> tuple[Figure, list[str]]:
    """Return the figure of all rows, and its notes."""
    notes: list[str] = []
    return draw("stream", subject(saved, FigureChoice(), width, note=notes.append)), notes


def legend(figure: Figure) -> list[str]:
    return [one.get_text() for one in figure.legends[0].get_texts()]


def own(count: int, sets: Sequence[str]) -> Saved:
    """Return as many stream scores on each set; their memories and thresholds are all known."""
    first = SAMPLE.saved.results[0]
    rows: list[Result] = []
    for number in range(count):
        for ood in sets:
            one = learning(replace(first, ood=ood), "tanl", "id-first", 0)
            rows.append(replace(one, score=f"mine.py:S{number}", parameters={}))
    return replace(SAMPLE.saved, results=tuple(rows))


@pytest.mark.parametrize(
    ("count", "sets", "width", "left"),
    [
        (1, 1, 3.25, None),
        pytest.param(4, 1, 6.75, None, marks=SLOW),
        pytest.param(3, 2, 6.75, "the ID memory, the OOD memory and the threshold", marks=SLOW),
        pytest.param(
            *(6, 2, 3.25, "FPR95 of windows, the ID memory, the OOD memory and the threshold"),
            marks=SLOW,
        ),
        (11, 3, 3.25, "AUROC of windows, FPR95 of windows, the ID memory, the OOD memory and"),
    ],
)
def test_a_figure_fits_a_page_and_notes_what_it_leaves_out(
    count: int, sets: int, width: float, left: str | None
) -> None:
    figure, notes = drawn(own(count, [f"set {place}" for place in range(sets)]), width)
    assert figure.get_figheight() <= PAGE
    if left is None:
        assert notes == []
        return
    (note,) = notes
    assert note.startswith(f"left out to fit a page: {left}") and "--score or --ood" in note
    drawn_panels = {one.get_label().partition(": ")[2] for one in figure.axes}
    assert "threshold" not in drawn_panels
    assert ("AUROC (%)" in drawn_panels) == ("AUROC" not in left)


@SLOW
def test_a_figure_that_fits_no_page_says_how_tall_it_is() -> None:
    figure, notes = drawn(own(13, [f"set {place}" for place in range(4)]), 3.25)
    tall = f"the figure is {figure.get_figheight():.0f} inches tall, more than a page: choose fewer"
    assert [one.startswith(tall) for one in notes] == [False, True]
    assert notes[1].endswith("rows with --score or --ood, or --width two")


def test_the_legend_says_that_lines_follow_the_first_of_several_shuffles() -> None:
    saved = streamed(SAMPLE.saved)
    assert legend(drawn(saved)[0]) == ["shuffle:2 (line: first of 2 shuffles)", "id-first"]
    choice = FigureChoice(ood_sets=["average"])  # Without lines.
    several = streamed(sample(outside=("SUN", "DTD")).saved)
    assert legend(draw("stream", subject(several, choice))) == ["shuffle:2", "id-first"]


def test_a_figure_of_one_of_several_models_names_it_and_notes_the_others() -> None:
    saved = streamed(SAMPLE.saved, ["oodd"])
    others = [replace(one, model="other") for one in saved.results]
    both = replace(saved, results=(*saved.results, *others))
    first = saved.results[0]
    model, other = (f"{name}/{first.pretrained}" for name in (first.model, "other"))
    for shown, title, noted in (
        (saved, "OOD: SUN", []),
        (both, f"OOD: SUN · {model}", [f"left out {other}: choose with --model"]),
    ):
        figure, notes = drawn(shown)
        assert (figure.texts[0].get_text(), notes) == (title, noted)
    named: list[str] = []
    choice = FigureChoice(models=[other])
    figure = draw("stream", subject(both, choice, note=named.append))
    assert (figure.texts[0].get_text(), named) == (f"OOD: SUN · {other}", [])


def test_a_stream_of_all_sets_says_that_its_memory_counts_them_all() -> None:
    saved = streamed(SAMPLE.saved, ["tanl"])
    text = "id-first: the memory counts images of every OOD set"
    for images, there in ((100, False), (160, True)):
        rows = [
            replace(one, stream=replace(one.stream, images=images))
            if one.stream and one.stream.order == "id-first"
            else (
                one.stream and replace(one, stream=replace(one.stream, images=one.n_id + one.n_ood))
            )
            or one
            for one in saved.results
        ]
        figure, _ = drawn(replace(saved, results=tuple(rows)))
        assert (text in [one.get_text() for one in figure.texts]) is there


def test_a_row_without_a_path_is_points_alone_with_a_note() -> None:
    saved = streamed(SAMPLE.saved)
    rows = [
        replace(one, stream=replace(one.stream, path=None))
        if one.stream and one.score == "oodd"
        else one
        for one in saved.results
    ]
    figure, notes = drawn(replace(saved, results=tuple(rows)))
    labels = [one.get_label() for one in figure.axes]
    assert "tanl: AUROC (%)" in labels and "oodd: AUROC (%)" not in labels
    (note,) = notes
    assert note.startswith("oodd (shuffle:2), oodd (id-first): no path, which this version adds;")
    strip = next(one for one in figure.axes if one.get_label() == "strip: auroc")
    assert [one.get_text() for one in strip.get_yticklabels()] == ["oodd", "tanl"]


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

"""Figure of a ranking: mean ranks of scores over OOD sets, and bars that join those alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oodcache.cache.errors import InputError
from oodcache.cache.text import counted
from oodcache.report.figures.canvas import (
    COLOURS,
    LINE,
    NARROW,
    fitted,
    new_figure,
    width_of,
    wrapped,
)
from oodcache.report.figures.kinds import Subject
from oodcache.report.findings.ranking import has_several_banks
from oodcache.report.rankings import DELONG, NO_TEST, SIGNED_RANK, Ranking, ranked
from oodcache.report.tables.grid import Key, name_parts, some
from oodcache.score.measures.result import HEADLINES, Result

MOST_ROWS = 40
# Inches: between two bars, and the margins of the panel.
BAR, LEFT, RIGHT, BELOW, ABOVE = 0.11, 0.06, 0.08, 0.24, 0.05
BESIDE, NUMBER, MOST_NUMBERS = 0.14, 0.22, 6  # Inches beside a name, and of a number.
NAMES = 0.55, 0.4  # Share of the width for names, in a narrow figure and in a wide one.
TESTS = {
    SIGNED_RANK: "bars: no difference shown at 5 % (signed-rank tests over sets, Holm)",
    DELONG: "bars: no difference shown at 5 % (DeLong tests of images, Holm)",
    NO_TEST: "no test of differences",
}


def ranking(subject: Subject) -> Figure:
    """Return each row's mean rank, best first, its range over the sets, and bars of equals.

    A bar joins rows of which no two are shown to differ; its dots are the rows that it joins.
    """
    rows = _complete(subject)
    sets = list(next(iter(rows.values())))
    found = ranked(rows, sets, subject.measure, subject.saved.differences)
    _note_test(found, len(sets), subject)
    labels = dict(zip(subject.chosen.rows(), subject.chosen.labels(), strict=True))
    texts = (
        f"mean rank over {counted(len(sets), 'OOD set')}, by {_heading(subject)}",
        TESTS[found.test],
    )
    foot = [line for one in texts for line in wrapped(one, 72 * (subject.width - 2 * LEFT))]
    height = ABOVE + LINE * (len(rows) + 0.6) + BELOW + LINE * len(foot)
    # Placed by hand, so that bars have room beside the names.
    figure = new_figure(subject.width, height, layout=None)
    room = NAMES[0 if subject.width < NARROW else 1] * subject.width
    bars = BAR * len(found.groups) + (0.1 if found.groups else 0.0)
    names = fitted([labels[one.key] for one in found.rows], 72 * (room - BESIDE))
    room = min(room, max(map(width_of, names)) / 72 + BESIDE)
    bottom = (BELOW + LINE * len(foot)) / height
    top = LINE * (len(rows) + 0.6) / height
    wide = subject.width - room - RIGHT - bars
    axes = figure.add_axes((room / subject.width, bottom, wide / subject.width, top))
    _points(axes, found, names, max(2, int(wide / NUMBER)))
    if bars:
        beside = (room + wide + 0.1) / subject.width
        joined = figure.add_axes((beside, bottom, (bars - 0.1) / subject.width, top))
        _bars(joined, found)
    for place, line in enumerate(foot):
        middle = LINE * (len(foot) - place - 0.4) / height
        figure.text(0.5, middle, line, ha="center", va="center")
    return figure


def _heading(subject: Subject) -> str:
    return subject.axis(subject.measure).removesuffix(" (%)")


def _complete(subject: Subject) -> Mapping[Key, Mapping[str, Result]]:
    """Return the rows of the first positives that have all sets; note the others."""
    every, sets = subject.chosen.rows(), subject.chosen.ood_sets
    averages = {one.ood for one in subject.chosen.results if one.is_average}
    sets = tuple(one for one in sets if one not in averages)
    inside = next(iter(subject.chosen.results)).id
    found = {
        key: {ood: row[ood] for ood in sets}
        for key, row in every.items()
        if all(ood in row and row[ood].id == inside for ood in sets)
    }
    if len(found) < 2 or not sets:
        raise InputError(
            f"{subject.saved.path}: a ranking needs two scores or more on the same OOD sets; "
            "score again, with several --score"
        )
    if len(found) > MOST_ROWS:
        raise InputError(
            f"{subject.saved.path}: {len(found)} rows are too many to rank; choose at most "
            f"{MOST_ROWS} with --model and --score"
        )
    left = {key: parts for key, parts in name_parts(every).items() if key not in found}
    if left:
        names = [" · ".join(map(subject.chosen.shown, one)) for one in left.values()]
        subject.note(f"left out {some(names)}: not measured on the same sets")
    return found


def _note_test(found: Ranking, sets: int, subject: Subject) -> None:
    """Tell what a test could show: with few OOD sets, one over sets shows nothing."""
    if found.test == SIGNED_RANK:
        return
    few = (
        f"{counted(sets, 'OOD set')}: no test over sets can show a difference among "
        f"{len(found.rows)} scores at 5 %, which needs {found.fewest} sets"
    )
    if found.test == DELONG:
        subject.note(f"{few}; bars are by DeLong's tests of the images of these sets")
    elif subject.measure == "auroc" and has_several_banks(subject.saved.results):
        subject.note(f"{few}; tests of images need --compare, which takes one bank")
    elif subject.measure == "auroc":
        subject.note(f"{few}; score again with --compare for tests of the images of these sets")
    else:
        name = HEADLINES[subject.measure].heading
        subject.note(f"{few}; tests of images are of AUROC, not of {name}")


def _points(axes: Axes, found: Ranking, names: Sequence[str], most: int) -> None:
    """Draw mean ranks from the top down, and the range of each row's ranks; `most` numbers fit."""
    for place, row in enumerate(found.rows):
        axes.plot([min(row.ranks), max(row.ranks)], [place, place], color="0.7", linewidth=0.9)
        axes.plot([row.mean], [place], "o", color=COLOURS[0])
    count = len(found.rows)
    axes.set_yticks(range(count), names)
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_xlim(0.8, count + 0.2)
    axes.grid(axis="x", linewidth=0.4, color="0.85")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    step = -(-count // min(most, MOST_NUMBERS))
    axes.set_xticks([*range(1, count + 1, step)])


def _bars(axes: Axes, found: Ranking) -> None:
    """Draw a bar for each group of rows that do not differ, side by side."""
    for place, group in enumerate(found.groups):
        axes.plot([place] * 2, [group[0], group[-1]], color="black", linewidth=1.6)
        axes.plot([place] * len(group), group, "o", color="black", markersize=3.0)
    axes.set_xlim(-0.5, len(found.groups) - 0.5)
    axes.set_ylim(len(found.rows) - 0.4, -0.6)
    axes.set_axis_off()

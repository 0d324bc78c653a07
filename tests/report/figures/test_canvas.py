"""Claims about what figures share: names made fit to be drawn, panels and legends."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.lines import Line2D
from PIL import ImageFont
from samples.report.figures import HOSTILE

from oodcache.cache.errors import InputError
from oodcache.report.figures.canvas import (
    COLOURS,
    DPI,
    fitted,
    legend,
    legend_height,
    line_style,
    new_figure,
    panels,
    printable,
    style,
    width_of,
    wrapped,
)

FONT = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
LONG = "neglabel:temperature=0.01,groups=10,number=500,percentile=50,seed=0"


def measured(text: str) -> float:
    """Return a text's width in points by another program: eight points, at a hundred times."""
    return ImageFont.truetype(FONT, 800, layout_engine=ImageFont.Layout.BASIC).getlength(text) / 100


@pytest.mark.parametrize("text", ["mcm", LONG, "WWW iii …"])
def test_widths_are_those_that_pillow_measures(text: str) -> None:
    assert width_of(text) == pytest.approx(measured(text), rel=0.03, abs=1)


@given(st.text(st.characters(max_codepoint=0x24F), max_size=120), st.floats(30, 200))
def test_a_fitted_name_is_no_wider_than_its_room_and_whole_where_it_fits(
    text: str, points: float
) -> None:
    (cut,) = fitted([text], points)
    assert cut.isprintable()
    assert width_of(cut) <= points
    if width_of(printable(text)) <= points and len(printable(text)) <= points / 8 * 5:
        assert cut == printable(text)
    elif width_of(printable(text)) > points:
        assert "…" in cut
        before, _, after = cut.partition("…")
        assert printable(text).startswith(before)
        assert printable(text).endswith(after)


def test_a_name_is_cut_in_the_middle() -> None:
    (cut,) = fitted([LONG], 100)
    assert cut == "neglabel:t…=50,seed=0"


@pytest.mark.parametrize(
    "names",
    [
        [LONG, LONG.replace("seed=0", "seed=1"), LONG.replace("neglabel", "eoe")],
        [LONG, LONG.replace("groups=10", "groups=100")],
        ["a" * 300, "a" * 299 + "b", "a" * 150 + "b" + "a" * 149],
        ["a\nb", "a\\nb"],
        [*HOSTILE],
    ],
)
def test_names_that_differ_stay_different_when_they_are_cut(names: list[str]) -> None:
    with style():  # Which knows of glyphs that are missing.
        cut = fitted(names, 70)
        assert len(set(cut)) == len(names)
        assert max(map(width_of, cut)) <= 70


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=9), min_size=1), st.floats(80, 300))
def test_wrapped_lines_fit_and_have_every_word(words: list[str], points: float) -> None:
    lines = wrapped(" ".join(words), points)
    assert " ".join(lines).split(" ") == words
    assert all(width_of(one) <= points for one in lines)
    # No line has room for the word after it.
    for line, after in pairwise(lines):
        assert width_of(f"{line} {after.split(' ')[0]}") > points


def test_a_serif_style_measures_in_its_own_font() -> None:
    with style("serif"):
        serif = width_of("mcm:temperature")
    with style():
        assert serif < width_of("mcm:temperature")


def test_equal_names_stay_equal() -> None:
    assert fitted(["cat", "cat"], 100) == ["cat", "cat"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two\nlines\t\x1b[31m", r"two\nlines\t\x1b[31m"),
        ("byte \udcff", r"byte \udcff"),
        ("\u202eback\u2028", r"\u202eback\u2028"),
        ("größer 漢字", "größer 漢字"),
    ],
)
def test_what_cannot_be_drawn_is_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown


def test_a_legend_shows_names_that_begin_with_an_underscore_and_dollars_as_they_are() -> None:
    with style():
        figure = new_figure(3.25, 2)
        legend(figure, [Line2D([], []), Line2D([], [])], ["_hidden", "$x$"], 3.25)
        texts = figure.legends[0].get_texts()
        assert [one.get_text() for one in texts] == ["_hidden", "$x$"]
        assert not any(one.get_parse_math() for one in texts)


def test_a_legend_takes_the_rows_that_its_names_need() -> None:
    assert legend_height(["a", "b"], 3.25) == legend_height(["a"], 3.25)
    assert legend_height(["a" * 100, "b"], 3.25) == pytest.approx(2 * legend_height(["a"], 3.25))
    assert legend_height([], 3.25) == 0


def test_every_panel_has_its_title_and_the_lowest_of_each_column_its_numbers() -> None:
    with style():
        figure, axes = panels([*"abcde"], 6.75)
        figure.canvas.draw()
    assert [one.get_title() for one in axes] == [*"abcde"]
    assert len(figure.axes) == 5
    shown = [any(tick.label1.get_visible() for tick in one.xaxis.majorTicks) for one in axes]
    assert shown == [False, True, True, True, True]


def test_lines_differ_by_more_than_colour() -> None:
    seen = {str({**line_style(place), "color": ""}) for place in range(40)}
    assert len(seen) == 40
    assert len({line_style(place)["color"] for place in range(8)}) == len(COLOURS) == 8


def test_a_figure_that_is_too_high_is_refused() -> None:
    with pytest.raises(
        InputError, match="the figure would be 101 inches high, over the limit of 100"
    ):
        new_figure(3.25, 101)


def test_the_users_own_settings_come_back() -> None:
    before = dict(matplotlib.rcParams)
    with style():
        assert matplotlib.rcParams["figure.dpi"] == DPI
    assert dict(matplotlib.rcParams) == before

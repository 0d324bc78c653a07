"""Canvas of all figures: size, style, names that fit, and the bytes of a file.

No figure uses pyplot, whose state is global. Lengths are inches, those of texts points.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from matplotlib import MatplotlibDeprecationWarning, rc_context, rcParamsDefault
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from oodcache.cache.errors import InputError

DPI = 300
SIZE, SMALL = 8.0, 6.5
LINE = 0.17
# Inches: the largest square panel, what is beside such panels, between them, and above each.
SQUARE, BESIDE, GAP, TITLE = 3.0, 0.45, 0.05, 0.3
TALLEST = 100.0
NARROW = 4.5  # Narrower figures fit one column of a page.
HANDLE = 34.0  # Points of a legend entry's line sample and the gaps around it.
# They come with matplotlib, and are the same everywhere. What a font lacks, the next one has.
FONTS = {"sans": ("DejaVu Sans",), "serif": ("STIXGeneral", "DejaVu Sans")}
SANS = "sans"
# Okabe and Ito's colours; yellow, which is faint on white, last.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
DASHES: tuple[Any, ...] = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))
MARKERS = "osD^vPX<>"
STYLE = {
    "font.size": SIZE,
    "axes.titlesize": SIZE,
    "axes.labelsize": SIZE,
    "xtick.labelsize": SIZE,
    "ytick.labelsize": SIZE,
    "legend.fontsize": SIZE,
    "figure.titlesize": SIZE,
    "figure.labelsize": SIZE,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "hatch.linewidth": 0.4,
    # Names are untrusted: a dollar sign starts no formula.
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "oodcache",
    "pdf.fonttype": 42,
}
METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}


@contextmanager
def style(font: str = SANS) -> Iterator[None]:
    """Apply the figures' style, whatever the user's matplotlib settings."""
    family = {"font.family": list(FONTS[font])}
    # The backend is global, and these figures need none.
    own: Any = {name: value for name, value in rcParamsDefault.items() if name != "backend"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MatplotlibDeprecationWarning)  # Deprecated defaults.
        warnings.filterwarnings("ignore", r"Glyph .* missing from")
        with rc_context(own | STYLE | family):
            yield


def line_style(place: int) -> dict[str, Any]:
    """Return colour, dashes and marker of a line by number; the first eight colours differ."""
    return {
        "color": COLOURS[place % len(COLOURS)],
        "linestyle": DASHES[place % len(DASHES)],
        "marker": MARKERS[place % len(MARKERS)],
    }


def printable(text: str) -> str:
    r"""Return a name as one line of printable text, valid in XML.

    >>> printable("a\nb\udcff"), printable("$x_$")
    ('a\\nb\\udcff', '$x_$')
    """
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def width_of(text: str, size: float = SIZE) -> float:
    """Return the width of a text in points, in the font of the style."""
    font = FontProperties(size=size)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def fitted(texts: Sequence[str], points: float, size: float = SIZE) -> list[str]:
    """Return printable names, shortened in the middle if wider than `points`.

    Names that differ stay different: they are shortened elsewhere, or numbered.
    """
    whole = [printable(one) for one in texts]
    cut: list[str] = []
    for front in (0.5, 0.25, 0.75, 0.0, 1.0):
        cut = [_cut(one, points, size, front) for one in whole]
        if len(set(cut)) == len(set(texts)):
            return cut
    numbers = {one: number for number, one in enumerate(dict.fromkeys(texts), 1)}
    return [
        _cut(f"{numbers[text]}: {one}", points, size, 0.75)
        for text, one in zip(texts, whole, strict=True)
    ]


def wrapped(text: str, points: float) -> list[str]:
    """Return a text as lines of whole words that fit; a word that is wider is shortened."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and width_of(f"{lines[-1]} {word}") <= points:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [one for line in lines for one in fitted([line], points)]


def _cut(text: str, points: float, size: float, front: float) -> str:
    """Return a text shortened to fit; the share `front` of what is left is before the cut."""
    # No text that fits is longer, however narrow its letters.
    most = max(4, int(points / size * 5))
    if len(text) <= most and width_of(text, size) <= points:
        return text
    low, high = 0, min(len(text), most)
    while low < high:
        middle = (low + high + 1) // 2
        if width_of(_without_middle(text, middle, front), size) <= points:
            low = middle
        else:
            high = middle - 1
    return _without_middle(text, low, front)


def _without_middle(text: str, left: int, front: float) -> str:
    before = round(left * front)
    return f"{text[:before]}…{text[len(text) - (left - before) :]}"


def new_figure(width: float, height: float, *, layout: str | None = "constrained") -> Figure:
    """Return an empty figure; raise InputError if it is too tall."""
    if height > TALLEST:
        raise InputError(
            f"the figure would be {height:,.0f} inches high, over the limit of {TALLEST:.0f}; "
            "choose fewer rows with --score or --ood"
        )
    figure = Figure(figsize=(width, height), dpi=DPI, layout=layout)  # type: ignore[arg-type]
    FigureCanvasAgg(figure)
    if layout is not None:
        engine: Any = figure.get_layout_engine()
        engine.set(w_pad=0.03, h_pad=0.03, wspace=0.05, hspace=0.03)
    return figure


def subplots(figure: Figure, count: int, columns: int, **layout: Any) -> list[Axes]:
    """Return `count` axes in rows of `columns`."""
    grid = figure.subplots(math.ceil(count / columns), columns, squeeze=False, **layout)
    axes: list[Axes] = list(grid.flat)
    for spare in axes[count:]:
        spare.remove()
    return axes[:count]


def panels(
    titles: Sequence[str],
    width: float,
    *,
    handles: Sequence[Artist] = (),
    labels: Sequence[str] = (),
    square: bool = False,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with axes for each title, and a legend of the handles above them.

    A `square` panel is as high as it is wide.
    """
    columns = min(len(titles), max(1, int(width / 1.55)))
    rows = math.ceil(len(titles) / columns)
    tall = min(2.8, max(1.35, 0.8 * width / columns))
    if square:
        tall = min(SQUARE, (width - BESIDE) / columns - GAP) + TITLE
    figure = new_figure(width, rows * tall + legend_height(labels, width) + 0.25)
    if square:  # Its numbers at the edge stand out more than the layout reckons with.
        engine: Any = figure.get_layout_engine()
        engine.set(w_pad=0.06)
    axes = subplots(figure, len(titles), columns, sharex=True, sharey=True)
    for one in axes[-columns:]:  # Axes above a removed one would have no numbers.
        one.xaxis.set_tick_params(labelbottom=True)
    for one, title in zip(axes, fitted(titles, 72 * 0.72 * width / columns), strict=True):
        one.set_title(title)
        if square:
            one.set_box_aspect(1)
    if labels:
        legend(figure, handles, labels, width)
    return figure, axes


def label_axes(figure: Figure, axes: Sequence[Axes], x: str, y: str) -> None:
    """Label what all panels share: at a single panel, which may be narrower than its figure."""
    if len(axes) == 1:
        axes[0].set_xlabel(x)
        axes[0].set_ylabel(y)
        return
    figure.supxlabel(x)
    figure.supylabel(y)


def legend(figure: Figure, handles: Sequence[Artist], labels: Sequence[str], width: float) -> None:
    """Add a legend above everything, in as many columns as fit."""
    columns = _legend_columns(labels, width)
    texts = fitted(labels, 72 * width / columns - HANDLE)
    drawn = figure.legend(
        handles,
        ["·"] * len(texts),
        loc="outside upper center",
        ncols=columns,
        handlelength=2.4,
        columnspacing=1.0,
        handletextpad=0.5,
        borderpad=0.4,
        labelspacing=0.3,
    )
    # As labels, texts that begin with "_" would be skipped.
    for one, text in zip(drawn.get_texts(), texts, strict=True):
        one.set_text(text)


def legend_height(labels: Sequence[str], width: float) -> float:
    """Return the height of a legend."""
    return LINE * math.ceil(len(labels) / _legend_columns(labels, width)) if labels else 0.0


def _legend_columns(labels: Sequence[str], width: float) -> int:
    widest = max(width_of(printable(one)[:200]) for one in labels) + HANDLE
    return max(1, min(len(labels), int(72 * width / widest)))


def set_in(figure: Figure, font: str) -> Figure:
    """Return a figure that remembers its font: texts of axes are made when it is written."""
    vars(figure)["oodcache_font"] = font
    return figure


def font_of(figure: Figure) -> str:
    """Return the font that a figure is set in."""
    return str(vars(figure).get("oodcache_font", SANS))


def written(figure: Figure, ending: str) -> bytes:
    """Return a figure as the bytes of a file; equal figures give equal bytes."""
    stream = io.BytesIO()
    figure.savefig(stream, format=ending[1:], metadata=METADATA[ending])
    return stream.getvalue()

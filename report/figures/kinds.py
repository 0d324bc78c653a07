"""Kinds of figures for papers, and how one is drawn and written.

Matplotlib is imported only to draw: `--help` needs the kinds too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oodcache.cache.errors import InputError
from oodcache.cache.format.sibling import sibling
from oodcache.score.measures.result import HEADLINES

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Figure

    from oodcache.report.content import Content, ImageRow
    from oodcache.report.figures.choice import FigureChoice
    from oodcache.report.figures.figure_rows import FigureRows
    from oodcache.report.saved.results import Saved

MOST_LINES = 8
ENDINGS = (".png", ".svg", ".pdf")
WIDTHS = {"one": 3.25, "two": 6.75}
SMALLEST, LARGEST = 2.0, 20.0
FORMS = ("shown", "ranked")
TYPEFACES = ("sans", "serif")
# What only some kinds have.
OF_KINDS = {
    "measure": ("heatmap", "ranking", "scatter"),
    "form": ("histogram", "threshold", "fooled"),
    "parameter": ("sweep",),
    "images": ("fooled",),
}


@dataclass(frozen=True)
class Kind:
    """A kind of figure: its help line, the module that draws it, and what it shows."""

    says: str
    module: str
    of_images: bool
    most_scores: int | None = None
    every_template: bool = False
    of_probabilities: bool = False
    of_streams: bool = False


KINDS = {
    "results": Kind(
        "AUROC of each score with its interval, a forest plot", "result_figures", False
    ),
    "heatmap": Kind("score × OOD set, AUROC or FPR95 in every cell", "result_figures", False),
    "ranking": Kind("mean rank of each score over the OOD sets", "ranking_figure", False),
    "scatter": Kind(
        "AUROC of each score against the ID accuracy of its model",
        "scatter_figure",
        False,
    ),
    "roc": Kind("TPR against FPR, a line for each score", "curve_figures", True, MOST_LINES),
    "pr": Kind("precision against recall of ID", "curve_figures", True, MOST_LINES),
    "histogram": Kind("scores of ID against those of each OOD set", "curve_figures", True, 1),
    "threshold": Kind("TPR, and FPR of each OOD set, by threshold", "curve_figures", True, 1),
    "sweep": Kind(
        "AUROC and FPR95 against a parameter, template or shots",
        "sweep_figures",
        False,
        every_template=True,
    ),
    "reliability": Kind(
        "a probability against the share of ID", "curve_figures", True, 1, of_probabilities=True
    ),
    "stream": Kind(
        "AUROC, FPR95 and memory along a stream, and every order's result",
        "stream_figures",
        False,
        of_streams=True,
    ),
    "fooled": Kind("the images that fooled a score", "image_figures", True, 1),
    "classes": Kind("the classes whose images fail most", "image_figures", True, 1),
}


@dataclass(frozen=True)
class Subject:
    """Input of a figure; `rows` have its single images, in the order of `chosen`.

    `note` is called with each line for the user, such as what was left out.
    """

    saved: Saved
    chosen: FigureRows
    choice: FigureChoice
    rows: tuple[ImageRow, ...] = ()
    thumbnails: tuple[str, ...] = ()
    width: float = WIDTHS["one"]
    measure: str = "auroc"
    parameter: str | None = None
    form: str = "shown"
    font: str = "sans"
    note: Callable[[str], None] = lambda text: None

    def axis(self, measure: str) -> str:
        """Return a measure's axis label, with the FPR convention unless it is strict."""
        about = HEADLINES[measure]
        conventions = dict.fromkeys(one.fpr_convention for one in self.chosen.results)
        named = [one for one in conventions if about.by_convention and one != "strict"]
        return f"{', '.join([about.heading, *named])} (%)"


def inches(width: str | float) -> float:
    """Return a width in inches from "one" or "two" columns, or a number; raise ValueError."""
    if isinstance(width, str) and width in WIDTHS:
        return WIDTHS[width]
    try:
        number = float(width)
    except (TypeError, ValueError):
        number = math.nan
    if not SMALLEST <= number <= LARGEST:
        names = " nor ".join(WIDTHS)
        raise ValueError(f"{width} is neither {names} nor {SMALLEST:.0f} to {LARGEST:.0f} inches")
    return number


def look(kind: str, own: Mapping[str, object], width: str | float) -> dict[str, Any]:
    """Return the fields of a Subject that the arguments of a call set; None is the default.

    `own` has what OF_KINDS names. Raises InputError for what a kind does not have.
    """
    check_choice("kind", kind, KINDS)
    given = {name: value for name, value in own.items() if value}
    for name in given:
        if kind not in OF_KINDS[name]:
            raise InputError(f"{name} applies to {', '.join(OF_KINDS[name])}, not to {kind}")
    for name, choices in (("measure", HEADLINES), ("form", FORMS)):
        if name in given:
            check_choice(name, given[name], choices)
    try:
        return {name: one for name, one in given.items() if name != "images"} | {
            "width": inches(width)
        }
    except ValueError as error:
        raise InputError(f"width {error}") from None


def check_choice(what: str, given: object, choices: Iterable[str]) -> None:
    """Raise InputError unless `given` is one of the choices."""
    if given not in (there := [*choices]):
        raise InputError(f"{what} {given!r:.60}: there is none; choose one of {', '.join(there)}")


def check(path: Path) -> None:
    """Raise InputError for an unknown file ending, or if matplotlib is missing."""
    if path.suffix.lower() not in ENDINGS:
        what = f"ends in {path.suffix!r}" if path.suffix else "has no ending"
        raise InputError(f"{path}: {what}; use {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    check_library()


def check_library() -> None:
    """Raise InputError if matplotlib is missing."""
    if find_spec("matplotlib") is None:
        raise InputError("plot needs matplotlib: type pip install 'oodcache[report]'")


def choose(kind: str, saved: Saved, choice: FigureChoice) -> FigureRows:
    """Return the results that a kind shows; raise InputError for names not in the results."""
    from oodcache.report.figures.choice import Default, chosen

    about = KINDS[kind]
    if kind == "sweep":  # Its scores are named without the parameter, so it checks them itself.
        choice = replace(choice, scores=())
    default = Default(
        scores=about.most_scores,
        templates=None if about.every_template else 1,
        models=1 if about.most_scores == 1 or about.of_streams else None,
        averages=not about.of_images,
        probability=about.of_probabilities,
        streams=about.of_streams,
    )
    return chosen(saved, choice, default, kind)


def rows_of(chosen: FigureRows, content: Content) -> tuple[ImageRow, ...]:
    """Return the images of each chosen row; raise InputError if some are missing."""
    by_key = {row.key: row for row in content.rows}
    wanted = list(chosen.rows())
    if not all(one in by_key for one in wanted):
        raise InputError(content.missing or "no image scores; score again with --save-scores")
    return tuple(by_key[one] for one in wanted)


def draw(kind: str, subject: Subject) -> Figure:
    from oodcache.report.figures.canvas import set_in, style

    drawn: Callable[[Subject], Figure] = getattr(
        import_module(f"oodcache.report.figures.{KINDS[kind].module}"), kind
    )
    with style(subject.font):
        return set_in(drawn(subject), subject.font)


def save(figure: Figure, path: Path) -> None:
    """Write a figure to `path` atomically; its ending is the format."""
    content = image(figure, path.suffix.lower())
    with sibling(path) as part:
        part.write_bytes(content)


def image(figure: Figure, ending: str) -> bytes:
    """Return a figure as the bytes of a file."""
    from oodcache.report.figures.canvas import font_of, style, written

    with style(font_of(figure)):
        return written(figure, ending)


def displayed(figure: Figure) -> Figure:
    """Return the figure as one that a notebook shows, whether or not it imported pyplot."""
    vars(figure)["_repr_png_"] = partial(image, figure, ".png")
    return figure

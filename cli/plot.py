"""`oodcache plot`: figures for papers, drawn from results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Hint
from oodcache.cli.commands import StrictCommand
from oodcache.cli.options import CACHE, FILE, WATCH, note
from oodcache.cli.report import DATA_ROOT, SCORES
from oodcache.report.figures.kinds import FORMS, KINDS, WIDTHS
from oodcache.score.measures.result import HEADLINES

if TYPE_CHECKING:
    from oodcache.report.content import Content
    from oodcache.report.figures.choice import FigureRows
    from oodcache.report.figures.kinds import Subject
    from oodcache.report.saved import Saved

OWN = {
    "measure": ("heatmap",),
    "form": ("histogram", "threshold", "fooled"),
    "parameter": ("sweep",),
    "images": ("fooled",),
}
NAMED = ("fooled", "classes")
SMALLEST, LARGEST = 2.0, 20.0


def inches(text: str) -> float:
    """Return a width in inches from "one" or "two" columns, or a number."""
    if text in WIDTHS:
        return WIDTHS[text]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not SMALLEST <= number <= LARGEST:
        names = " nor ".join(WIDTHS)
        what = f"{text} is neither {names} nor {SMALLEST:.0f} to {LARGEST:.0f} inches"
        raise click.BadParameter(what)
    return number


@click.command(cls=StrictCommand, short_help="Draw results for a paper: PNG, SVG, PDF.")
@click.argument("kind", type=click.Choice(list(KINDS)), metavar="KIND")
@click.argument("results", type=FILE)
@click.argument("images", nargs=-1, metavar="[NAME=PATH]...")
@click.option(
    *("-o", "--output"),
    required=True,
    type=FILE,
    help="Figure to write: .png (300 dpi), .svg or .pdf.",
)
@click.option(
    "--width",
    default="one",
    type=inches,
    metavar="one|two|INCHES",
    help="Width of the figure: one column (3.25 inches), two columns (6.75) or 2 to 20 inches.",
)
@click.option("--model", "models", multiple=True, help="Model; may repeat. [the first]")
@click.option("--template", "templates", multiple=True, help="Template; may repeat. [the first]")
@click.option(
    "--score",
    "labels",
    multiple=True,
    help="Score; may repeat. FILE.py:FUNCTION also gives the code of your own. [by KIND]",
)
@click.option("--ood", "ood_sets", multiple=True, help="OOD dataset; may repeat. [all]")
@click.option("--parameter", help="Parameter, or template, to vary (sweep only). [the first]")
@click.option(
    "--measure", type=click.Choice(tuple(HEADLINES)), help="Measure to show (heatmap only). [auroc]"
)
@click.option(
    "--form",
    type=click.Choice(FORMS),
    help="Score scale: as published or as ranked (histogram, threshold, fooled). [shown]",
)
@SCORES
@DATA_ROOT
@CACHE
def plot(**given: Any) -> None:
    """Draw a figure for a paper from the JSON of score or metrics.

    KIND is one of:

    \b
    KINDS

    \b
    oodcache plot heatmap results.json -o heatmap.pdf --measure fpr95
    oodcache plot roc results.json -o roc.svg --width two --score mcm --score energy --ood SUN
    oodcache plot fooled results.json -o fooled.png --score mcm --data-root photos
    """
    from oodcache.report.figures import kinds as figures

    options = _options(given)
    figures.check(given["output"])
    subject = _subject(given, options)
    figures.save(figures.draw(given["kind"], subject), given["output"])
    note(Hint(f"wrote {given['output']}"))


plot.help = str(plot.help).replace(
    "KINDS", "\n".join(f"    {name:12}{about.says}" for name, about in KINDS.items()).strip()
)


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options specific to the kind; reject those of other kinds."""
    for name, kinds in OWN.items():
        if given[name] and given["kind"] not in kinds:
            what = "NAME=PATH" if name == "images" else f"--{name}"
            raise click.UsageError(f"{what} applies to {', '.join(kinds)}, not to {given['kind']}")
    return {name: given[name] for name in OWN if given[name] and name != "images"}


def _subject(given: Mapping[str, Any], options: Mapping[str, Any]) -> Subject:
    """Return what the figure shows."""
    from oodcache.report import saved
    from oodcache.report.figures import kinds as figures
    from oodcache.report.figures.choice import FigureChoice

    results = saved.read(given["results"])
    choice = FigureChoice(*(given[name] for name in ("models", "templates", "labels", "ood_sets")))
    chosen = figures.choose(given["kind"], results, choice)
    subject = figures.Subject(results, chosen, choice, width=given["width"], **options)
    if not KINDS[given["kind"]].of_images:
        return subject
    found = _content(results, chosen, given)
    rows = figures.rows_of(chosen, found)
    # Scores of another program give curves, but their images have no paths.
    if given["kind"] in NAMED and not any(row.fooled_id for row in rows):
        raise InputError(
            f"{given['kind']} shows images, but {given['results']} does not name any: "
            "use results of oodcache score"
        )
    return replace(subject, rows=rows, thumbnails=found.thumbnails)


def _content(results: Saved, chosen: FigureRows, given: Mapping[str, Any]) -> Content:
    """Return the images behind the figure's rows, with thumbnails if it shows any."""
    from oodcache.score.own.given_again import code_among
    from oodcache.study import gathering

    typed = {one.partition("=")[0] for one in given["images"]}
    rows = [
        one
        for one in chosen.results
        if one.ood in chosen.ood_sets or one.ood.partition(":")[0] in typed
    ]
    return gathering.content(
        replace(results, results=tuple(rows)),
        gathering.Sources(
            *(given["scores"], given["cache"], given["images"], given["data_root"]),
            code=code_among(given["labels"]),
        ),
        WATCH,
        pictures=given["kind"] == "fooled",
    )

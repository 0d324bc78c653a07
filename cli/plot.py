"""`oodcache plot`: figures for papers, drawn from results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from oodcache.cache.watch import Hint
from oodcache.cli.commands import StrictCommand
from oodcache.cli.groups import MEASURES, OUTPUT, SCORES, SETS
from oodcache.cli.options import CACHE, FILE, WATCH, note
from oodcache.cli.report import DATA_ROOT, LABEL, SAVED_SCORES
from oodcache.report.figures.kinds import FORMS, KINDS, OF_KINDS, TYPEFACES, inches
from oodcache.score.measures.result import HEADLINES


def width(text: str) -> float:
    """Return a width in inches from "one" or "two" columns, or a number."""
    try:
        return inches(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(cls=StrictCommand, short_help="Draw results for a paper: PNG, SVG, PDF.")
@click.argument("kind", type=click.Choice(list(KINDS)), metavar="KIND")
@click.argument("results", type=FILE)
@click.argument("images", nargs=-1, metavar="[NAME=PATH]...")
@OUTPUT.option(
    *("-o", "--output"),
    required=True,
    type=FILE,
    help="Figure to write: .png (300 dpi), .svg or .pdf.",
)
@OUTPUT.option(
    "--width",
    default="one",
    type=width,
    metavar="one|two|INCHES",
    help="Width of the figure: one column (3.25 inches), two columns (6.75) or 2 to 20 inches.",
)
@SETS.option(
    "--model", "models", multiple=True, help="Model to draw; may repeat. [all, or by KIND]"
)
@SETS.option(
    "--template", "templates", multiple=True, help="Template to draw; may repeat. [the first]"
)
@SCORES.option(
    "--score",
    "labels",
    multiple=True,
    help="Score to draw; may repeat. FILE.py:FUNCTION also gives the code of your own. [by KIND]",
)
@SETS.option("--ood", "ood_sets", multiple=True, help="OOD dataset to draw; may repeat. [all]")
@SCORES.option(
    "--parameter", help="Parameter, template or shots to vary (sweep only). [shots, or the first]"
)
@MEASURES.option(
    "--measure",
    type=click.Choice(tuple(HEADLINES)),
    help="Measure to show (heatmap, ranking and scatter only). [auroc]",
)
@MEASURES.option(
    "--form",
    type=click.Choice(FORMS),
    help="Score scale: as published or as ranked (histogram, threshold, fooled). [shown]",
)
@LABEL
@OUTPUT.option(
    "--font",
    type=click.Choice(TYPEFACES),
    default=TYPEFACES[0],
    help="Typeface: sans serif, or a serif like Times.",
)
@SAVED_SCORES
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
    oodcache plot ranking results.json -o ranking.pdf --font serif --label mcm=MCM
    oodcache plot fooled results.json -o fooled.png --score mcm --data-root photos
    """
    from oodcache.report.figures import kinds as figures
    from oodcache.report.figures.choice import FigureChoice
    from oodcache.report.saved import results as saved
    from oodcache.score.own.given_again import code_among
    from oodcache.study.drawing import drawn
    from oodcache.study.gathering import Sources

    look = _own(given) | {"width": given["width"], "font": given["font"]}
    figures.check(given["output"])
    named = ("models", "templates", "labels", "ood_sets", "renamed")
    choice = FigureChoice(*(given[name] for name in named))
    places = (given["scores"], given["cache"], given["images"], given["data_root"])
    sources = Sources(*places, code=code_among(given["labels"]))
    figure = drawn(given["kind"], saved.read(given["results"]), choice, look, sources, WATCH)
    figures.save(figure, given["output"])
    note(Hint(f"wrote {given['output']}"))


plot.help = str(plot.help).replace(
    "KINDS", "\n".join(f"    {name:12}{about.says}" for name, about in KINDS.items()).strip()
)


def _own(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options specific to the kind; reject those of other kinds."""
    for name, kinds in OF_KINDS.items():
        if given[name] and given["kind"] not in kinds:
            what = "NAME=PATH" if name == "images" else f"--{name}"
            raise click.UsageError(f"{what} applies to {', '.join(kinds)}, not to {given['kind']}")
    return {name: given[name] for name in OF_KINDS if given[name] and name != "images"}

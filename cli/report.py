"""`oodcache report`: results, figures and misclassified images as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oodcache.cache.text import check_ending
from oodcache.cli.commands import StrictCommand
from oodcache.cli.groups import OUTPUT, SCORES, SETS
from oodcache.cli.options import CACHE, FILE, FOLDER, WATCH, data_root

SAVED_SCORES = SETS.option(
    "--scores",
    type=FILE,
    help="File of --save-scores. [as named in the results, otherwise recomputed from the cache]",
)
LABEL = OUTPUT.option(
    "--label",
    "renamed",
    multiple=True,
    metavar="OLD=NEW",
    help="Name to show instead of a model, score, template or dataset; may repeat: --label mcm=MCM",
)
DATA_ROOT = data_root(
    "--data-root", "Folder with the images, for thumbnails: known datasets, or NAME/.", FOLDER
)


@click.command(cls=StrictCommand, short_help="Show results as one HTML page.")
@click.argument("results", type=FILE)
@click.argument("images", nargs=-1, metavar="[NAME=PATH]...")
@OUTPUT.option("-o", "--output", type=FILE, help="HTML page to write. [RESULTS with .html]")
@SETS.option("--model", "models", multiple=True, help="Model to show; may repeat. [all]")
@SCORES.option(
    "--score",
    "labels",
    multiple=True,
    help="Score to show; may repeat. FILE.py:FUNCTION gives the code of your own, to recompute "
    "it; code alone leaves out no other score. [all]",
)
@LABEL
@SAVED_SCORES
@DATA_ROOT
@CACHE
def report(results: Path, images: tuple[str, ...], output: Path | None, **given: Any) -> None:
    """Show results as one self-contained HTML page: tables, curves, thresholds, images.

    RESULTS is the JSON of `oodcache score` or `oodcache metrics`. NAME=PATH is where the images of
    a dataset are, as passed to extract; the page then shows the images that fooled each score.

    \b
    oodcache score --model siglip2 --id pets --ood strays --output results.json
    oodcache report results.json pets=photos/pets strays=photos/strays -o report.html
    oodcache report results.json --score mcm --score energy --label mcm=MCM
    """
    from oodcache.report.figures.choice import FigureChoice
    from oodcache.score.own.given_again import code_among
    from oodcache.study import gathering

    output = output or results.with_suffix(".html")
    check_ending(output, (".html", ".htm"), "; oodcache plot writes .pdf, .png and .svg")
    code = code_among(given["labels"])
    scores = given["labels"] if any(not code_among([one]) for one in given["labels"]) else ()
    choice = FigureChoice(given["models"], (), scores, (), given["renamed"])
    places = (given["scores"], given["cache"], images, given["data_root"], code)
    gathering.report(results, output, choice, gathering.Sources(*places), WATCH)

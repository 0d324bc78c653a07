"""`oodcache report`: results, figures and misclassified images as one HTML page."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Any

import click

from oodcache.cache.errors import InputError
from oodcache.cache.text import check_ending
from oodcache.cache.watch import Note
from oodcache.cli.commands import StrictCommand
from oodcache.cli.groups import OUTPUT, SCORES, SETS
from oodcache.cli.options import CACHE, FILE, FOLDER, WATCH, data_root, note

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
@click.argument("others", nargs=-1, metavar="[RESULTS] [NAME=PATH]...")
@OUTPUT.option("-o", "--output", type=FILE, help="HTML page to write. [RESULTS with .html]")
@SETS.option("--model", "models", multiple=True, help="Model to show; may repeat. [all]")
@OUTPUT.option("--open", "opens", is_flag=True, help="Open the page in a browser when it is done.")
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
def report(results: Path, others: tuple[str, ...], output: Path | None, **given: Any) -> None:
    """Show results as one self-contained HTML page: tables, curves, thresholds, images.

    RESULTS is the JSON of `oodcache score` or `oodcache metrics`. NAME=PATH is where the images of
    a dataset are, as passed to extract; the page then shows the images that fooled each score.
    With two RESULTS the page is about the second, and begins with what changed since the first.

    \b
    oodcache score --model siglip2 --id pets --ood strays --output results.json
    oodcache report results.json pets=photos/pets strays=photos/strays -o report.html --open
    oodcache report results.json --score mcm --score energy --label mcm=MCM
    oodcache report before.json after.json -o changes.html
    """
    from oodcache.report.figures.choice import FigureChoice
    from oodcache.score.own.given_again import code_among
    from oodcache.study import gathering

    images = [one for one in others if "=" in one and not is_run(one)]
    runs = check_two([results, *(Path(one) for one in others if one not in images)])
    output = output or default_output(runs)
    check_ending(output, (".html", ".htm"), "; oodcache plot writes .pdf, .png and .svg")
    code = code_among(given["labels"])
    scores = given["labels"] if any(not code_among([one]) for one in given["labels"]) else ()
    choice = FigureChoice(given["models"], (), scores, (), given["renamed"])
    sources = gathering.Sources(given["scores"], given["cache"], images, given["data_root"], code)
    earlier = runs[0] if len(runs) > 1 else None
    gathering.report(runs[-1], output, choice, sources, WATCH, earlier=earlier)
    if given["opens"]:
        open_page(output, note)


def is_run(text: str) -> bool:
    """Return whether an argument with a `=` is a file of results, not NAME=PATH."""
    return text.endswith(".json") and Path(text).is_file()


def check_two(runs: list[Path]) -> list[Path]:
    """Return one or two files of results; raise InputError for more, or for what is no file."""
    for one in runs[1:]:
        if one.is_dir() or not one.exists():
            what = "is a folder, not results" if one.is_dir() else "no such file of results"
            raise InputError(f"{one}: {what}; for images type NAME={one}")
    if len(runs) > 2:
        raise InputError(f"{runs[2]}: a third file of results; report compares two at most")
    return runs


def default_output(runs: list[Path]) -> Path:
    """Return the page of one run, or of two."""
    first, *more = runs
    return first.with_name(f"{first.stem}-{more[0].stem}.html" if more else f"{first.stem}.html")


def open_page(page: Path, note: Note) -> None:
    """Open a page in the user's browser; note how to if there is none."""
    try:
        is_open = webbrowser.open(page.resolve().as_uri())
    except webbrowser.Error:
        is_open = False
    if not is_open:
        note(f"found no browser to open the page: open {page} yourself, or set BROWSER")

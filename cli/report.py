"""`oodcache report`: results, their figures and the images that fooled the scores, as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oodcache.cli.options import CACHE, WATCH

FILE = click.Path(dir_okay=False, path_type=Path)
SCORES = click.option(
    "--scores",
    type=FILE,
    help="The file of --save-scores. [the results say where; else from the cache]",
)
DATA_ROOT = click.option(
    "--data-root",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="OODCACHE_DATA",
    default="data",
    show_default=True,
    show_envvar=True,
    help="Where the images are, for thumbnails: known data sets, or a folder of each name.",
)


@click.command(short_help="Results as one HTML page, offline.")
@click.argument("results", type=FILE)
@click.argument("images", nargs=-1, metavar="[NAME=PATH]...")
@click.option("-o", "--output", type=FILE, help="The page. [RESULTS with the ending .html]")
@SCORES
@DATA_ROOT
@CACHE
def report(results: Path, images: tuple[str, ...], output: Path | None, **given: Any) -> None:
    """Show results as one HTML page that needs no network: tables, curves, thresholds, images.

    RESULTS is the JSON of `oodcache score` or `oodcache metrics`. Every image's score comes from
    the file of --save-scores, or from the cache. NAME=PATH says where the images of a data set are,
    as it was given to extract, so that those that fooled a score are shown.

    \b
    oodcache score --model siglip2 --id pets --ood strays --output results.json
    oodcache report results.json pets=photos/pets strays=photos/strays -o report.html
    """
    from oodcache.study import gathering

    output = output or results.with_suffix(".html")
    sources = gathering.Sources(given["scores"], given["cache"], images, given["data_root"])
    gathering.report(results, output, sources, WATCH)

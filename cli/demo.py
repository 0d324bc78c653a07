"""`oodcache demo`: extract, score and report on bundled images."""

from __future__ import annotations

from pathlib import Path

import click

from oodcache.cli import stopping
from oodcache.cli.commands import StrictCommand
from oodcache.cli.options import CACHE, FILE, FOLDER, note, subcommand, tell
from oodcache.extract.model.request import check_torch


@click.command(cls=StrictCommand, short_help="Try it: real images, small models, no download.")
@CACHE
@click.option(
    "--data-root",
    type=FOLDER,
    default="data",
    help="Folder to write the images to, as demo/.",
)
@click.option(
    "--results",
    type=FILE,
    default="results/demo.json",
    help="File for the results (JSON).",
)
@click.pass_context
def demo(context: click.Context, cache: Path, data_root: Path, results: Path) -> None:
    """Run extract, score and report on real images with two small models. Downloads nothing.

    \b
    oodcache demo
    """
    stopping.resumable()
    check_torch()
    from oodcache.study import demo as workflow

    run = subcommand(context)
    workflow.run(run, cache=cache, data_root=data_root, results=results, note=note, tell=tell)

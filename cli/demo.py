"""`oodcache demo`: the whole path on real images that come with it."""

from __future__ import annotations

from pathlib import Path

import click

from oodcache.cli import stopping
from oodcache.cli.options import CACHE, note
from oodcache.extract.model.request import check_torch


@click.command(short_help="Try it: real images, small models, no download.")
@CACHE
@click.option(
    "--data-root",
    type=click.Path(file_okay=False, path_type=Path),
    default="data",
    show_default=True,
    help="The images are written below it, in demo/.",
)
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    default="results/demo.json",
    show_default=True,
    help="Written as JSON.",
)
@click.pass_context
def demo(context: click.Context, cache: Path, data_root: Path, results: Path) -> None:
    """Run extract and score on real images and two small models, with nothing to download.

    \b
    oodcache demo
    """
    stopping.goes_on()
    check_torch()
    from oodcache.study import demo as workflow

    group = context.find_root().command
    workflow.run(
        lambda arguments: group.main(arguments, prog_name="oodcache", standalone_mode=False),
        cache=cache,
        data_root=data_root,
        results=results,
        note=note,
    )

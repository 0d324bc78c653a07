"""`oodcache data`: the known datasets, listed, checked and downloaded."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from oodcache.cache.text import printable
from oodcache.cli import stopping
from oodcache.cli.commands import StrictGroup
from oodcache.cli.options import DATA_ROOT, LISTED_AS, WATCH, progress


@click.group(cls=StrictGroup, short_help="List, check and download known datasets.")
def data() -> None:
    """List, check and download known datasets. Needs no PyTorch.

    \b
    oodcache data ls
    oodcache data fetch iNaturalist SUN Places Textures --data-root /data
    oodcache data check --data-root /data
    """


@data.command()
@DATA_ROOT
@LISTED_AS
def ls(data_root: Path, form: str) -> None:
    """List the known datasets and where each is, or how to get it.

    \b
    oodcache data ls --data-root /data
    oodcache data ls --format json
    """
    from oodcache.extract.known import overview

    rows = overview.rows(data_root)
    if form == "json":
        click.echo(overview.to_json(rows), nl=False)
    else:
        click.echo(overview.table(rows, styled=sys.stdout.isatty()), nl=False)


@data.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@DATA_ROOT
def check(names: tuple[str, ...], data_root: Path) -> None:
    """Check the image counts of datasets.

    Without NAME, all that are present.

    \b
    oodcache data check --data-root /data
    oodcache data check iNaturalist SUN
    """
    from oodcache.extract.known import overview

    for line in overview.checked(names, data_root, progress=progress):
        click.echo(printable(line))


@data.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@DATA_ROOT
@click.option("--mirror", metavar="URL", help="Folder with copies of the archives to use instead.")
def fetch(names: tuple[str, ...], data_root: Path, mirror: str | None) -> None:
    """Download datasets, verify and unpack them.

    iNaturalist, SUN, Places and Textures can be fetched. Run the same command again to resume a
    download; complete datasets are kept.

    \b
    oodcache data fetch iNaturalist SUN Places Textures --data-root /data
    """
    from oodcache.extract.known import overview
    from oodcache.extract.known.fetching import fetch

    stopping.resumable()
    for fetched in fetch(names, data_root, WATCH, mirror):
        click.echo(printable(overview.fetched(fetched)))

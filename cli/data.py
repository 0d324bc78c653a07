"""`oodcache data`: which data sets are there, whether they are whole, and how to get them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from oodcache.cache.text import printable
from oodcache.cli import stopping
from oodcache.cli.options import DATA_ROOT, WATCH, progress


@click.group(short_help="Known data sets: which are there, whole; fetch them.")
def data() -> None:
    """Look at the known data sets, and fetch those that can be. Needs no PyTorch.

    \b
    oodcache data ls
    oodcache data fetch iNaturalist SUN Places Textures --data-root /data
    oodcache data check --data-root /data
    """


@data.command()
@DATA_ROOT
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For people, or for programs.",
)
def ls(data_root: Path, form: str) -> None:
    """List the known data sets: where each is, or how to get it. Counts nothing.

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
    """Count the images of data sets, by default of all that are there; read none.

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
@click.option("--mirror", metavar="URL", help="A folder that has the archives, in place of theirs.")
def fetch(names: tuple[str, ...], data_root: Path, mirror: str | None) -> None:
    """Download data sets, check them, and unpack them where extract looks.

    iNaturalist, SUN, Places and Textures can be fetched. Typed again, it goes on where it was
    stopped, and leaves alone what is there.

    \b
    oodcache data fetch iNaturalist SUN Places Textures --data-root /data
    """
    from oodcache.extract.known import overview
    from oodcache.extract.known.fetching import fetch

    stopping.goes_on()
    for fetched in fetch(names, data_root, WATCH, mirror):
        click.echo(printable(overview.fetched(fetched)))

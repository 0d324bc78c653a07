"""`oodcache data`: the known datasets, listed, checked and downloaded."""

from __future__ import annotations

from pathlib import Path

import click

from oodcache.cli import stopping, streams
from oodcache.cli.commands import StrictGroup
from oodcache.cli.options import DATA_ROOT, LISTED_AS, WATCH, progress, tell


@click.group(cls=StrictGroup, short_help="List, check and download known datasets.")
def data() -> None:
    """List, check and download known datasets. Needs no PyTorch.

    \b
    oodcache data ls
    oodcache data fetch iNaturalist SUN Places Textures --data-root /data
    oodcache data check --data-root /data
    """


@data.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@DATA_ROOT
@LISTED_AS
def ls(names: tuple[str, ...], data_root: Path, form: str) -> None:
    """List the known datasets and where each is, or how to get it.

    NAME is a dataset, a benchmark (mos, openood-imagenet, ...) or "all". Without NAME, the usual
    sets of ImageNet and all that are present.

    \b
    oodcache data ls --data-root /data
    oodcache data ls openood-cifar10
    oodcache data ls all --format json
    """
    from oodcache.extract.known import overview

    rows = overview.rows(data_root, names)
    if form == "json":
        click.echo(overview.to_json(rows), nl=False)
        return
    click.echo(overview.table(rows, streams.screen()), nl=False)
    if not names and (more := overview.others(rows)):
        WATCH.note(more)


@data.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@DATA_ROOT
def check(names: tuple[str, ...], data_root: Path) -> None:
    """Check the image counts of datasets.

    NAME is a dataset or a benchmark, such as openood-imagenet. Without NAME, the usual sets of
    ImageNet and all that are present.

    \b
    oodcache data check --data-root /data
    oodcache data check iNaturalist SUN
    oodcache data check openood-cifar10 --data-root /data
    """
    from oodcache.extract.known import overview

    for line in overview.checked(names, data_root, progress=progress):
        tell(line)


@data.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@DATA_ROOT
@click.option("--mirror", metavar="URL", help="Folder with copies of the archives to use instead.")
def fetch(names: tuple[str, ...], data_root: Path, mirror: str | None) -> None:
    """Download datasets, verify and unpack them.

    iNaturalist, SUN, Places, Textures and NINCO (with its checked samples of other sets) can be
    fetched. Run the same command again to resume a
    download; complete datasets are kept.

    \b
    oodcache data fetch iNaturalist SUN Places Textures --data-root /data
    """
    from oodcache.cli.following import EXAMPLE, follow, of_data_root
    from oodcache.extract.known import overview
    from oodcache.extract.known.fetching import fetch

    stopping.resumable()
    for fetched in fetch(names, data_root, WATCH, mirror):
        tell(overview.fetched(fetched))
    follow(["extract", "--model", EXAMPLE, *of_data_root(data_root), *names])

"""`oodcache cache`: what is in the cache, and whether it is whole."""

from __future__ import annotations

from pathlib import Path

import click

from oodcache.options import CACHE
from oodcache.progress import printable

FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(name="cache")
def cache() -> None:
    """Look at the files of embeddings. Needs no PyTorch.

    \b
    oodcache cache ls
    oodcache cache info embeddings/tiny-clip/demo/images/digits.h5
    oodcache cache verify
    """


@cache.command()
@CACHE
def ls(cache: Path) -> None:
    """List models, data sets and vocabularies.

    \b
    oodcache cache ls --cache embeddings
    """
    from oodcache.inspection import listing

    for line in listing(cache):
        click.echo(printable(line))


@cache.command()
@click.argument("file", type=FILE)
def info(file: Path) -> None:
    """Show what made a file, its counts, and the images that could not be decoded.

    \b
    oodcache cache info embeddings/tiny-clip/demo/images/digits.h5
    """
    from oodcache.inspection import describe

    for line in describe(file):
        click.echo(printable(line))


@cache.command()
@click.argument("files", type=FILE, nargs=-1)
@CACHE
def verify(files: tuple[Path, ...], cache: Path) -> None:
    """Check files, or all of the cache, against every rule of the format, vectors included.

    \b
    oodcache cache verify
    oodcache cache verify embeddings/tiny-clip/demo/images/digits.h5
    """
    from oodcache.inspection import verified

    for line in verified(files, cache):
        click.echo(printable(line))

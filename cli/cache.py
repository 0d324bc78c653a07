"""`oodcache cache`: inspection, verification and upkeep of cached embeddings."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from oodcache.cache.errors import InputError
from oodcache.cache.text import counted
from oodcache.cache.watch import Hint
from oodcache.cli import streams
from oodcache.cli.commands import StrictGroup
from oodcache.cli.exchange import export, import_
from oodcache.cli.groups import MEASURES, OUTPUT, SETS
from oodcache.cli.options import CACHE, LISTED_AS, WATCH, note, progress, share, tell
from oodcache.cli.options import FILE as SAVED

FILE = click.Path(path_type=Path, readable=False)  # The reader reports unreadable files.


@click.group(cls=StrictGroup, name="cache")
def cache() -> None:
    """Inspect and manage cached embeddings. Needs no PyTorch.

    \b
    oodcache cache ls
    oodcache cache info embeddings/tiny-clip/demo/images/digits.h5
    oodcache cache verify
    """


@cache.command()
@CACHE
@LISTED_AS
def ls(cache: Path, form: str) -> None:
    """List the cached files of each model.

    \b
    oodcache cache ls --cache embeddings
    oodcache cache ls --format json
    """
    from oodcache.cache.store import listing
    from oodcache.cli import following

    files = listing.listed(cache)
    if form == "json":
        click.echo(listing.to_json(files), nl=False)
    elif files:
        click.echo(listing.table(files, streams.screen()), nl=False)
        following.after_listing(files, cache)
    else:
        raise InputError(listing.nothing(cache))


@cache.command()
@click.argument("subject", metavar="FILE|NAME")
@click.option("--all", "everything", is_flag=True, help="List every label and unreadable image.")
@CACHE
def info(subject: str, everything: bool, cache: Path) -> None:
    """Show a file's model, settings, counts and bad images.

    FILE may also be a shard, a folder of shards (shows progress) or a file of negatives; NAME is a
    dataset, vocabulary or model of the cache.

    \b
    oodcache cache info digits
    oodcache cache info embeddings/tiny-clip/demo/images/digits.h5
    """
    from oodcache.cache.store import by_name
    from oodcache.cache.store.inspection import describe

    for path in by_name.find(cache, subject):
        for line in describe(path, everything=everything):
            tell(line)


@cache.command()
@click.argument("subjects", nargs=-1, metavar="[FILE|NAME]...")
@click.option("--quick", is_flag=True, help="Check the structure only; read no vectors.")
@click.option("--deep", is_flag=True, hidden=True)  # What 0.1 called the default.
@CACHE
def verify(subjects: tuple[str, ...], quick: bool, deep: bool, cache: Path) -> None:
    """Check files against the format: their structure, every vector, every checksum.

    NAME is a dataset, vocabulary or model. Without any, the whole cache with its shards.

    \b
    oodcache cache verify
    oodcache cache verify embeddings/tiny-clip/demo/images/digits.h5
    """
    from oodcache.cache.store import by_name
    from oodcache.cache.store.upkeep import verified

    files = [path for one in subjects for path in by_name.find(cache, one)]
    for line in verified(files, cache, quick=quick and not deep, progress=progress):
        tell(line)


@cache.command()
@click.argument("files", type=FILE, nargs=-1, metavar="[FILE]...")
@CACHE
def merge(files: tuple[Path, ...], cache: Path) -> None:
    """Merge shards into one file, as extract does at its end.

    FILE is a folder of shards, the file to merge them into, or shards from any folders that make up
    one file of the cache. Without FILE, merge every folder of shards in the cache.

    \b
    oodcache cache merge --cache embeddings
    oodcache cache merge --cache embeddings fromA/*.h5 fromB/*.h5
    """
    from oodcache.cache.store.upkeep import merged

    for line in merged(files, cache):
        tell(line)


@cache.command()
@click.argument("sets", nargs=-1, required=True, metavar="NAME...")
@SETS.option("--model", required=True, help="Model, as passed to extract.")
@MEASURES.option(
    "--threshold",
    type=share("0.95", most=1),
    default="0.95",
    metavar="SHARE",
    help="Smallest cosine of a pair; 1 finds equal vectors only.",
)
@SETS.option("--within", is_flag=True, help="Also search within each of several datasets.")
@OUTPUT.option(
    "--limit", type=click.IntRange(0), default=20, help="Pairs to print, 0 for all of them."
)
@OUTPUT.option("-o", "--output", type=SAVED, help="File for all pairs: .csv or .json.")
@OUTPUT.option(
    "--drop-file",
    type=SAVED,
    help="File for the second image of each pair, to pass to score --drop.",
)
@CACHE
def duplicates(
    sets: tuple[str, ...],
    model: str,
    threshold: float,
    within: bool,
    limit: int,
    output: Path | None,
    drop_file: Path | None,
    cache: Path,
) -> None:
    """List near-duplicates: pairs of images with a high cosine, the most similar first.

    Pairs are between every two of the datasets; one dataset alone is searched within itself. Name
    the dataset first whose images are to be kept.

    \b
    oodcache cache duplicates pets strays --model tiny-clip
    oodcache cache duplicates train pets --model tiny-clip --drop-file drop.txt
    """
    from oodcache.cache.store import duplicate_lists
    from oodcache.cache.store.duplicates import cached_sets, duplicates

    if output is not None:
        duplicate_lists.check(output)  # Before anything is computed.
    if output is not None and drop_file is not None and output.resolve() == drop_file.resolve():
        raise click.UsageError("--output and --drop-file name the same file; use two")
    found = duplicates(cached_sets(cache, model, sets), threshold, WATCH, within=within)
    for line in duplicate_lists.lines(found, threshold, limit):
        tell(line)
    if output is not None:
        duplicate_lists.save(found, output)
        note(Hint(f"wrote {output}"))
    if drop_file is not None:
        count = duplicate_lists.save_drops(found, drop_file)
        note(Hint(f"wrote {drop_file}: {counted(count, 'image')}"))


@cache.command()
@click.argument("subject", metavar="FILE|NAME|MODEL")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@CACHE
def rm(subject: str, yes: bool, cache: Path) -> None:
    """Remove a file, a shard, a folder of shards, or all files of a model.

    NAME is a dataset, vocabulary or negatives that only one model has.

    \b
    oodcache cache rm embeddings/tiny-clip/demo/images/digits.h5
    oodcache cache rm tiny-clip --yes
    """
    from oodcache.cache.store import removal, upkeep

    found = removal.find(cache, subject)
    amount = upkeep.amount(found)
    for line in upkeep.announced(found):
        note(line)
    if not yes and not sys.stdin.isatty():
        what = f"{subject}: {amount}, not removed"
        raise InputError(f"{what}: no terminal to ask for confirmation; add --yes")
    if not yes and not click.confirm(f"Remove {amount}?", err=True):
        raise InputError(f"{subject}: nothing removed")
    for path in removal.remove(found):
        note(f"kept {path}: in use, or not in this format")
    click.echo(f"removed {amount}")


for command in (export, import_):
    cache.add_command(command)

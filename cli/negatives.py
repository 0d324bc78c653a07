"""`oodcache negatives`: negative labels mined from cached vocabularies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from oodcache.cli.commands import StrictCommand
from oodcache.cli.groups import OUTPUT, SETS, WORDS, GroupedOption
from oodcache.cli.options import CACHE, WATCH, note, wordnet_folder


class NumberOfWords(click.IntRange):
    """A whole number of words; a share is told what to type instead."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; fail with an example for anything else."""
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f"{str(value)[:40]!r}: give a number of words, such as 5000", param, ctx)


# Options that only mining reads.
OF_MINING = ("csp", "template", "percentile", "keep", "nearest", "overwrite")


class ToMine(GroupedOption):
    """An option that mining needs, and a report on negatives that exist does not."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value; raise MissingParameter without one, unless leaks are asked for."""
        found = super().process_value(ctx, value)
        if self.value_is_missing(found) and not ctx.params.get("leaks_of"):
            raise click.MissingParameter(ctx=ctx, param=self)
        return found


@click.command(cls=StrictCommand, short_help="Mine negative labels: words far from the classes.")
@SETS.option("--model", required=True, help="Model, as passed to extract.")
@SETS.option(
    "--classes", cls=ToMine, help="Cached vocabulary with the class names. [required to mine]"
)
@WORDS.option(
    "--words",
    cls=ToMine,
    multiple=True,
    help="Cached vocabulary to mine; may repeat. [required to mine]",
)
@WORDS.option("--csp", multiple=True, help="Cached vocabulary made from NAME=csp:FILE; may repeat.")
@SETS.option("--template", help="Cached template of the classes. [the only one, or average]")
@WORDS.option(
    "--percentile",
    type=click.FloatRange(0, 100),
    help="Percentile of a word's cosines with the classes to rank by. [95]",
)
@WORDS.option(
    "--keep",
    default="15%",
    metavar="SHARE|NUMBER",
    help="Share of each vocabulary to keep, or total number of words, such as 10000.",
)
@WORDS.option(
    "--nearest",
    type=NumberOfWords(min=1),
    metavar="NUMBER",
    help="Total number of words nearest to the classes to keep too; for clipscope.",
)
@WORDS.option(
    "--leaks-of",
    multiple=True,
    is_eager=True,  # Known before the options that it makes optional.
    metavar="SET[=FILE]",
    help="OOD set whose class names to look for among the mined words, by the labels of its "
    "images or a file with a name per line; may repeat: --leaks-of textures",
)
@wordnet_folder(WORDS)
@OUTPUT.option("--overwrite", is_flag=True, help="Overwrite existing negatives.")
@OUTPUT.option("-o", "--output", "name", required=True, metavar="NAME", help="Name to save as.")
@CACHE
@click.pass_context
def negatives(
    context: click.Context,
    /,
    overwrite: bool,
    leaks_of: tuple[str, ...],
    wordnet: Path | None,
    **given: Any,
) -> None:
    """Mine negative labels, words far from every class, from cached vocabularies.

    Negatives are specific to a model. Class names and duplicates are skipped. Needs no PyTorch.

    \b
    oodcache extract --model clip --classes imagenet --template "the nice {}"
    oodcache extract --model clip --classes nouns=index.noun --template "the nice {}"
    oodcache extract --model clip --classes adjectives=index.adj --template "This is a {} photo"
    oodcache negatives --model clip --classes imagenet --words nouns --words adjectives -o neglabel

    With --nearest the file also has the words nearest to the classes. Scores of the farthest ones
    are the same with them and without. By default clipscope takes 5,000 words of each end, and
    --keep 15% of a list, which is fewer for a list of less than 33,334 words: then
    give a number to --keep, or use clipscope:near=mined,far=mined.

    \b
    oodcache negatives --model clip --classes imagenet --words nouns --nearest 5000 -o ends

    With --leaks-of, the words that name a class of an OOD set are printed: with them among the
    negatives, its results are not zero-shot. Without words to mine it reads negatives that exist.

    \b
    oodcache negatives --model clip --leaks-of textures --leaks-of SUN=scenes.txt -o neglabel
    """
    from oodcache.cli import following
    from oodcache.extract.texts import class_files
    from oodcache.report.leak_lines import leak_lines
    from oodcache.score.words.leak_report import leaks_of_file, named_sets
    from oodcache.score.words.leak_search import LeakSearch, opened, parsed
    from oodcache.score.words.miner import MiningRequest, write_mined

    sets = parsed(leaks_of)
    if wordnet is not None and not sets:
        raise click.UsageError("--wordnet has no effect without --leaks-of SET")
    is_mining = _mines(context)
    # Before anything is mined.
    search = LeakSearch(opened(sets, lambda path: class_files.read(path, note)), wordnet)
    named = named_sets(given["cache"], given["model"], [*sets], search) if sets else []
    if is_mining:
        write_mined(MiningRequest(**given), overwrite, WATCH)
        following.after_negatives(given)
    if sets:
        found = leaks_of_file(given["cache"], given["model"], given["name"], named)
        click.echo("\n".join(leak_lines(found)))


def _mines(context: click.Context) -> bool:
    """Return whether options ask to mine; raise UsageError if they ask for it in part."""
    required = {name: bool(context.params[name]) for name in ("classes", "words")}
    typed = (context.get_parameter_source(name) for name in OF_MINING)
    others = [one for one in typed if one == ParameterSource.COMMANDLINE]
    missing = [name for name, there in required.items() if not there]
    if missing and (others or any(required.values())):
        raise click.UsageError(f"--{missing[0]} is missing: mining needs --classes and --words")
    return not missing

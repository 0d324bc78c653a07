"""`oodcache negatives`: negative labels mined from cached vocabularies."""

from __future__ import annotations

from typing import Any

import click

from oodcache.cli.commands import StrictCommand
from oodcache.cli.groups import OUTPUT, SETS, WORDS
from oodcache.cli.options import CACHE, WATCH


class NumberOfWords(click.IntRange):
    """A whole number of words; a share is told what to type instead."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; fail with an example for anything else."""
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f"{str(value)[:40]!r}: give a number of words, such as 5000", param, ctx)


@click.command(cls=StrictCommand, short_help="Mine negative labels: words far from the classes.")
@SETS.option("--model", required=True, help="Model, as passed to extract.")
@SETS.option("--classes", required=True, help="Cached vocabulary with the class names.")
@WORDS.option(
    "--words", multiple=True, required=True, help="Cached vocabulary to mine; may repeat."
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
@OUTPUT.option("--overwrite", is_flag=True, help="Overwrite existing negatives.")
@OUTPUT.option("-o", "--output", "name", required=True, metavar="NAME", help="Name to save as.")
@CACHE
def negatives(overwrite: bool, **given: Any) -> None:
    """Mine negative labels, words far from every class, from cached vocabularies.

    Negatives are specific to a model. Class names and duplicates are skipped. Needs no PyTorch.

    \b
    oodcache extract --model clip --classes imagenet --template "the nice {}"
    oodcache extract --model clip --classes nouns=index.noun --template "the nice {}"
    oodcache extract --model clip --classes adjectives=index.adj --template "This is a {} photo"
    oodcache negatives --model clip --classes imagenet --words nouns --words adjectives -o neglabel

    With --nearest the file also has the words nearest to the classes. Scores of the farthest ones
    are the same with them and without. clipscope takes 5,000 of each end by default, and 15% of a
    list is so many from 33,334 words on: give a number to --keep, or use
    clipscope:near=mined,far=mined.

    \b
    oodcache negatives --model clip --classes imagenet --words nouns --nearest 5000 -o ends
    """
    from oodcache.cli import following
    from oodcache.score.words.miner import MiningRequest, write_mined

    write_mined(MiningRequest(**given), overwrite, WATCH)
    following.after_negatives(given)

"""`oodcache negatives`: words far from the classes, mined from cached vocabularies."""

from __future__ import annotations

from typing import Any

import click

from oodcache.cli.options import CACHE, WATCH


@click.command(short_help="Mine words that are far from the classes.")
@click.option("--model", required=True, help="As it was given to extract.")
@click.option("--classes", required=True, help="A cached vocabulary: the classes.")
@click.option(
    "--words", multiple=True, required=True, help="A cached vocabulary of words; may repeat."
)
@click.option("--csp", multiple=True, help="One of conjugated adjectives: extract NAME=csp:FILE.")
@click.option("--template", help="A cached template of the classes. [the only one, or average]")
@click.option(
    "--percentile",
    type=click.FloatRange(0, 100),
    help="Of a word's cosines with the classes. [95; for --csp 100]",
)
@click.option(
    "--keep",
    default="15%",
    show_default=True,
    metavar="SHARE|NUMBER",
    help="A share of each list, or a number of words of all together, such as 10000.",
)
@click.option("--overwrite", is_flag=True, help="Replace negatives of that name.")
@click.option("-o", "--output", "name", required=True, metavar="NAME", help="What to call them.")
@CACHE
def negatives(overwrite: bool, **given: Any) -> None:
    """Mine from cached word lists those words that are far from all classes. Needs no PyTorch.

    They are one model's: mine again for another. A word that is a class's name, or that another
    list has too, is left out.

    \b
    oodcache extract --model clip --classes imagenet --template "the nice {}"
    oodcache extract --model clip --classes nouns=index.noun --template "the nice {}"
    oodcache extract --model clip --classes adjectives=index.adj --template "This is a {} photo"
    oodcache negatives --model clip --classes imagenet --words nouns --words adjectives -o neglabel
    """
    from oodcache.score.words.miner import MiningRequest, write_mined

    write_mined(MiningRequest(**given), overwrite, WATCH)

"""`oodcache scores`: the list of scores with their formulas."""

from __future__ import annotations

import textwrap

import click

from oodcache.cache.text import printable
from oodcache.cli.commands import StrictCommand
from oodcache.cli.options import note

LEGEND = """\
c: cosines, c_k with the K classes, c_j with the negatives. learned: the model's scale s
(temperature 1/s) or bias. none: no bias. mined: from the file of negatives.
Every score: higher means more in-distribution."""


@click.command(cls=StrictCommand, short_help="List the scores with their formulas.")
@click.argument("name", required=False)
def scores(name: str | None) -> None:
    """List the scores with their formulas and parameters, or describe one in full.

    NAME may be a score of your own, FILE.py:FUNCTION. Scores of installed packages are listed too.

    \b
    oodcache scores
    oodcache scores joint-energy
    oodcache scores my_scores.py:top5_gap
    oodcache score … --score mcm:temperature=learned --score "energy:temperature=0.01|0.1"
    """
    from oodcache.score.own import catalogue

    for one, facts in catalogue.listed(note) if name is None else [catalogue.described(name)]:
        click.echo(one)
        for key, text in facts.items():
            lines = textwrap.wrap(f"{key}: {printable(text)}", 88, break_on_hyphens=False)
            click.echo(textwrap.indent("\n    ".join(lines), "    "))
        click.echo()
    click.echo(LEGEND)

"""`oodcache scores`: the list of scores with their formulas."""

from __future__ import annotations

import textwrap

import click

from oodcache.cli.commands import StrictCommand

LEGEND = """\
c: cosines, c_k with the K classes, c_j with the negatives. learned: the model's scale s
(temperature 1/s) or bias. none: no bias. mined: from the file of negatives.
Every score: higher means more in-distribution."""


@click.command(cls=StrictCommand, short_help="List the scores with their formulas.")
@click.argument("name", required=False)
def scores(name: str | None) -> None:
    """List the scores with their formulas and parameters, or describe one in full.

    \b
    oodcache scores
    oodcache scores joint-energy
    oodcache score … --score mcm:temperature=learned --score "energy:temperature=0.01|0.1"
    """
    from oodcache.score.formulas.registry import SCORES
    from oodcache.score.onepass import variants

    names = SCORES if name is None else [variants.check_score(variants.canonical(name)[0])]
    for one in names:
        facts = SCORES[one].facts
        shown = facts if name else {key: facts[key] for key in ("formula", "parameters")}
        click.echo(one)
        for key, text in shown.items():
            lines = textwrap.wrap(f"{key}: {text}", 88, break_on_hyphens=False)
            click.echo(textwrap.indent("\n    ".join(lines), "    "))
        click.echo()
    click.echo(LEGEND)

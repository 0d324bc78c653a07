"""`oodcache scores`: the list of scores with their formulas."""

from __future__ import annotations

import textwrap
from pathlib import Path

import click
from click.core import ParameterSource

from oodcache.cache.store.screen import wrapped_command
from oodcache.cache.text import printable
from oodcache.cli import streams
from oodcache.cli.commands import StrictCommand
from oodcache.cli.options import CACHE, note, tell

LEGEND = (
    "c: cosines, c_k with the K classes, c_j with the negatives. learned: the model's scale s "
    "(temperature 1/s) or bias. none: no bias. mined: from the file of negatives.",
    "Every score: higher means more in-distribution.",
)
PAGE = 92  # Columns of text on a wide screen.


@click.command(cls=StrictCommand, short_help="List the scores, or those to start with.")
@click.argument("name", required=False)
@click.option(
    "--for", "model", metavar="MODEL", help="Cached model: the scores to start with, and why."
)
@CACHE
@click.pass_context
def scores(context: click.Context, name: str | None, model: str | None, cache: Path) -> None:
    """List the scores with their formulas and parameters, or describe one in full.

    NAME may be a score of your own, FILE.py:FUNCTION. Scores of installed packages are listed too.
    --for chooses scores by the model's scale and bias and by what is cached for it, and prints the
    command that compares them.

    \b
    oodcache scores
    oodcache scores joint-energy
    oodcache scores my_scores.py:top5_gap
    oodcache scores --for siglip2
    oodcache score … --score mcm:temperature=learned --score "energy:temperature=0.01|0.1"
    """
    from oodcache.score.own import catalogue

    if model is not None:
        if name is not None:
            raise click.UsageError("--for chooses the scores itself: omit NAME")
        _print_starts(cache, model)
        return
    if context.get_parameter_source("cache") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--cache: is for --for MODEL; omit it, or add --for")
    for one, facts in catalogue.listed(note) if name is None else [catalogue.described(name)]:
        click.echo(one)
        for key, text in facts.items():
            _print_fact(key, text)
        click.echo()
    for line in LEGEND:
        click.echo(textwrap.fill(line, _columns(), break_on_hyphens=False))


def _print_starts(cache: Path, model: str) -> None:
    from oodcache.score import starting
    from oodcache.score.inputs import cached

    found = cached.of_model(cache, model, note)
    tell(starting.facts(found))
    click.echo()
    for one in starting.starts(found):
        click.echo(one.score)
        _print_fact("why", one.why)
    if told := starting.of_streams(found):
        click.echo("\n" + textwrap.fill(told, _columns(), break_on_hyphens=False))
    command = wrapped_command(starting.command(found, cache), streams.screen().width)
    click.echo("\n" + "\n".join(command))


def _columns() -> int:
    return min(PAGE, streams.screen().width or PAGE)


def _print_fact(key: str, text: str) -> None:
    told, width = f"{key}: {printable(text)}", _columns() - 4
    folded = textwrap.fill(told, width, subsequent_indent="    ", break_on_hyphens=False)
    click.echo(textwrap.indent(folded, "    "))

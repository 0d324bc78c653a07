"""`oodcache reproduce`: the project's original study, run in full."""

from __future__ import annotations

from typing import Any

import click

from oodcache.cache.watch import Hint
from oodcache.cli import stopping, streams
from oodcache.cli.commands import StrictCommand
from oodcache.cli.groups import OUTPUT, SETS
from oodcache.cli.options import (
    BATCH_SIZE,
    CACHE,
    DATA_ROOT,
    DEVICE,
    FILE,
    WATCH,
    note,
    subcommand,
    typed_line,
)
from oodcache.report.tables import formats

MODELS = ("clip", "clip-datacomp", "clip-openai", "siglip", "siglip2", "tiny")


@click.command(cls=StrictCommand, short_help="Reproduce the original study, step by step.")
@SETS.option(
    "--model",
    "models",
    multiple=True,
    type=click.Choice(MODELS),
    help="Model to run; may repeat; tiny runs the bundled benchmark instead. [all but tiny]",
)
@DATA_ROOT
@CACHE
@BATCH_SIZE
@DEVICE
@OUTPUT.option(
    "--results",
    type=FILE,
    default="results/reproduce.json",
    help="File for all results and differences (JSON).",
)
@OUTPUT.option(
    "--format",
    "form",
    type=click.Choice(formats.OF_TABLES),
    default="table",
    help="Output format of the tables.",
)
@click.pass_context
def reproduce(context: click.Context, /, **given: Any) -> None:
    """Run the study: CLIP and SigLIP with a softmax, SigLIP with a sigmoid, and why they differ.

    Extracts missing embeddings, shows the study's rows next to its published numbers, and then the
    effect of checkpoint, temperature, bias, aggregation and prompt, one at a time.

    \b
    oodcache reproduce --data-root /data
    oodcache reproduce --model tiny
    """
    stopping.resumable()
    from oodcache.score import scoring
    from oodcache.study import reproducing, study

    benchmark = study.chosen(given["models"])
    extraction = study.ExtractionSettings(
        *(given[name] for name in ("cache", "data_root", "batch_size", "device"))
    )
    study.extract_missing(benchmark, extraction, oodcache=subcommand(context), note=note)
    command = typed_line(context)
    reproduced = reproducing.reproduce(benchmark, extraction.cache, command, WATCH)
    scoring.save(formats.to_json(*reproduced.scored), given["results"])
    screen = streams.screen()
    tables = formats.written(reproduced.grids, given["form"], screen.width, styled=screen.styled)
    click.echo(tables, nl=False)
    note(Hint(f"wrote {given['results']}: oodcache report {given['results']} -o reproduce.html"))

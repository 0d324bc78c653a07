"""`oodcache reproduce`: the study that the project began with, run in full."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import click

from oodcache.cli import stopping
from oodcache.cli.options import BATCH_SIZE, CACHE, DATA_ROOT, DEVICE, TYPED, WATCH, note
from oodcache.extract.model.request import check_torch

MODELS = ("clip", "clip-datacomp", "clip-openai", "siglip", "siglip2", "tiny")


@click.command(short_help="The study this began with: its table, taken apart.")
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Choice(MODELS),
    help="One of them; may repeat; tiny: the embedded benchmark instead. [all but tiny]",
)
@DATA_ROOT
@CACHE
@BATCH_SIZE
@DEVICE
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    default="results/reproduce.json",
    show_default=True,
    help="All results and differences, as JSON.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "markdown", "latex")),
    default="table",
    show_default=True,
    help="Of the tables that are printed.",
)
@click.pass_context
def reproduce(context: click.Context, /, **given: Any) -> None:
    """Run the study: CLIP and SigLIP with a softmax, SigLIP with a sigmoid, and why they differ.

    What is missing of the embeddings is extracted. Then its rows, beside its own numbers; then what
    checkpoint, temperature, bias, aggregation and prompt each change, one at a time.

    \b
    oodcache reproduce --data-root /data
    oodcache reproduce --model tiny
    """
    stopping.goes_on()
    from oodcache.report.tables import formats
    from oodcache.score import scoring
    from oodcache.study import reproducing, study

    benchmark = study.chosen(given["models"])
    extraction = study.Extraction(
        *(given[name] for name in ("cache", "data_root", "batch_size", "device"))
    )
    group = context.find_root().command
    study.extract_missing(
        benchmark,
        extraction,
        oodcache=lambda arguments: group.main(arguments, "oodcache", standalone_mode=False),
        check=check_torch,
        note=note,
    )
    command = context.meta[TYPED]
    reproduced = reproducing.reproduce(benchmark, extraction.cache, command, WATCH)
    scoring.save(formats.to_json(*reproduced.scored), given["results"])
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    click.echo(formats.written(reproduced.grids, given["form"], width), nl=False)
    note(f"wrote {given['results']}: oodcache report {given['results']} -o reproduce.html")

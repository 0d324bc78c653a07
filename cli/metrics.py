"""`oodcache metrics`: tables of results from scores that other programs computed."""

from __future__ import annotations

from typing import Any

import click

from oodcache.cli.measuring import conventions, deliver, measuring
from oodcache.cli.options import TYPED, WATCH


@click.command(short_help="Measure scores of other programs.")
@click.option(
    "--id",
    "id_source",
    required=True,
    metavar="[NAME=]FILE",
    help="Scores of the in-distribution images: .csv, .tsv, .npy, .npz, or saved ones.",
)
@click.option(
    "--ood",
    "ood_sources",
    multiple=True,
    required=True,
    metavar="[NAME=]FILE",
    help="Scores of other images; may repeat: --ood SUN=sun.csv",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME",
    help="Which scores of a file that has several; may repeat. [the only column of numbers]",
)
@click.option("--lower-is-id", is_flag=True, help="The scores are lower for ID: turn them round.")
@measuring
@click.pass_context
def metrics(context: click.Context, /, **given: Any) -> None:
    """Measure scores of other programs as `score` does its own: a number an image, from files.

    A file that score --save-scores wrote has all data sets: NAME says which one.

    \b
    oodcache metrics --id id.csv --ood SUN=sun.csv --ood textures.npy --column mcm
    oodcache metrics --id pets=all.h5 --ood strays=all.h5 --column mcm --column energy --compare
    """
    from oodcache.score import other_scores

    deliver(
        other_scores.measure(
            given["id_source"],
            given["ood_sources"],
            columns=given["columns"],
            lower_is_id=given["lower_is_id"],
            conventions=conventions(given),
            compare_scores=given["compare"],
            command=context.meta[TYPED],
            watch=WATCH,
        ),
        given,
    )

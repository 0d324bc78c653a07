"""`oodcache metrics`: tables of results from other programs' scores."""

from __future__ import annotations

from typing import Any

import click

from oodcache.cli.commands import StrictCommand
from oodcache.cli.groups import SCORES, SETS
from oodcache.cli.measuring import conventions, deliver, measuring
from oodcache.cli.options import WATCH, typed_line


@click.command(cls=StrictCommand, short_help="Evaluate scores from other programs.")
@SETS.option(
    "--id",
    "id_source",
    required=True,
    metavar="[NAME=]FILE",
    help="Scores of the ID images: .csv, .tsv, .npy, .npz or a file of --save-scores.",
)
@SETS.option(
    "--ood",
    "ood_sources",
    multiple=True,
    required=True,
    metavar="[NAME=]FILE",
    help="Scores of OOD images; may repeat: --ood SUN=sun.csv",
)
@SETS.option(
    "--csid",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Scores of covariate-shifted ID images, also counted as ID, alone and with --id; may "
    "repeat.",
)
@SCORES.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME",
    help="Column of the files with the scores to evaluate; may repeat. [the only numeric column]",
)
@SETS.option(
    "--correct",
    metavar="NAME",
    help="Column of the ID file with 1 for a correctly classified image, 0 for another; for "
    "--selective.",
)
@SCORES.option("--lower-is-id", is_flag=True, help="Lower scores mean ID: flip the sign.")
@measuring
@click.pass_context
def metrics(context: click.Context, /, **given: Any) -> None:
    """Evaluate scores from other programs: files with one number per image.

    In a file written by score --save-scores, NAME selects the dataset.

    \b
    oodcache metrics --id id.csv --ood SUN=sun.csv --ood textures.npy --column mcm
    oodcache metrics --id pets=all.h5 --ood strays=all.h5 --column mcm --column energy --compare
    """
    from oodcache.score.files import other_scores

    if given["correct"] is not None and not given["selective"]:
        raise click.UsageError("--correct has no effect without --selective")
    deliver(
        context,
        other_scores.measure(
            {"--id": [given["id_source"]], "--ood": given["ood_sources"], "--csid": given["csid"]},
            columns=given["columns"],
            correct=given["correct"],
            lower_is_id=given["lower_is_id"],
            conventions=conventions(given),
            compare_scores=given["compare"],
            command=typed_line(context),
            watch=WATCH,
        ),
        given,
    )

"""`oodcache calibrate`: a score with a threshold, in a file that detects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oodcache.cli.options import (
    BANK,
    BANK_LABELS,
    CACHE,
    CLASS_NAMES,
    CLASSES,
    NEGATIVES,
    TYPED,
    WATCH,
    asked,
    share,
)


def _share(context: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    """Return a share between 0 and 1."""
    return None if text is None else share(context, parameter, text, example=str(parameter.metavar))


@click.command(short_help="Make a detector: a score with a threshold.")
@click.option("--model", required=True, help="As it was given to extract.")
@CLASSES
@click.option(
    "--id",
    "id_set",
    required=True,
    help="The data set of ID images that calibrate: NAME, NAME:imagenet10 or NAME:@FILE.",
)
@click.option(
    "--score",
    "scores",
    multiple=True,
    required=True,
    help="NAME or NAME:key=value; several, or bars, with --select-on.",
)
@click.option(
    "--alpha",
    required=True,
    callback=_share,
    metavar="0.05",
    help="The share of ID images that may be refused.",
)
@click.option(
    "--confidence",
    callback=_share,
    metavar="0.95",
    help="That this very set refuses no more than --alpha. [on average over sets]",
)
@click.option("--template", help="A cached one, average or cosine-mean. [the only one, or average]")
@CLASS_NAMES
@NEGATIVES
@BANK
@BANK_LABELS
@click.option("--select-on", help="A cached OOD set: the --score with the best AUROC is taken.")
@click.option("--select-id", help="The ID images that choose. [a random half of --id]")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of that half, and of --bank NAME:N.",
)
@click.option("--overwrite", is_flag=True, help="Replace a detector that is there.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write, such as detector.json.",
)
@CACHE
@click.pass_context
def calibrate(context: click.Context, /, output: Path, overwrite: bool, **given: Any) -> None:
    """Make a detector from cached ID images: a score, and the threshold below which one is out.

    Of images like those that calibrate, --alpha are refused. Of others it promises nothing: see
    oodcache score. Needs no PyTorch.

    \b
    oodcache calibrate --model siglip2 --id pets --score mcm --alpha 0.05 -o detector.json
    oodcache calibrate --model siglip2 --id pets --score "mcm:temperature=1|0.1|learned" \\
        --select-on strays --alpha 0.05 --confidence 0.95 -o detector.json
    oodcache detect detector.json photos/new
    """
    from oodcache.detect.calibrating import write_calibrated
    from oodcache.detect.making import DetectorRequest
    from oodcache.score.measures.result import Conventions

    template = given["template"]
    question = asked(
        given,
        models=[given["model"]],
        templates=() if template is None else (template,),
        conventions=Conventions(seed=given["seed"]),
    )
    request = DetectorRequest(
        question.asking(given["scores"]), given["alpha"], given["confidence"], given["select_id"]
    )
    command = context.meta[TYPED]
    write_calibrated(request, output, WATCH, overwrite=overwrite, command=command)

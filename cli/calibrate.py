"""`oodcache calibrate`: a detector file, made of a score and a threshold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oodcache.cli.commands import StrictCommand
from oodcache.cli.groups import OUTPUT, SCORES, SETS, THRESHOLD
from oodcache.cli.options import (
    BANK,
    BANK_LABELS,
    CACHE,
    CLASS_NAMES,
    CLASSES,
    FILE,
    NEGATIVES,
    TYPED,
    WATCH,
    asked,
    share,
)


@click.command(cls=StrictCommand, short_help="Make a detector: a score with a threshold.")
@SETS.option("--model", required=True, help="Model, as passed to extract.")
@CLASSES
@SETS.option(
    "--id",
    "id_set",
    required=True,
    help="In-distribution dataset to calibrate on: NAME, NAME:imagenet10 or NAME:@FILE.",
)
@SCORES.option(
    "--score",
    "scores",
    multiple=True,
    required=True,
    help="Score: NAME, NAME:key=value or FILE.py:FUNCTION; with --select-on several, or "
    "value|value.",
)
@THRESHOLD.option(
    "--alpha",
    required=True,
    type=share("0.05"),
    metavar="0.05",
    help="Share of ID images that may be rejected (false alarms).",
)
@THRESHOLD.option(
    "--confidence",
    type=share("0.95"),
    metavar="0.95",
    help="Confidence that this detector rejects at most --alpha. [--alpha on average]",
)
@SETS.option("--template", help="Cached template, average or cosine-mean. [the only, or average]")
@CLASS_NAMES
@NEGATIVES
@BANK
@BANK_LABELS
@SETS.option("--select-on", help="Cached OOD dataset that picks the --score with the best AUROC.")
@SETS.option("--select-id", help="ID dataset for --select-on. [a random half of --id]")
@THRESHOLD.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    help="Random seed for the half of --id that --select-on uses, and for --bank NAME:N.",
)
@OUTPUT.option("--overwrite", is_flag=True, help="Overwrite an existing detector.")
@OUTPUT.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    help="Detector file to write, such as detector.json.",
)
@CACHE
@click.pass_context
def calibrate(context: click.Context, /, output: Path, overwrite: bool, **given: Any) -> None:
    """Make a detector from cached ID images: a score and a threshold. Needs no PyTorch.

    The detector rejects a share --alpha of images like those it was calibrated on. How many OOD
    images it detects is not guaranteed: measure that with oodcache score.

    \b
    oodcache calibrate --model siglip2 --id pets --score mcm --alpha 0.05 -o detector.json
    oodcache calibrate --model siglip2 --id pets --score "mcm:temperature=1|0.1|learned" \\
        --select-on strays --alpha 0.05 --confidence 0.95 -o detector.json
    oodcache detect detector.json photos/new
    """
    from oodcache.cache.names import typed_cache
    from oodcache.cli.following import follow
    from oodcache.detect.calibrating import write_calibrated
    from oodcache.detect.making import DetectorRequest
    from oodcache.score.measures.result import Conventions

    template = given["template"]
    question = asked(
        given,
        models=[given["model"]],
        templates=() if template is None else (template,),
        bank_seed=given["seed"],
        conventions=Conventions(seed=given["seed"]),
    )
    request = DetectorRequest(
        question.asking(given["scores"]), given["alpha"], given["confidence"], given["select_id"]
    )
    command = context.meta[TYPED]
    write_calibrated(request, output, WATCH, overwrite=overwrite, command=command)
    follow(["detect", str(output), "photos/new", *typed_cache(given["cache"])])

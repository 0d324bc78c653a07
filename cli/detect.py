"""`oodcache detect`: images judged by a detector that `oodcache calibrate` made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from oodcache.cli.options import BATCH_SIZE, CACHE, DEVICE, WATCH, WORKERS

EXISTING = click.Path(path_type=Path)
FORMATS = ("text", "csv", "jsonl")


@click.command(short_help="Tell images that are out of distribution.")
@click.argument("detector", type=EXISTING)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="Of the lines. [text, or by --output's ending]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write there instead, once all are done.",
)
@click.option("--model", help="Where the model is now. [where it was]")
@click.option("--checkpoint", type=EXISTING, help="Where weights of your own are now.")
@click.option("--model-config", type=EXISTING, help="Register FILE.json as an architecture.")
@DEVICE
@BATCH_SIZE
@WORKERS
@CACHE
def detect(detector: Path, targets: tuple[str, ...], cache: Path, **given: Any) -> None:
    """Judge images by a detector: a line each, in or out, score, p-value, nearest class, path.

    TARGET is an image file, a folder, or a cached data set of the detector's model, by its name or
    its .h5 file, for which no PyTorch is needed. Status: 0 all are in, 3 some are out, 1 some could
    not be judged.

    \b
    oodcache detect detector.json photo.jpg photos/new
    oodcache detect detector.json strays --format csv -o strays.csv
    """
    from oodcache.detect import detecting
    from oodcache.detect.reloading import Runtime

    output = given["output"]
    ending = output.suffix.removeprefix(".") if output else ""
    status = detecting.detect(
        *(detector, targets),
        cache=cache,
        runtime=Runtime(
            model=given["model"],
            checkpoint=given["checkpoint"],
            config=given["model_config"],
            device=given["device"],
            batch_size=given["batch_size"],
            workers=given["workers"],
        ),
        form=given["form"] or (ending if ending in FORMATS else "text"),
        output=output,
        watch=WATCH,
    )
    if status:
        sys.exit(status)

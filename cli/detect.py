"""`oodcache detect`: new images classified as in- or out-of-distribution by a detector."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from oodcache.cli.commands import StrictCommand
from oodcache.cli.groups import MODEL, OUTPUT, SCORES
from oodcache.cli.options import BATCH_SIZE, CACHE, DEVICE, FILE, PATH, WATCH, WORKERS
from oodcache.detect import formats

RUNTIME = ("model", "checkpoint", "model_config", "device", "batch_size", "workers")


@click.command(cls=StrictCommand, short_help="Detect out-of-distribution images.")
@click.argument("detector", type=PATH)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@OUTPUT.option(
    "--format",
    "form",
    type=click.Choice(tuple(formats.FORMATS)),
    help="Output format. [text, or by the extension of --output]",
)
@OUTPUT.option("-o", "--output", type=FILE, help="File to write instead of printing.")
@SCORES.option("--score", help="Score of your own, FILE.py:FUNCTION, if the detector has one.")
@MODEL.option("--model", help="Model, if it has moved. [as in the detector]")
@MODEL.option("--checkpoint", type=PATH, help="Checkpoint file, if it has moved.")
@MODEL.option("--model-config", type=PATH, help="Architecture file of open_clip (FILE.json).")
@DEVICE
@BATCH_SIZE
@WORKERS
@CACHE
def detect(detector: Path, targets: tuple[str, ...], cache: Path, **given: Any) -> None:
    """Classify images as in- or out-of-distribution with a detector made by calibrate.

    Prints one line per image: in or out, score, p-value, nearest class, its probability, path.
    TARGET is an image, a folder, or a cached dataset of the detector's model (its name or .h5 file;
    needs no PyTorch).
    Exit status: 0 if all images are in, 3 if any is out, 1 if any could not be scored.

    \b
    oodcache detect detector.json photo.jpg photos/new
    oodcache detect detector.json strays --format csv -o strays.csv
    """
    from oodcache.detect import detecting
    from oodcache.detect.reloading import Runtime

    output = given["output"]
    status = detecting.detect(
        *(detector, targets),
        cache=cache,
        runtime=Runtime(*(given[name] for name in RUNTIME)),
        form=given["form"] or ("text" if output is None else formats.by_ending(output)),
        output=output,
        watch=WATCH,
        score=given["score"],
    )
    if status:
        sys.exit(status)

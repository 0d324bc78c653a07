"""What several commands share: options, and a line said on stderr."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oodcache.cache.text import printable
from oodcache.cache.watch import Watch, bars
from oodcache.cli import stopping

if TYPE_CHECKING:
    from oodcache.score.inputs.question import Question

progress = bars(stopping.check)
TYPED = "oodcache.typed"  # The key in click's context of the arguments as they were typed.
CACHE = click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="OODCACHE_DIR",
    default="embeddings",
    show_default=True,
    show_envvar=True,
    help="Folder of the embeddings.",
)
DATA_ROOT = click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    envvar="OODCACHE_DATA",
    default="data",
    show_default=True,
    show_envvar=True,
    help="Where known data sets are.",
)
DEVICE = click.option("--device", help="cpu, cuda, cuda:1, … [cuda if there is one]")
BATCH_SIZE = click.option("--batch-size", type=click.IntRange(1), default=256, show_default=True)
WORKERS = click.option(
    "--workers", type=click.IntRange(0), help="Decoding processes. [one a processor, at most 8]"
)
CLASSES = click.option("--classes", help="A cached vocabulary. [the only one there is]")
CLASS_NAMES = click.option(
    "--class-names",
    type=click.Choice(("open_clip", "source")),
    default="open_clip",
    show_default=True,
    help="Of imagenet10 and imagenet20: ImageNet's as in open_clip, or their paper's.",
)
NEGATIVES = click.option(
    "--negatives", help="Mined words, see oodcache negatives; for neglabel, eoe, csp."
)
BANK = click.option(
    "--bank",
    metavar="NAME[:N]",
    help="A cached set of training images, all or N of each class; for knn, mahalanobis, vim, …",
)
BANK_LABELS = click.option(
    "--bank-labels",
    type=click.Choice(("own", "predicted")),
    default="own",
    show_default=True,
    help="The bank's own labels, or the nearest class by the model.",
)


def note(text: str) -> None:
    """Say one line on stderr, where it does not mix with results."""
    print(printable(text), file=sys.stderr, flush=True)


WATCH = Watch(note, progress)


def asked(given: Mapping[str, Any], **others: Any) -> Question:
    """Return the question that a command's options ask; `others` are fields that they do not."""
    from oodcache.score.inputs.question import Question

    named = {one.name: given[one.name] for one in fields(Question) if one.name in given}
    return Question(**named, **others)


def share(
    context: click.Context,
    parameter: click.Parameter,
    text: str,
    *,
    example: str,
    may_be_one: bool = False,
) -> float:
    """Return a share above 0 and below 1; refuse a percentage with the share that it means."""

    def fits(number: float, most: float) -> bool:
        return 0 < number < most or (may_be_one and number == most)

    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = math.nan
    if fits(number, 1) and not text.endswith("%"):
        return number
    what = f"{text} is a percentage: type {number / 100!r}"
    if not fits(number, 100):
        bounds = "above 0 and at most 1" if may_be_one else "above 0 and below 1"
        what = f"{text} is no share {bounds}: type {example}, say"
    raise click.BadParameter(what, context, parameter)

"""`oodcache extract`: images and class names to unit embeddings, once."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from oodcache.cache.errors import InputError
from oodcache.cache.names import SHORT_NAMES
from oodcache.cache.shards import SHARD_ROWS
from oodcache.options import CACHE, note
from oodcache.progress import progress

NEEDS = ("torch", "torchvision", "open_clip", "transformers", "PIL")
TRIPLE = click.Tuple([float, float, float])
EXISTING = click.Path(path_type=Path)
PASSED = ("classes", "templates", "data_root", "cache", "workers")
FASTER = ("fast_decode", "channels_last", "compile")
SETTINGS = ("dtype", "batch_size", "shard_rows", "overwrite", "retry_failed", "max_bad")


def _share(context: click.Context, option: click.Parameter, value: str) -> tuple[int, int]:
    """Return I and N of I/N, a process's share of the shards: 1/1 to N/N."""
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", value)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter(f"{value!r} is not I/N with I from 1 to N, such as 2/4")
    return int(match[1]), int(match[2])


def check_torch() -> None:
    """Refuse to go on without the libraries of stage 1, with the line that installs them."""
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        raise InputError(
            f"extraction needs {', '.join(missing)}: type  pip install 'oodcache[extract]'"
        )


@click.command(short_help="Images and class names to embeddings, once.")
@click.argument("datasets", nargs=-1, metavar="[DATASET | NAME=FOLDER]...")
@click.option("--model", help=f"{', '.join(SHORT_NAMES)}; NAME/TAG; local-dir:PATH; hf-hub:REPO.")
@click.option(
    "--classes", help="imagenet, imagenet21k, NAME=FILE (words), NAME=csp:FILE or NAME=FOLDER."
)
@click.option(
    "--template",
    "templates",
    multiple=True,
    help="Prompt, {} for the name; may repeat; openai: its 80. [a photo of a {}]",
)
@click.option(
    "--data-root",
    type=EXISTING,
    envvar="OODCACHE_DATA",
    default="data",
    show_default=True,
    show_envvar=True,
    help="Where known data sets are.",
)
@CACHE
@click.option("--checkpoint", type=EXISTING, help="Weights of your own for --model NAME.")
@click.option("--model-config", type=EXISTING, help="Register FILE.json as an architecture.")
@click.option("--image-mean", type=TRIPLE, help="Override the model's preprocessing.")
@click.option("--image-std", type=TRIPLE)
@click.option("--image-interpolation", type=click.Choice(["bicubic", "bilinear"]))
@click.option("--image-resize-mode", type=click.Choice(["shortest", "longest", "squash"]))
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    default="float32",
    show_default=True,
    help="Of the arithmetic (autocast).",
)
@click.option("--channels-last", is_flag=True, help="Images in that memory format.")
@click.option("--compile", is_flag=True, help="The model by torch.compile; begins slowly.")
@click.option("--fast-decode", is_flag=True, help="Images by torchvision: faster, other pixels.")
@click.option("--device", help="cpu, cuda, cuda:1, … [cuda if there is one]")
@click.option("--batch-size", type=click.IntRange(1), default=256, show_default=True)
@click.option(
    "--workers", type=click.IntRange(0), help="Decoding processes. [one a processor, at most 8]"
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16"]),
    default="float32",
    show_default=True,
    help="Of the stored vectors.",
)
@click.option(
    "--shard-rows",
    type=click.IntRange(1),
    default=SHARD_ROWS,
    show_default=True,
    help="Rows that are done, or not, together.",
)
@click.option(
    "--shard",
    "share",
    callback=_share,
    metavar="I/N",
    default="1/1",
    help="Do every N-th shard, from the I-th, I from 1; the last of N processes merges.",
)
@click.option("--overwrite", is_flag=True, help="Make files anew that are there.")
@click.option("--retry-failed", is_flag=True, help="Do those rows again that are not ok.")
@click.option(
    "--max-bad",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    default=1,
    help="Stop, with status 1, once more images than this are bad, such as 0.01. [1]",
)
def extract(**given: Any) -> None:
    """Turn images and class names into unit embeddings, once per model and data set.

    DATASET is imagenet-val, iNaturalist, SUN, Places or Textures, found under the data root; or
    NAME=FOLDER, images with or without class folders. Files that are there are kept; a run that was
    stopped, however it was, goes on when the same command is typed again.

    \b
    oodcache extract --model siglip2 --classes imagenet --data-root /data imagenet-val iNaturalist
    oodcache extract --model clip --classes pets=names.txt --template "a photo of a {}, a pet" \\
        mypets=photos/pets strays=photos/strays
    oodcache extract --model clip --classes nouns=index.noun --template "the nice {}"
    oodcache extract --model siglip2 --data-root /data --shard 2/4 imagenet-val
    """
    check_torch()
    if given["model"] is None:
        raise click.UsageError("--model is missing, for example: --model siglip2")
    from oodcache.extract import plan, requests, run, threads

    threads.sleep_while_waiting()
    watch = plan.Watch(note, progress)
    overrides = {
        key: list(value) if isinstance(value, tuple) else value
        for key in requests.PREPROCESSING
        if (value := given[f"image_{key}"]) is not None
    }
    request = requests.ModelRequest(
        given["model"],
        given["checkpoint"],
        given["model_config"],
        overrides,
        given["precision"],
        given["device"],
        **{key: given[key] for key in FASTER},
    )
    part, parts = given["share"]
    settings = plan.Settings(part=part, parts=parts, **{key: given[key] for key in SETTINGS})
    planned = plan.plan(
        request,
        sources=given["datasets"],
        settings=settings,
        watch=watch,
        **{key: given[key] for key in PASSED},
    )
    run.run(planned, watch)

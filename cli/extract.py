"""`oodcache extract`: images and class names to unit embeddings, once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oodcache.cache.format.place import SHARD_ROWS
from oodcache.cache.names import SHORT_NAMES
from oodcache.cache.watch import Watch
from oodcache.cli import stopping
from oodcache.cli.options import BATCH_SIZE, CACHE, DATA_ROOT, DEVICE, WORKERS, note, progress
from oodcache.extract.model.request import check_torch
from oodcache.extract.run.rank import Rank, from_environment, is_in

if TYPE_CHECKING:
    from oodcache.extract.run.run import Start

TRIPLE = click.Tuple([float, float, float])
EXISTING = click.Path(path_type=Path)
PASSED = ("classes", "templates", "data_root", "cache", "workers")
OPTIONS = ("image_root", "path_column", "label_column")
FASTER = ("fast_decode", "channels_last", "compile")
SETTINGS = ("dtype", "batch_size", "shard_rows", "overwrite", "retry_failed", "max_bad")


def _typed(context: click.Context, option: click.Parameter, value: str | None) -> Rank | None:
    """Return I/N, a process's share of the shards: 1/1 to N/N."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", value)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter(f"{value!r} is not I/N with I from 1 to N, such as 2/4")
    return Rank(int(match[1]), int(match[2]))


def _gpus(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Return how many GPUs an actor gets; Ray knows parts of one, and whole ones."""
    if value is not None and value > 1 and value % 1:
        raise click.BadParameter(f"{value:g} is neither a part of a GPU nor a whole number of them")
    return value


def _rank(typed: Rank | None, engine: str) -> Rank:
    """Return what was typed; without it what a cluster's environment says, and say so."""
    if engine == "ray":
        if typed is not None:
            raise click.UsageError("--engine ray shares out the shards itself: leave out --shard")
        if is_in(os.environ):
            note("--engine ray shares out the shards itself: the environment's share is ignored")
        return Rank(1, 1)
    if typed is not None:
        return typed
    found = from_environment(os.environ)
    if found is None or found.parts == 1:
        return Rank(1, 1)
    note(f"share {found}, from {found.source}; --shard 1/1 does all")
    return found


def _engine(given: Mapping[str, Any]) -> Start | None:
    """Return what starts the engine that was asked for, None for this process."""
    wishes = (given["num_actors"], given["gpus_per_actor"])
    if given["engine"] == "ray":
        from oodcache.extract.ray import cluster
        from oodcache.extract.ray import engine as ray_engine

        return partial(ray_engine.started, wishes=cluster.Wishes(*wishes))
    if wishes != (None, None):
        raise click.UsageError("--num-actors and --gpus-per-actor are of --engine ray")
    return None


@click.command(short_help="Images and class names to embeddings, once.")
@click.argument("datasets", nargs=-1, metavar="[DATASET | NAME=PATH]...")
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
@DATA_ROOT
@click.option("--image-root", type=EXISTING, help="What paths in lists and tables are below.")
@click.option("--path-column", metavar="NAME", help="Of tables. [path, filepath, filename, image]")
@click.option("--label-column", metavar="NAME", help="Of tables. [label, class]")
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
@DEVICE
@BATCH_SIZE
@WORKERS
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
    callback=_typed,
    metavar="I/N",
    help="Do every N-th shard, from the I-th, I from 1; the last of N processes merges. "
    "[SLURM_ARRAY_TASK_ID or RANK, else 1/1]",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Who makes the shards: this process, or actors on a Ray cluster.",
)
@click.option(
    "--num-actors", type=click.IntRange(1), help="Of Ray. [one a GPU, or a machine where none is]"
)
@click.option(
    "--gpus-per-actor",
    type=click.FloatRange(0),
    callback=_gpus,
    help="Of Ray; a part of one, too. [1 if there are any]",
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

    DATASET is imagenet-val, imagenet-openood, iNaturalist, SUN, Places, Textures, SSB-hard, NINCO
    or OpenImage-O, found under the data root; or NAME= a folder of images, with or without class
    folders, an image list (.txt: a path, a class number), a table (.csv, .tsv, .parquet), a .tar or
    'x/{000..127}.tar', or a folder of CLIP_benchmark's. Files that are there are kept; a run that
    was stopped, however it was, goes on when the same command is typed again.

    \b
    oodcache extract --model siglip2 --classes imagenet --data-root /data imagenet-val iNaturalist
    oodcache extract --model clip --classes pets=names.txt --template "a photo of a {}, a pet" \\
        mypets=photos/pets strays=photos/strays
    oodcache extract --model clip --classes nouns=index.noun --template "the nice {}"
    oodcache extract --model siglip2 --data-root /data --shard 2/4 imagenet-val
    oodcache extract --model clip --classes pets=wds_pets pets=wds_pets strays='s/{000..127}.tar'
    """
    stopping.goes_on()
    check_torch()
    if given["model"] is None:
        raise click.UsageError("--model is missing, for example: --model siglip2")
    from oodcache.extract.model import request as requests
    from oodcache.extract.run import plan, run
    from oodcache.extract.sources import listing

    requests.sleep_while_waiting()
    watch = Watch(note, progress)
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
    rank = _rank(given["share"], given["engine"])
    settings = {key: given[key] for key in SETTINGS}
    asked = plan.Extraction(
        model=request,
        sources=given["datasets"],
        settings=plan.Settings(part=rank.part, parts=rank.parts, **settings),
        options=listing.Options(**{key: given[key] for key in OPTIONS}),
        **{key: given[key] for key in PASSED},
    )
    planned = plan.plan(asked, watch)
    run.run(planned, watch, _engine(given) or run.in_process)

"""`oodcache extract`: images and class names turned into cached unit embeddings."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oodcache.cache.format.place import SHARD_ROWS
from oodcache.cache.names import SHORT_NAMES
from oodcache.cache.watch import Hint
from oodcache.cli import stopping
from oodcache.cli.commands import StrictCommand
from oodcache.cli.groups import MODEL, OUTPUT, RUN, SETS
from oodcache.cli.options import BATCH_SIZE, CACHE, DATA_ROOT, DEVICE, PATH, WATCH, WORKERS, note
from oodcache.extract.model.request import check_torch
from oodcache.extract.run.rank import Rank, from_environment, is_in

if TYPE_CHECKING:
    from oodcache.extract.run.run import Start

SHORT_TYPES = {"bf16": "bfloat16", "fp16": "float16", "half": "float16", "fp32": "float32"}
TRIPLE = click.Tuple([float, float, float])
PASSED = ("classes", "templates", "data_root", "cache", "workers")
OPTIONS = ("image_root", "path_column", "label_column", "image_column")
FLAGS = ("fast_decode", "exif", "channels_last", "compile")
SETTINGS = ("dtype", "batch_size", "shard_rows", "overwrite", "retry_failed", "max_bad")


class Precision(click.Choice[str]):
    """A choice of types that knows what other programs call them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the type; its short name is an error with the whole one."""
        if (meant := SHORT_TYPES.get(value)) is not None:
            self.fail(f"{value!r} is not one of {', '.join(self.choices)}: did you mean {meant}?")
        return super().convert(value, param, ctx)


def _typed(text: str) -> Rank:
    """Return I/N, a process's part of the shards."""
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter(f"{text!r} is not I/N with I from 1 to N, such as 2/4")
    return Rank(int(match[1]), int(match[2]))


def _gpus(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Return the GPUs per actor: Ray accepts fractions of one GPU, or whole GPUs."""
    if value is not None and value > 1 and value % 1:
        raise click.BadParameter(f"{value:g} is neither a fraction of a GPU nor a whole number")
    return value


def _rank(typed: Rank | None, engine: str) -> Rank:
    """Return the shards to do: as typed, or by the cluster's environment, with a note."""
    if engine == "ray":
        if typed is not None:
            raise click.UsageError("--engine ray distributes the shards itself: omit --shard")
        if is_in(os.environ):
            note("--engine ray distributes the shards itself: ignoring the environment's rank")
        return Rank(1, 1)
    if typed is not None:
        return typed
    found = from_environment(os.environ)
    if found is None or found.parts == 1:
        return Rank(1, 1)
    note(Hint(f"shards {found}, from {found.source}; --shard 1/1 does all"))
    return found


def _engine(given: Mapping[str, Any]) -> Start | None:
    """Return the function that starts the Ray engine, None to run in this process."""
    wishes = (given["num_actors"], given["gpus_per_actor"])
    if given["engine"] == "ray":
        from oodcache.extract.ray import cluster
        from oodcache.extract.ray import engine as ray_engine

        return partial(ray_engine.started, wishes=cluster.Wishes(*wishes))
    if wishes != (None, None):
        raise click.UsageError("--num-actors and --gpus-per-actor need --engine ray")
    return None


@click.command(cls=StrictCommand, short_help="Embed images and class names, once.")
@click.argument("datasets", nargs=-1, metavar="[DATASET | NAME=PATH]...")
@MODEL.option(
    "--model",
    help=f"Model: {', '.join(SHORT_NAMES)}; NAME/TAG of open_clip; a folder; OWNER/NAME of the "
    "hub; or with a prefix: local-dir:PATH, hf-hub:REPO, transformers:PATH-or-REPO, timm:NAME.",
)
@SETS.option(
    "--classes",
    help="Class names: imagenet, imagenet21k, cifar10, …, NAME=FILE (a name per line), NAME=FOLDER "
    "or NAME=csp:FILE.",
)
@SETS.option(
    "--template",
    "templates",
    multiple=True,
    help="Prompt template with {} for the name, or openai (its 80); may repeat. [a photo of a {}]",
)
@DATA_ROOT
@SETS.option("--image-root", type=PATH, help="Root folder of relative paths in lists and tables.")
@SETS.option(
    "--path-column",
    metavar="NAME",
    help="Column with image paths (CSV, TSV, Parquet). [path, filepath, filename or image]",
)
@SETS.option(
    "--label-column", metavar="NAME", help="Column with labels. [label, class or a ClassLabel]"
)
@SETS.option(
    "--image-column",
    metavar="NAME",
    help="Column that holds images (Parquet, Arrow). [image, or the only one]",
)
@CACHE
@MODEL.option("--checkpoint", type=PATH, help="Checkpoint file for --model NAME.")
@MODEL.option("--name", help="Name for your own weights: --checkpoint or a folder.")
@MODEL.option("--model-config", type=PATH, help="Architecture file of open_clip (FILE.json).")
@MODEL.option("--image-mean", type=TRIPLE, help="Channel means. [the model's]")
@MODEL.option("--image-std", type=TRIPLE, help="Channel standard deviations. [the model's]")
@MODEL.option(
    "--image-interpolation",
    type=click.Choice(["bicubic", "bilinear"]),
    help="Interpolation of resized images. [the model's]",
)
@MODEL.option(
    "--image-resize-mode",
    type=click.Choice(["shortest", "longest", "squash"]),
    help="Side that gets the model's size; squash: both, whatever their ratio. [the model's]",
)
@MODEL.option(
    "--precision",
    type=Precision(["float32", "bfloat16", "float16"]),
    default="float32",
    help="Compute precision (autocast).",
)
@RUN.option("--channels-last", is_flag=True, help="Use the channels_last memory format.")
@RUN.option("--compile", is_flag=True, help="Use torch.compile: slower to start.")
@SETS.option(
    "--fast-decode",
    is_flag=True,
    help="Decode with torchvision: about 2× faster, slightly different pixels.",
)
@SETS.option(
    "--exif",
    is_flag=True,
    help="Rotate images as their EXIF orientation says. [ignored, as in open_clip]",
)
@DEVICE
@BATCH_SIZE
@WORKERS
@OUTPUT.option(
    "--dtype",
    type=click.Choice(["float32", "float16"]),
    default="float32",
    help="Storage type of the embeddings.",
)
@RUN.option(
    "--shard-rows",
    type=click.IntRange(1),
    default=SHARD_ROWS,
    help="Rows per shard.",
)
@RUN.option(
    "--shard",
    "share",
    type=_typed,
    metavar="I/N",
    help="Do every N-th shard, starting at the I-th (from 1); the last process merges. "
    "[from SLURM_ARRAY_TASK_ID or RANK, otherwise 1/1]",
)
@RUN.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Where to run: this process or a Ray cluster.",
)
@RUN.option(
    "--num-actors",
    type=click.IntRange(1),
    help="Ray actors to start. [one per GPU; without GPUs, one per machine]",
)
@RUN.option(
    "--gpus-per-actor",
    type=click.FloatRange(0),
    callback=_gpus,
    help="GPUs per Ray actor, or a fraction of one. [1 if the cluster has GPUs]",
)
@OUTPUT.option("--overwrite", is_flag=True, help="Overwrite existing files.")
@OUTPUT.option("--retry-failed", is_flag=True, help="Retry images that could not be read.")
@OUTPUT.option(
    "--max-bad",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    default=1,
    help="Fail when more than this share of images cannot be read, such as 0.01.",
)
def extract(**given: Any) -> None:
    """Embed images and class names, once per model and dataset.

    DATASET is a known dataset under the data root (imagenet-val, imagenet-openood, iNaturalist,
    SUN, Places, Textures, SSB-hard, NINCO, OpenImage-O), noise15 (15 images of noise, for tanl) or
    NAME=PATH. PATH is a folder of images, with or without class folders; an image list (.txt with
    paths and class numbers); a table (.csv, .tsv, .parquet); a .tar or 'x/{000..127}.tar'; a
    CLIP_benchmark folder; or a Hugging Face dataset ('x/data/test-*.parquet', or a folder of
    save_to_disk).

    Existing files are kept. Run the same command again to resume where it stopped.

    \b
    oodcache extract --model siglip2 --classes imagenet --data-root /data imagenet-val iNaturalist
    oodcache extract --model clip --classes pets=names.txt --template "a photo of a {}, a pet" \\
        mypets=photos/pets strays=photos/strays
    oodcache extract --model clip --classes nouns=index.noun --template "the nice {}"
    oodcache extract --model siglip2 --data-root /data --shard 2/4 imagenet-val
    oodcache extract --model clip --classes pets=wds_pets pets=wds_pets strays='s/{000..127}.tar'
    oodcache extract --model clip cifar='cifar10/data/test-*.parquet' --image-column img
    """
    stopping.resumable()
    check_torch()
    if given["model"] is None:
        raise click.UsageError("--model is missing, for example: --model siglip2")
    from oodcache.extract.model import request as requests
    from oodcache.extract.run import allocation, plan, run
    from oodcache.extract.sources import listing

    requests.sleep_while_waiting()
    allocation.keep_freed_memory()
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
        **{key: given[key] for key in FLAGS},
        name=given["name"],
    )
    if request.name is not None and not request.is_own:
        raise click.UsageError("--name is for weights of your own: --checkpoint or a folder")
    if request.is_image_only and given["classes"] is not None:
        raise click.UsageError(requests.NO_TEXTS.format(model=given["model"]))
    rank = _rank(given["share"], given["engine"])
    settings = {key: given[key] for key in SETTINGS}
    asked = plan.Extraction(
        model=request,
        sources=given["datasets"],
        settings=plan.Settings(part=rank.part, parts=rank.parts, **settings),
        options=listing.Options(**{key: given[key] for key in OPTIONS}),
        **{key: given[key] for key in PASSED},
    )
    planned, began = plan.plan(asked, WATCH), time.time_ns()
    _tell_next(run.run(planned, WATCH, _engine(given) or run.in_process), began, given["cache"])


def _tell_next(files: Sequence[Path], began: int, cache: Path) -> None:
    """Print what to type next, if files were written since `began`."""
    if not any(one.exists() and one.stat().st_mtime_ns >= began for one in files):
        return
    from oodcache.cli import following

    following.after_model(cache, "/".join(files[0].parts[-4:-2]))

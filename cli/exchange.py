"""`oodcache cache import` and `export`: embeddings exchanged with other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oodcache.cli.commands import StrictCommand
from oodcache.cli.options import CACHE, FILE, PATH, note, progress


@click.command(cls=StrictCommand, name="export")
@click.argument("file", type=PATH)
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    help="File to write or overwrite: .npz (everything), .npy (embeddings) or .parquet (a row per "
    "image).",
)
def export(file: Path, output: Path) -> None:
    """Export a file's embeddings for other programs: .npz, .npy or .parquet.

    An .npz needs no pickle, and import restores it exactly. Parquet stores float32 and needs
    pip install 'oodcache[io]'. FILE may be a complete folder of shards.

    \b
    oodcache cache export embeddings/tiny-clip/demo/images/digits.h5 -o digits.npz
    """
    from oodcache.extract.imports import importing

    importing.export(file, output, note, progress)


@click.command(cls=StrictCommand, name="import")
@click.argument("source", type=PATH)
@CACHE
@click.option("--model", help="Model that made the embeddings: NAME or NAME/PRETRAINED.")
@click.option("--like", type=PATH, help="Cached file of the same model, instead of --model.")
@click.option("--dataset", help="Dataset name (image embeddings).")
@click.option("--classes", help="Class names (text embeddings): NAME=names.txt, one per line.")
@click.option("--metadata", type=PATH, help="Parquet metadata of clip-retrieval, for image paths.")
@click.option("--paths", type=FILE, help="Image paths, one per line. [row-00000000, …]")
@click.option(
    "--labels", type=FILE, help="Image labels: integers (.npy, .pt) or one number or name per line."
)
@click.option("--label-names", type=FILE, help="Names of integer labels, one per line, from 0.")
@click.option("--weights", help="Identifier of the model's weights. [imported:MODEL]")
@click.option(
    "--logit-scale", type=float, help="Scale, exponentiated: 100 for OpenAI's CLIP, not 4.6."
)
@click.option("--logit-bias", type=float, help="Learned bias (SigLIP). [none]")
@click.option(
    "--template", "templates", multiple=True, help="Prompt template of the texts; may repeat. [{}]"
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16"]),
    help="Storage type of the embeddings. [float32, or as exported]",
)
@click.option("--overwrite", is_flag=True, help="Overwrite an existing file.")
@click.pass_context
def import_(context: click.Context, /, **given: Any) -> None:
    """Import embeddings from another program.

    SOURCE is a .npy of shape (rows, dimension) or, for texts, (templates, classes, dimension); an
    .npz from OpenOOD or export; a .pt from CLIP_benchmark; or clip-retrieval's img_emb_* folder.

    \b
    oodcache cache import x.npy --model mine --dataset pets --paths paths.txt --labels labels.npy
    oodcache cache import t.npy --model mine --classes pets=names.txt --logit-scale 100
    oodcache cache import t.npy --like embeddings/mine/one/texts/pets.h5 --classes learned=names.txt
    oodcache cache import img_emb --metadata metadata --model mine --dataset laion
    oodcache cache import digits.npz --cache other
    """
    from oodcache.extract.imports import importing, reading

    if given["like"] and (told := [one for one in reading.OF_MODEL if given[one] is not None]):
        named = ", ".join(f"--{one.replace('_', '-')}" for one in told)
        raise click.UsageError(f"--like FILE says what the model is: omit {named}", context)
    importing.import_(reading.Import(**given), note, progress)

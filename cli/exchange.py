"""`oodcache cache import` and `export`: embeddings from other programs, and for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from oodcache.cli.options import CACHE, note, progress

FILE = click.Path(dir_okay=False, path_type=Path)
EITHER = click.Path(path_type=Path)


@click.command(name="export")
@click.argument("file", type=EITHER)
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    help=".npz holds all, .npy the embeddings, .parquet a row an image; replaced if it is there.",
)
def export(file: Path, output: Path) -> None:
    """Write a file's embeddings for other programs: .npz, .npy or .parquet.

    An .npz is read without pickle, and comes back by import as it was. Parquet wants
    pip install 'oodcache[io]', and holds float32. FILE may be a folder of shards, all there.

    \b
    oodcache cache export embeddings/tiny-clip/demo/images/digits.h5 -o digits.npz
    """
    from oodcache.extract.imports import importing

    importing.export(file, output, note, progress)


@click.command(name="import")
@click.argument("source", type=EITHER)
@CACHE
@click.option("--model", help="NAME or NAME/PRETRAINED: the model that made them.")
@click.option("--dataset", help="What to call them, if they are of images.")
@click.option("--classes", help="NAME=names.txt, if they are of texts: a class name a line.")
@click.option("--metadata", type=EITHER, help="clip-retrieval's parquet: paths of the images.")
@click.option("--paths", type=FILE, help="Paths of the images, one a line. [row-00000000, …]")
@click.option(
    "--labels", type=FILE, help="Of the images: integers (.npy, .pt), or a number or name a line."
)
@click.option("--label-names", type=FILE, help="Names of integer labels, one a line, from 0.")
@click.option("--weights", help="Whatever tells weights apart. [imported:MODEL]")
@click.option("--logit-scale", type=float, help="Exponentiated: 100 for OpenAI's CLIP, not 4.6.")
@click.option("--logit-bias", type=float, help="SigLIP's. [none]")
@click.option(
    "--template", "templates", multiple=True, help="What the names were put into; may repeat. [{}]"
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16"]),
    help="Of what is stored. [float32; of an exported file, its own]",
)
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
def import_(**given: Any) -> None:
    """Take in embeddings that another program made; rows not of norm 1 are normalised.

    SOURCE is a .npy (rows, numbers), or of texts also (templates, classes, numbers); a .npz of
    OpenOOD or of export; a .pt of CLIP_benchmark; or clip-retrieval's folder of img_emb_*.npy.

    \b
    oodcache cache import x.npy --model mine --dataset pets --paths paths.txt --labels labels.npy
    oodcache cache import t.npy --model mine --classes pets=names.txt --logit-scale 100
    oodcache cache import img_emb --metadata metadata --model mine --dataset laion
    oodcache cache import digits.npz --cache other
    """
    from oodcache.extract.imports import importing, reading

    importing.import_(reading.Import(**given), note, progress)

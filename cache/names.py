"""What models, data sets and vocabularies are called, and where their files lie."""

from __future__ import annotations

import re
from pathlib import Path

from oodcache.cache.errors import InputError

SHORT_NAMES = {
    "clip": "ViT-B-16/laion400m_e31",
    "clip-datacomp": "ViT-B-16/datacomp_xl_s13b_b90k",
    "clip-openai": "ViT-B-16/openai",
    "siglip": "ViT-B-16-SigLIP/webli",
    "siglip2": "ViT-B-16-SigLIP2/webli",
    "tiny-clip": "tiny-clip/demo",
    "tiny-sigmoid": "tiny-sigmoid/demo",
}
KNOWN = (
    *("imagenet", "imagenet21k"),
    *("imagenet-val", "imagenet-openood", "iNaturalist", "SUN", "Places", "Textures"),
    *("SSB-hard", "NINCO", "OpenImage-O"),
)
# How far from ImageNet the field takes each known set to be.
GROUPS = {
    **dict.fromkeys(("SSB-hard", "NINCO"), "near"),
    **dict.fromkeys(("iNaturalist", "SUN", "Places", "Textures", "OpenImage-O"), "far"),
}
# The first columns of scores saved for every image.
SCORED = ("model", "template", "data_set", "path", "label", "nearest")
RESERVED = {"average", "average-near", "average-far"}


def check_name(name: str, what: str) -> str:
    """Return `name` if a file can be called so; a data set's average over others cannot.

    Raises InputError otherwise: `what` says in the message which name it was.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", name):
        raise InputError(
            f"{what} {name!r} cannot name a file: use letters, digits, '.', '_' and '-', "
            "a letter or digit first"
        )
    if name in RESERVED:
        raise InputError(f"{what} {name!r} is what results call their mean: choose another")
    return name


def image_path(cache: Path, label: str, dataset: str) -> Path:
    """Return where the embeddings of `dataset` by the model `name/pretrained` lie."""
    return cache / label / "images" / f"{dataset}.h5"


def text_path(cache: Path, label: str, vocabulary: str) -> Path:
    """Return where the embeddings of `vocabulary` by the model `name/pretrained` lie."""
    return cache / label / "texts" / f"{vocabulary}.h5"


def negatives_path(cache: Path, label: str, name: str) -> Path:
    """Return where the file of negatives `name` of the model `name/pretrained` lies."""
    return cache / label / "negatives" / f"{name}.json"


def place(cache: Path, kind: str, label: str, name: str) -> Path:
    """Return where a file of `kind`, "images" or "texts", lies that names itself.

    Raises InputError if its own names would lead out of the cache: it may be a stranger's.
    """
    parts = label.split("/")
    if len(parts) != 2 or not all(re.fullmatch(r"[^./\\\0][^/\\\0]*", part) for part in parts):
        raise InputError(f"model {label!r} is no folder of a cache")
    known = "data set" if kind == "images" else "vocabulary"
    return (image_path if kind == "images" else text_path)(cache, label, check_name(name, known))

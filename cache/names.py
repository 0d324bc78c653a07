"""Names of models, datasets and vocabularies, and where their files are stored."""

from __future__ import annotations

import re
from pathlib import Path

from oodcache.cache.errors import InputError

FOLDER = Path("embeddings")  # The default cache.
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
    *("imagenet200", "cifar10", "cifar100"),  # Both class lists and datasets.
    *("imagenet-val", "imagenet-openood", "iNaturalist", "SUN", "Places", "Textures"),
    *("SSB-hard", "NINCO", "OpenImage-O", "noise15"),
    *("imagenet-v2", "imagenet-r", "imagenet-a", "imagenet-sketch", "imagenet-es", "imagenet-c"),
    *("OpenImage-O-val", "Textures-openood", "imagenet-c-openood"),
    *("imagenet200-v2", "imagenet200-c", "imagenet200-r"),
    *("cifar10-openood", "cifar10-c", "CIFAR-100-cifar10", "TinyImageNet-cifar10"),
    *("Places365-cifar10", "TinyImageNet-cifar10-val"),
    *("cifar100-openood", "CIFAR-10-cifar100", "TinyImageNet-cifar100"),
    *("Places365-cifar100", "TinyImageNet-cifar100-val"),
    *("MNIST", "SVHN", "TinyImageNet", "Places365"),
    *("cub200", "stanford-cars", "food101", "oxford-pet"),  # Class lists as well.
    *(f"NINCO-clean-{name}" for name in ("Places", "iNaturalist", "Species", "ImageNet-O")),
    *(f"NINCO-clean-{name}" for name in ("OpenImage-O", "Textures", "COOD", "ImageNet-OOD-400")),
    *(f"NINCO-clean-{name}" for name in ("SSB-easy", "SSB-hard", "360OpenSet")),
)
# Near-OOD or far-OOD with respect to ImageNet, as the field groups the known datasets; to CIFAR
# for sets that only its benchmarks have.
GROUPS = {
    **dict.fromkeys(("SSB-hard", "NINCO"), "near"),
    **dict.fromkeys(("iNaturalist", "SUN", "Places", "Textures", "OpenImage-O"), "far"),
    **dict.fromkeys(("CIFAR-100-cifar10", "TinyImageNet-cifar10"), "near"),
    **dict.fromkeys(("CIFAR-10-cifar100", "TinyImageNet-cifar100"), "near"),
    **dict.fromkeys(("Textures-openood", "MNIST", "SVHN"), "far"),
    **dict.fromkeys(("Places365-cifar10", "Places365-cifar100"), "far"),
}
# The first columns of scores saved for every image.
SCORED = ("model", "template", "data_set", "path", "label", "nearest")
RESERVED = {"average", "average-near", "average-far"}
SIZE = re.compile(
    r"\d|(?<![a-z])(?:[a-z]|tiny|small|medium|base|large|huge|giant|gigantic|plus)(?![a-z])"
)


def check_name(name: str, what: str) -> str:
    """Return `name` if it can name a file and is not reserved for averages in results.

    Raises InputError otherwise; `what` says in the message whose name it is.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", name):
        raise InputError(
            f"{what} {name!r} is not a valid file name: use letters, digits, '.', '_' and '-', "
            "starting with a letter or digit"
        )
    if name in RESERVED:
        raise InputError(f"{what} {name!r} is reserved for averages in results: choose another")
    return name


def check_model_name(name: str) -> str:
    """Return `name` if it can name a model of the user's own; raise InputError otherwise."""
    if name in SHORT_NAMES:
        raise InputError(f"model name {name!r} stands for {SHORT_NAMES[name]}: choose another")
    return check_name(name, "model name")


def typed_cache(cache: Path) -> list[str]:
    """Return the option that names a cache, nothing for the default one."""
    return [] if cache == FOLDER else ["--cache", str(cache)]


def typed_name(label: str) -> str:
    """Return what to type for a model in the cache: its short name, or its `name/pretrained`.

    >>> typed_name("ViT-B-16-SigLIP/webli"), typed_name("ViT-B-32/openai")
    ('siglip', 'ViT-B-32/openai')
    """
    return next((name for name, whole in SHORT_NAMES.items() if whole == label), label)


def own_name(label: str) -> str:
    """Return the name of a model of the user's own, and any other label as it is.

    >>> own_name("local/mine-0123abcd"), own_name("ViT-B-32/openai")
    ('mine', 'ViT-B-32/openai')
    """
    found = re.fullmatch(r"local/(.+)-[0-9a-f]{8}", label)
    return found[1] if found else label


def sizes(model: str) -> list[str]:
    """Return the digits and sizes in a model's name, sorted: equal for slips of the pen.

    >>> sizes("ViT-B-32"), sizes("vit-b-23"), sizes("convnext_large")
    (['2', '3', 'b'], ['2', '3', 'b'], ['large'])
    """
    return sorted(SIZE.findall(model.casefold()))


def named_path(typed: str, what: str) -> tuple[str, str]:
    """Return the name and the path of NAME=PATH; `what` is as in `check_name`.

    Raises InputError if either is missing: an empty path would be the current folder.
    """
    name, _, path = typed.partition("=")
    check_name(name, what)
    if not path:
        raise InputError(f"{typed}: names no path (is a shell variable unset?); use {name}=PATH")
    return name, path


def image_path(cache: Path, label: str, dataset: str) -> Path:
    """Return the file of image embeddings of `dataset` for the model `name/pretrained`."""
    return cache / label / "images" / f"{dataset}.h5"


def text_path(cache: Path, label: str, vocabulary: str) -> Path:
    """Return the file of text embeddings of `vocabulary` for the model `name/pretrained`."""
    return cache / label / "texts" / f"{vocabulary}.h5"


def negatives_path(cache: Path, label: str, name: str) -> Path:
    """Return the file of negatives `name` for the model `name/pretrained`."""
    return cache / label / "negatives" / f"{name}.json"


def place(cache: Path, kind: str, label: str, name: str) -> Path:
    """Return where a file of `kind`, "images" or "texts", belongs by the names stored in it.

    Raises InputError if those names would lead out of the cache: the file may be untrusted.
    """
    parts = label.split("/")
    if len(parts) != 2 or not all(re.fullmatch(r"[^./\\\0][^/\\\0]*", part) for part in parts):
        raise InputError(f"model {label!r} is not a folder of a cache")
    known = "dataset" if kind == "images" else "vocabulary"
    return (image_path if kind == "images" else text_path)(cache, label, check_name(name, known))

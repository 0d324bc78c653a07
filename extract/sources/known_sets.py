"""The field's standard datasets by name, and the benchmarks that they belong to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from oodcache.extract.known.clean import CLEAN
from oodcache.extract.known.fine_grained import FINE_GRAINED
from oodcache.extract.known.known_set import ID, Archive, KnownSet
from oodcache.extract.known.openood import CLASSIC, DRIVE, LARGE, LISTS, OPENOOD
from oodcache.extract.known.shifted import SHIFTED, part_of_c

IMAGENET = f"{LARGE}/imagenet_1k/val"
MOS = "http://pages.cs.wisc.edu/~huangrui/imagenet_ood_dataset"
DTD = "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz"
LOGIN = "image-net.org, which requires a login"


def _of_mos(name: str, *folders: str) -> KnownSet:
    return KnownSet(
        10_000, (name, *folders), archive=Archive(f"{MOS}/{name}.tar.gz", name), origin=MOS
    )


def _of_openood(images: int, name: str) -> KnownSet:
    listed = f"{LISTS}/imagenet/test_{name}.txt"
    return KnownSet(images, (f"{LARGE}/{name}",), (listed,), origin=DRIVE)


KNOWN_SETS = {
    "imagenet-val": KnownSet(
        50_000, ("imagenet/val", "imagenet_1k/val", IMAGENET), origin=LOGIN, role=ID
    ),
    "imagenet-openood": KnownSet(
        45_000,
        image_lists=(f"{LISTS}/imagenet/test_imagenet.txt",),
        classes="imagenet",
        origin=f"{LOGIN}, and its list from {DRIVE}",
        role=ID,
        belongs=IMAGENET,
    ),
    "iNaturalist": _of_mos("iNaturalist", f"{LARGE}/inaturalist"),
    "SUN": _of_mos("SUN"),
    "Places": _of_mos("Places"),
    "Textures": KnownSet(
        5_640,
        ("dtd/images", "Textures/dtd/images", "Textures", f"{CLASSIC}/texture"),
        archive=Archive(DTD, "dtd", md5="fff73e5086ae6bdbea199a49dfb8a4c1"),
        origin=DTD.rpartition("/")[0],
    ),
    "SSB-hard": _of_openood(49_000, "ssb_hard"),
    "NINCO": CLEAN["NINCO"],
    "OpenImage-O": _of_openood(15_869, "openimage_o"),
    **SHIFTED,
    **OPENOOD,
    **CLEAN,
    **FINE_GRAINED,
}
_NEAR, _FAR = ("SSB-hard", "NINCO"), ("iNaturalist", "Textures-openood", "OpenImage-O")
_LARGE_OOD = (*_NEAR, *_FAR, "OpenImage-O-val")
_SMALL = ("MNIST", "SVHN", "Textures")
BENCHMARKS: dict[str, tuple[str, ...]] = {
    "mos": ("imagenet-val", "iNaturalist", "SUN", "Places", "Textures"),
    "openood-imagenet": (
        *("imagenet-openood", *_LARGE_OOD),
        *("imagenet-v2", "imagenet-c-openood", "imagenet-r", "imagenet-es"),
    ),
    "openood-imagenet200": (
        *("imagenet200", *_LARGE_OOD),
        *("imagenet200-v2", "imagenet200-c", "imagenet200-r"),
    ),
    "openood-cifar10": (
        *("cifar10-openood", "CIFAR-100-cifar10", "TinyImageNet-cifar10"),
        *(*_SMALL, "Places365-cifar10", "TinyImageNet-cifar10-val", "cifar10-c"),
    ),
    "openood-cifar100": (
        *("cifar100-openood", "CIFAR-10-cifar100", "TinyImageNet-cifar100"),
        *(*_SMALL, "Places365-cifar100", "TinyImageNet-cifar100-val"),
    ),
    "shifted": (*SHIFTED,),
    "ninco-clean": tuple(name for name in CLEAN if name != "NINCO"),
    "mcm-fine-grained": (*FINE_GRAINED, "iNaturalist", "SUN", "Places", "Textures"),
    "small": ("cifar10", "cifar100", "TinyImageNet", "Places365", *_SMALL),
}


def known_set(name: str) -> KnownSet | None:
    """Return a dataset by its name, or a part of ImageNet-C; None if the name is not known."""
    return KNOWN_SETS.get(name) or part_of_c(name)


def close_to(name: str) -> list[str]:
    """Return up to three names of datasets that may be meant by one that is not known.

    >>> close_to("imagenetv2"), close_to("sun"), close_to("holiday-photos")
    (['imagenet-v2', 'imagenet200-v2', 'imagenet-val'], ['SUN'], [])
    """
    plain = {re.sub(r"[-_ ]", "", one).casefold(): one for one in KNOWN_SETS}
    typed = re.sub(r"[-_ ]", "", name).casefold()
    return [plain[one] for one in get_close_matches(typed, plain, 3, 0.8)]


def names_of(typed: Sequence[str]) -> list[str]:
    """Return the names of datasets, each once, with each benchmark's sets in place of its name."""
    found = [name for one in typed for name in BENCHMARKS.get(one, (one,))]
    return list(dict.fromkeys(found))

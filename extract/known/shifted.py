"""ImageNet under covariate shift: other photographs, renditions, sketches and corruptions."""

from __future__ import annotations

import re

from oodcache.extract.known.known_set import CSID, NUMBERS, WORDNET, KnownSet
from oodcache.extract.known.openood import DRIVE, LARGE, LISTS

PART = re.compile(r"imagenet-c-([a-z_]+)-([1-5])")
HENDRYCKS = "https://github.com/hendrycks"
CORRUPTED = ("imagenet-c", "ImageNet-C", "imagenet_c")
ORIGIN_C = f"{HENDRYCKS}/robustness"


def _listed(name: str) -> tuple[str, ...]:
    return (f"{LISTS}/imagenet/test_{name}.txt",)


SHIFTED = {
    "imagenet-v2": KnownSet(
        10_000,
        (
            "imagenetv2-matched-frequency-format-val",
            "imagenetv2/imagenetv2-matched-frequency-format-val",
            f"{LARGE}/imagenet_v2",
        ),
        _listed("imagenet_v2"),
        classes="imagenet",
        labels=NUMBERS,
        role=CSID,
        origin="https://github.com/modestyachts/ImageNetV2 (matched-frequency)",
    ),
    "imagenet-r": KnownSet(
        30_000,
        ("imagenet-r", "imagenet-rendition/imagenet-r", f"{LARGE}/imagenet_r"),
        _listed("imagenet_r"),
        classes="imagenet",
        labels=WORDNET,
        role=CSID,
        origin=f"{HENDRYCKS}/imagenet-r",
    ),
    "imagenet-a": KnownSet(
        7_500,
        ("imagenet-a", "imagenet-adversarial/imagenet-a", f"{LARGE}/imagenet_a"),
        labels=WORDNET,
        role=CSID,
        origin=f"{HENDRYCKS}/natural-adv-examples",
    ),
    "imagenet-sketch": KnownSet(
        50_889,
        ("imagenet-sketch/sketch", "imagenet-sketch", "ImageNet-Sketch/sketch", "sketch"),
        labels=WORDNET,
        role=CSID,
        origin="https://github.com/HaohanWang/ImageNet-Sketch",
    ),
    "imagenet-es": KnownSet(
        None,
        (f"{LARGE}/imagenet_es", "imagenet-es", "ImageNet-ES"),
        _listed("imagenet_es"),
        classes="imagenet",
        labels=WORDNET,
        role=CSID,
        origin=DRIVE,
    ),
    "imagenet-c": KnownSet(None, CORRUPTED, labels=WORDNET, role=CSID, origin=ORIGIN_C),
}


def part_of_c(name: str) -> KnownSet | None:
    """Return one corruption and severity of ImageNet-C, None if `name` is no such part.

    >>> part_of_c("imagenet-c-gaussian_noise-3").folders[0]
    'imagenet-c/gaussian_noise/3'
    """
    found = PART.fullmatch(name)
    if found is None:
        return None
    folders = tuple(f"{folder}/{found[1]}/{found[2]}" for folder in CORRUPTED)
    return KnownSet(50_000, folders, labels=WORDNET, role=CSID, origin=ORIGIN_C)

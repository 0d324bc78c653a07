"""OpenOOD's datasets: image lists of its benchmarks on ImageNet, ImageNet-200 and CIFAR.

The counts are the lines of its lists (version 1.5); docs/sources.md says where they were counted.
"""

from __future__ import annotations

from oodcache.extract.known.known_set import CSID, ID, LABELLED, OOD, SELECT, KnownSet

LISTS = "benchmark_imglist"
LARGE, CLASSIC = "images_largescale", "images_classic"
DRIVE = "OpenOOD's folder on Google Drive"


def listed(
    images: int | None, *lists: str, role: str = OOD, classes: str = "", below: str = LARGE
) -> KnownSet:
    """Return a set that exists only as a list of OpenOOD's, under the first of its names."""
    return KnownSet(
        images,
        image_lists=tuple(f"{LISTS}/{one}.txt" for one in lists),
        classes=classes if role in LABELLED else "",
        role=role,
        origin=f"{DRIVE} (with {LISTS}/)",
        belongs=below,
    )


OPENOOD = {
    "OpenImage-O-val": listed(
        *(1_763, "imagenet/val_openimage_o", "imagenet200/val_openimage_o"), role=SELECT
    ),
    "Textures-openood": listed(
        *(5_160, "imagenet/test_textures", "imagenet200/test_textures"), below=CLASSIC
    ),
    "imagenet-c-openood": listed(10_000, "imagenet/test_imagenet_c", role=CSID, classes="imagenet"),
    "imagenet200": listed(9_000, "imagenet200/test_imagenet200", role=ID, classes="imagenet200"),
    "imagenet200-v2": listed(
        2_000, "imagenet200/test_imagenet200_v2", role=CSID, classes="imagenet200"
    ),
    "imagenet200-c": listed(
        2_000, "imagenet200/test_imagenet200_c", role=CSID, classes="imagenet200"
    ),
    "imagenet200-r": listed(
        30_000, "imagenet200/test_imagenet200_r", role=CSID, classes="imagenet200"
    ),
    "cifar10-openood": listed(
        9_000, "cifar10/test_cifar10", role=ID, classes="cifar10", below=CLASSIC
    ),
    "cifar10-c": listed(
        10_000, "cifar10/test_cifar10c", role=CSID, classes="cifar10", below=CLASSIC
    ),
    "CIFAR-100-cifar10": listed(9_000, "cifar10/test_cifar100", below=CLASSIC),
    "TinyImageNet-cifar10": listed(7_793, "cifar10/test_tin", below=CLASSIC),
    "Places365-cifar10": listed(35_195, "cifar10/test_places365", below=CLASSIC),
    "TinyImageNet-cifar10-val": listed(1_000, "cifar10/val_tin", role=SELECT, below=CLASSIC),
    "cifar100-openood": listed(
        9_000, "cifar100/test_cifar100", role=ID, classes="cifar100", below=CLASSIC
    ),
    "CIFAR-10-cifar100": listed(10_000, "cifar100/test_cifar10", below=CLASSIC),
    "TinyImageNet-cifar100": listed(6_526, "cifar100/test_tin", below=CLASSIC),
    "Places365-cifar100": listed(33_773, "cifar100/test_places365", below=CLASSIC),
    "TinyImageNet-cifar100-val": listed(972, "cifar100/val_tin", role=SELECT, below=CLASSIC),
    "MNIST": listed(70_000, "cifar10/test_mnist", "cifar100/test_mnist", below=CLASSIC),
    "SVHN": KnownSet(
        26_032,
        (f"{CLASSIC}/svhn/test", "svhn/test"),
        (f"{LISTS}/cifar10/test_svhn.txt", f"{LISTS}/cifar100/test_svhn.txt"),
        origin=DRIVE,
    ),
    "cifar10": KnownSet(10_000, (f"{CLASSIC}/cifar10/test", "cifar10/test"), origin=DRIVE, role=ID),
    "cifar100": KnownSet(
        10_000, (f"{CLASSIC}/cifar100/test", "cifar100/test"), origin=DRIVE, role=ID
    ),
    "TinyImageNet": KnownSet(
        10_000, (f"{CLASSIC}/tin/val", "tiny-imagenet-200/val", "tin/val"), origin=DRIVE
    ),
    "Places365": KnownSet(
        None, (f"{CLASSIC}/places365", "places365/val_256", "places365"), origin=DRIVE
    ),
}

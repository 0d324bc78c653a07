"""A tree of small images in the layouts of the field's archives: a few of each dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from samples import write_image
from scipy.io import savemat

from oodcache.cache import subsets

IMAGENET = "imagenet_1k/val/ILSVRC2012_val_0000000"
C10, C100, TIN = "cifar10/test", "cifar100/test", "tin/val/images/val"
# Lines of OpenOOD's lists, below benchmark_imglist; two images of one class, and one of another.
LARGE_OOD = {
    "test_ssb_hard": [f"ssb_hard/n0{one}/a.JPEG -1" for one in "123"],
    "test_ninco": [f"ninco/amphiuma means/{one}.jpg -1" for one in "12"],
    "test_inaturalist": [f"inaturalist/images/{one}.jpg -1" for one in "123"],
    "test_textures": [f"texture/zigzagged/zigzagged_{one}.jpg -1" for one in "12"],
    "test_openimage_o": [f"openimage_o/images/{one}.jpg -1" for one in "1234"],
    "val_openimage_o": [f"openimage_o/images/{one}.jpg -1" for one in "56"],
}
SMALL_OOD = {
    "test_mnist": [f"mnist/train/0_{one}.jpg -1" for one in "12"],
    "test_svhn": [f"svhn/test/{one}_5.jpg -1" for one in "123"],
    "test_texture": [f"texture/banded/banded_{one}.jpg -1" for one in "12"],
    "test_places365": [f"places365/{one}.jpg -1" for one in "12"],
}
LISTS = {
    "imagenet": {
        **LARGE_OOD,
        "test_imagenet": [f"{IMAGENET}{one}.JPEG {one}" for one in "123"],
        "test_imagenet_v2": [f"imagenet_v2/{one}/a.jpeg {one}" for one in "12"],
        "test_imagenet_c": [f"imagenet_c/frost/2/{one}.JPEG {one}" for one in "123"],
        "test_imagenet_r": [f"imagenet_r/n01443537/{one}.jpg 1" for one in ("a", "b")],
        "test_imagenet_es": [f"imagenet_es/n01443537/{one}.jpg 1" for one in ("a", "b")],
    },
    "imagenet200": {
        **LARGE_OOD,
        "test_imagenet200": [f"{IMAGENET}{one}.JPEG {one}" for one in "4567"],
        "test_imagenet200_v2": [f"imagenet_v2/{one}/b.jpeg {one}" for one in "12"],
        "test_imagenet200_c": [f"imagenet_c/fog/5/{one}.JPEG {one}" for one in "123"],
        "test_imagenet200_r": ["imagenet_r/n01443537/a.jpg 0", "imagenet_r/n01443537/b.jpg 0"],
    },
    "cifar10": {
        **SMALL_OOD,
        "test_cifar10": [f"{C10}/cat/{one}.png 3" for one in "12"] + [f"{C10}/dog/3.png 5"],
        "test_cifar10c": [f"cifar10c/{one}_1.png 3" for one in "12"],
        "test_cifar100": [f"{C100}/possum/{one}.png -1" for one in "12"],
        "test_tin": [f"{TIN}_{one}.JPEG -1" for one in "123"],
        "val_tin": [f"{TIN}_{one}.JPEG -1" for one in "45"],
    },
    "cifar100": {
        **SMALL_OOD,
        "test_cifar100": [f"{C100}/worm/{one}.png 99" for one in "12"] + [f"{C100}/ray/3.png 67"],
        "test_cifar10": [f"{C10}/cat/{one}.png -1" for one in "45"],
        "test_tin": [f"{TIN}_{one}.JPEG -1" for one in "678"],
        "val_tin": [f"{TIN}_{one}.JPEG -1" for one in "90"],
    },
}
CLASSIC = ("cifar", "tin/", "texture/", "mnist/", "svhn/", "places365/")
FOLDERS = {
    "mos": [
        *(f"MOS/iNaturalist/images/i{one}.jpg" for one in "123"),
        *(f"MOS/SUN/images/sun_{one}.jpg" for one in "12"),
        *(f"MOS/Places/images/{one}.jpg" for one in "12"),
        *(f"MOS/dtd/images/banded/banded_{one}.jpg" for one in "12"),
    ],
    "ninco-clean": [
        f"MOS/NINCO/NINCO_popular_datasets_subsamples/{folder}/{one}.jpg"
        for folder in (
            *("Places", "iNaturalist_OOD_Plants", "Species", "ImageNet_O", "OpenImage_O"),
            *("Textures", "COOD", "ImageNet_1k_OOD_400_ood", "SSB_easy", "SSB_hard", "360OpenSet"),
        )
        for one in "12"
    ],
}


def write_layout(root: Path, protocol: str) -> None:
    """Write the images of one benchmark below a data root, and the lists that select them."""
    for name, lines in LISTS.get(protocol.removeprefix("openood-"), {}).items():
        listed = root / f"benchmark_imglist/{protocol.removeprefix('openood-')}/{name}.txt"
        listed.parent.mkdir(parents=True, exist_ok=True)
        listed.write_text("".join(f"{line}\n" for line in dict.fromkeys(lines)))
        for line in lines:
            path = line.rpartition(" ")[0]
            below = "images_classic" if path.startswith(CLASSIC) else "images_largescale"
            _write(root / below / path)
    for path in FOLDERS.get(protocol, []):
        _write(root / path)
    if protocol in ("mos", "ninco-clean", "imagenet10-20"):
        _imagenet(root, ("imagenet10", "imagenet20") if protocol == "imagenet10-20" else ())
    if protocol == "mcm-fine-grained":
        for path in FOLDERS["mos"]:
            _write(root / path)
        _fine_grained(root)


def _write(path: Path) -> None:
    if not path.exists():
        write_image(path, sum(str(path.name).encode()) * 31 + len(path.parts[-2]), size=(8, 8))


def _imagenet(root: Path, of: Sequence[str]) -> None:
    """Write ImageNet's validation images in its folders: of two classes, or of whole subsets."""
    ids = [one for name in of for one in subsets.known(name).ids] or ["n01440764", "n01443537"]
    for number, one in enumerate(ids, 1):
        _write(root / f"imagenet/val/{one}/ILSVRC2012_val_{number:08}.JPEG")


def _fine_grained(root: Path) -> None:
    """Write CUB, Stanford Cars, Food-101 and Oxford Pets with the files of their test images."""
    birds = [f"001.Black_footed_Albatross/A_{one}.jpg" for one in "12"]
    birds += ["002.Laysan_Albatross/L_1.jpg"]
    for path in (
        *(f"CUB_200_2011/images/{one}" for one in birds),
        *(f"food-101/images/{one}.jpg" for one in ("waffles/3", "apple_pie/1")),
        *(f"oxford-iiit-pet/images/{one}.jpg" for one in ("Abyssinian_1", "great_pyrenees_12")),
        *(f"stanford_cars/cars_test/0000{one}.jpg" for one in "12"),
    ):
        _write(root / path)
    numbered = [f"{number} {image}\n" for number, image in enumerate(birds, 1)]
    texts = {
        "CUB_200_2011/images.txt": "".join(numbered),
        "CUB_200_2011/train_test_split.txt": "1 0\n2 1\n3 0\n",
        "food-101/meta/test.txt": "waffles/3\napple_pie/1\n",
        "oxford-iiit-pet/annotations/test.txt": "Abyssinian_1 1 1 1\ngreat_pyrenees_12 2 2 1\n",
    }
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    rows = np.array([("00001.jpg", 2), ("00002.jpg", 1)], [("fname", "O"), ("class", "u1")])
    savemat(root / "stanford_cars/cars_test_annos_withlabels.mat", {"annotations": rows})
    (root / "stanford_cars/devkit").mkdir()
    cars = np.array(["AM General Hummer SUV 2000", "Acura TL Sedan 2012"], object)
    savemat(root / "stanford_cars/devkit/cars_meta.mat", {"class_names": cars})

"""Claims about OpenOOD's lists, against the layout of its evaluator."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from oodcache.extract.known.openood import OPENOOD
from oodcache.extract.sources import datasets
from oodcache.extract.sources.known_sets import KNOWN_SETS

# Name, list below benchmark_imglist, its lines as OpenOOD writes them, and the labels wanted.
LISTED = [
    ("imagenet-v2", "imagenet/test_imagenet_v2", "imagenet_v2/617/a.jpeg 617", "n03630383"),
    ("imagenet-r", "imagenet/test_imagenet_r", "imagenet_r/n02130308/art_1.jpg 293", "n02130308"),
    (
        *("imagenet-c-openood", "imagenet/test_imagenet_c"),
        *("imagenet_c/frost/2/ILSVRC2012_val_00042270.JPEG 999", "n15075141"),
    ),
    (
        *("imagenet200-v2", "imagenet200/test_imagenet200_v2"),
        *("imagenet_v2/617/a.jpeg 147", "n03630383"),
    ),
    (
        *("imagenet200", "imagenet200/test_imagenet200"),
        *("imagenet_1k/val/n12267677/ILSVRC2012_val_00044926.JPEG 199", "n12267677"),
    ),
    ("cifar10-openood", "cifar10/test_cifar10", "cifar10/test/truck/0518.png 9", "truck"),
    ("cifar10-c", "cifar10/test_cifar10c", "cifar10c/04015_1.png 1", "automobile"),
    ("cifar100-openood", "cifar100/test_cifar100", "cifar100/test/worm/0038.png 99", "worm"),
    ("CIFAR-100-cifar10", "cifar10/test_cifar100", "cifar100/test/possum/0041.png -1", None),
    ("TinyImageNet-cifar100", "cifar100/test_tin", "tin/val/images/val_9994.JPEG -1", None),
    ("Textures-openood", "imagenet/test_textures", "texture/zigzagged/z_0128.jpg -1", None),
    ("OpenImage-O-val", "imagenet/val_openimage_o", "openimage_o/images/5a9e.jpg -1", None),
    ("MNIST", "cifar100/test_mnist", "mnist/train/0_33087.jpg -1", None),
]
CLASSIC = ("cifar", "tin/", "texture/", "mnist/")


@pytest.mark.parametrize(("name", "listed", "line", "label"), LISTED)
def test_a_list_of_openoods_is_read_where_its_archives_lie_with_the_ids_of_its_classes(
    tmp_path: Path, name: str, listed: str, line: str, label: str | None
) -> None:
    path = line.rpartition(" ")[0]
    below = "images_classic" if path.startswith(CLASSIC) else "images_largescale"
    image = tmp_path / below / path
    image.parent.mkdir(parents=True)
    Image.new("RGB", (2, 2)).save(image)
    lines = tmp_path / f"benchmark_imglist/{listed}.txt"
    lines.parent.mkdir(parents=True)
    lines.write_text(f"{line}\r\n")  # Some copies have lines of Windows.
    found = datasets.list_images(datasets.find(name, tmp_path))
    assert found.images.paths == [path.encode()]
    assert found.contents.is_there(0)
    assert (*found.images.label_names,) == ((label,) if label else ())
    assert not found.numbered


def test_counts_are_the_lines_of_the_lists() -> None:
    assert {name: known.images for name, known in OPENOOD.items() if known.images is not None} == {
        "OpenImage-O-val": 1_763,
        "Textures-openood": 43 * 120,
        "imagenet-c-openood": 10_000,
        "imagenet200": 200 * 45,
        "imagenet200-v2": 200 * 10,
        "imagenet200-c": 2_000,
        "imagenet200-r": 30_000,
        "cifar10-openood": 9_000,
        "cifar10-c": 10_000,
        "CIFAR-100-cifar10": 9_000,
        "TinyImageNet-cifar10": 7_793,
        "Places365-cifar10": 35_195,
        "TinyImageNet-cifar10-val": 1_000,
        "cifar100-openood": 9_000,
        "CIFAR-10-cifar100": 10_000,
        "TinyImageNet-cifar100": 6_526,
        "Places365-cifar100": 33_773,
        "TinyImageNet-cifar100-val": 972,
        "MNIST": 60_000 + 10_000,
        "SVHN": 26_032,
        "cifar10": 10_000,
        "cifar100": 10_000,
        "TinyImageNet": 10_000,
    }


def test_a_set_that_is_a_list_alone_is_not_found_by_a_folder() -> None:
    assert KNOWN_SETS["TinyImageNet-cifar10"].folders == ()
    assert KNOWN_SETS["TinyImageNet"].image_lists == ()


@pytest.mark.parametrize(
    ("name", "image", "label"),
    [
        ("cifar10", "images_classic/cifar10/test/dog/0001.png", "dog"),
        ("cifar100", "cifar100/test/maple_tree/0001.png", "maple_tree"),
    ],
)
def test_cifars_test_images_are_labelled_by_their_folders(
    tmp_path: Path, name: str, image: str, label: str
) -> None:
    (tmp_path / image).parent.mkdir(parents=True)
    Image.new("RGB", (2, 2)).save(tmp_path / image)
    assert [*datasets.list_images(datasets.find(name, tmp_path)).images.label_names] == [label]

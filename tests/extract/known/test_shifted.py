"""Claims about ImageNet's variants: where they are found, and the labels of their layouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.extract.known.shifted import SHIFTED
from oodcache.extract.sources import datasets

FISH, SHARK = "n01440764", "n01484850"  # ImageNet's classes 0 and 2.
# Name, and two images as the dataset's own archive has them: one of class 0, one of class 2.
LAYOUTS = [
    ("imagenet-v2", "imagenetv2-matched-frequency-format-val", "0/a.jpeg", "2/b.jpeg"),
    ("imagenet-v2", "images_largescale/imagenet_v2", "0/a.jpeg", "2/b.jpeg"),
    ("imagenet-r", "imagenet-r", f"{FISH}/art_0.jpg", f"{SHARK}/toy_1.jpg"),
    ("imagenet-r", "images_largescale/imagenet_r", f"{FISH}/art_0.jpg", f"{SHARK}/toy_1.jpg"),
    ("imagenet-a", "imagenet-a", f"{FISH}/0.1_bass.jpg", f"{SHARK}/0.2_boat.jpg"),
    ("imagenet-sketch", "sketch", f"{FISH}/sketch_0.JPEG", f"{SHARK}/sketch_1.JPEG"),
    ("imagenet-c", "imagenet-c", f"fog/1/{FISH}/1.JPEG", f"snow/5/{SHARK}/2.JPEG"),
    ("imagenet-c-fog-1", "ImageNet-C/fog/1", f"{FISH}/1.JPEG", f"{SHARK}/2.JPEG"),
    ("imagenet-es", "imagenet-es", f"l1/param_1/{FISH}/1.JPEG", f"l5/param_2/{SHARK}/2.JPEG"),
]


@pytest.mark.parametrize(("name", "folder", "first", "second"), LAYOUTS)
def test_a_variant_of_imagenet_is_found_in_its_own_layout_with_wordnet_ids_as_labels(
    tmp_path: Path, name: str, folder: str, first: str, second: str
) -> None:
    for image in (first, second):
        (tmp_path / folder / image).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / image).write_bytes(b"x")
    found = datasets.list_images(datasets.find(name, tmp_path))
    by_path = {
        path.decode(): found.images.label_names[label]
        for path, label in zip(found.images.paths, found.images.labels, strict=True)
    }
    assert by_path == {first: FISH, second: SHARK}
    assert not found.numbered and found.source.group is None


def test_counts_are_the_published_ones_and_others_are_not_known() -> None:
    assert {name: known.images for name, known in SHIFTED.items()} == {
        "imagenet-v2": 10_000,
        "imagenet-r": 30_000,
        "imagenet-a": 7_500,
        "imagenet-sketch": 50_889,
        "imagenet-es": None,
        "imagenet-c": None,
    }

"""Claims about labels from folders: WordNet ids at any depth, and class numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.sources import datasets
from oodcache.extract.sources.listing import ImageListing


def listing(root: Path, name: str, *paths: str) -> ImageListing:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return datasets.list_images(datasets.find(name, root))


def test_folders_of_wordnet_ids_keep_the_fingerprint_of_any_folder(tmp_path: Path) -> None:
    found = listing(tmp_path, "imagenet-r", "imagenet-r/n01443537/a.jpg")
    plain = datasets.list_images(datasets.find(f"x={tmp_path}/imagenet-r", tmp_path))
    assert found.fingerprint == plain.fingerprint


def test_labels_that_are_not_the_first_folders_are_in_the_fingerprint(tmp_path: Path) -> None:
    found = listing(tmp_path, "imagenet-c", "imagenet-c/fog/1/n01443537/a.JPEG")
    plain = datasets.list_images(datasets.find(f"x={tmp_path}/imagenet-c", tmp_path))
    assert found.fingerprint != plain.fingerprint
    assert [*plain.images.label_names] == ["fog"]


def test_an_image_below_no_wordnet_id_has_no_label(tmp_path: Path) -> None:
    images = ("imagenet-c/fog/1/a.JPEG", "imagenet-c/x/n01443537/b.png")
    found = listing(tmp_path, "imagenet-c", *images)
    assert found.images.labels.tolist() == [-1, 0]


def test_class_numbers_are_read_as_numbers_not_in_the_order_of_their_text(tmp_path: Path) -> None:
    top = "imagenetv2-matched-frequency-format-val"
    found = listing(tmp_path, "imagenet-v2", f"{top}/10/a.jpeg", f"{top}/9/b.jpeg")
    labels = [found.images.label_names[label] for label in found.images.labels]
    assert labels == ["n01530575", "n01518878"]  # Brambling is class 10, ostrich class 9.


def test_a_folder_that_is_no_class_number_is_refused_with_its_name(tmp_path: Path) -> None:
    top = "imagenetv2-matched-frequency-format-val"
    with pytest.raises(InputError, match=r"folder '1000' is not a class number from 0 to 999"):
        listing(tmp_path, "imagenet-v2", f"{top}/1000/a.jpeg")


def test_numbered_folders_that_someone_renamed_to_wordnet_ids_are_read_as_those(
    tmp_path: Path,
) -> None:
    top = "imagenetv2-matched-frequency-format-val"
    found = listing(tmp_path, "imagenet-v2", f"{top}/n01443537/a.jpeg")
    assert [*found.images.label_names] == ["n01443537"]

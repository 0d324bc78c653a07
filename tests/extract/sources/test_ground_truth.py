"""Claims about ImageNet's validation images in one flat folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.sources import datasets, ground_truth
from oodcache.extract.sources.listing import ImageListing, ImageSource
from oodcache.extract.texts import imagenet

NUMBERS = (3, 1, 60)
IDS = imagenet.ids()
# A class of each image, in no order of its number; and the devkit's own numbers for the classes.
TRUTH = [IDS[(7 * number) % 1000] for number in range(1, 61)]
ORDER = np.random.default_rng(0).permutation(1000).tolist()
DEVKIT = {IDS[place]: number for number, place in enumerate(ORDER, 1)}
EXPECTED = {number: TRUTH[number - 1] for number in NUMBERS}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A flat folder with three of 60 images."""
    monkeypatch.setattr(ground_truth, "IMAGES", 60)
    root = tmp_path / "imagenet" / "val"
    root.mkdir(parents=True)
    for number in NUMBERS:
        (root / f"ILSVRC2012_val_{number:08d}.JPEG").write_bytes(b"x")
    return root


def listed(root: Path, **source: Any) -> ImageListing:
    return datasets.list_images(ImageSource("imagenet-val", root, **source))


def ids(listing: ImageListing) -> dict[int, str]:
    """Return each image's label by its number."""
    names, labels = listing.images.label_names, listing.images.labels.tolist()
    pairs = zip(listing.images.paths, labels, strict=True)
    return {int(path[15:23]): names[label] for path, label in pairs}


def write_truth(folder: Path, name: str) -> None:
    rows = [f"ILSVRC2012_val_{at:08d},{one} 85 1 9 2 " for at, one in enumerate(TRUTH, 1)]
    lines = {
        "LOC_val_solution.csv": ["ImageId,PredictionString", *reversed(rows)],
        "imagenet_2012_validation_synset_labels.txt": TRUTH,
        "ILSVRC2012_validation_ground_truth.txt": [str(DEVKIT[one]) for one in TRUTH],
        "map_clsloc.txt": [f"{one} {number} x_y" for one, number in DEVKIT.items()],
    }[name]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("LOC_val_solution.csv", ".."),
        ("LOC_val_solution.csv", "../.."),
        ("imagenet_2012_validation_synset_labels.txt", "."),
    ],
)
def test_ids_beside_a_flat_folder_are_its_labels(root: Path, name: str, beside: str) -> None:
    write_truth(root / beside, name)
    listing = listed(root)
    assert ids(listing) == EXPECTED
    assert any(note.startswith("labels from ") for note in listing.notes)


def test_numbers_of_the_devkit_are_looked_up_in_its_own_table(root: Path) -> None:
    devkit = root.parent / "ILSVRC2012_devkit_t12" / "data"
    write_truth(devkit, "ILSVRC2012_validation_ground_truth.txt")
    assert not listed(root).images.label_names  # Without a table the numbers mean nothing.
    write_truth(devkit, "map_clsloc.txt")
    assert ids(listed(root)) == EXPECTED


@pytest.mark.slow  # SciPy's reader takes a second to import.
def test_the_devkits_table_in_matlabs_format_is_read(root: Path) -> None:
    from scipy.io import savemat

    rows = [(number, one, 0) for one, number in DEVKIT.items()] + [(1001, "n00001740", 3)]
    fields = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("num_children", "O")]
    devkit = root.parent
    savemat(devkit / "meta.mat", {"synsets": np.array(rows, fields).reshape(-1, 1)})
    write_truth(devkit, "ILSVRC2012_validation_ground_truth.txt")
    assert ids(listed(root)) == EXPECTED
    (devkit / "meta.mat").write_bytes(b"x" * 200)
    with pytest.raises(InputError, match=r"meta\.mat: is not the devkit's table of synsets"):
        listed(root)


@pytest.mark.parametrize(
    ("lines", "words"),
    [(["n01440764"], "has 1 classes; expected one for each of 60"), (["x"] * 60, "'x' is")],
)
def test_a_damaged_file_of_classes_is_rejected(root: Path, lines: list[str], words: str) -> None:
    (root.parent / "imagenet_2012_validation_synset_labels.txt").write_text("\n".join(lines))
    with pytest.raises(InputError, match=words):
        listed(root)


def test_a_flat_folder_without_classes_has_a_note_with_what_to_do(root: Path) -> None:
    listing = listed(root)
    assert not listing.images.label_names
    assert listing.notes == (f"no image has a label: {ground_truth.advice(root)}",)
    assert f"cd {root} && wget" in listing.notes[0]


def test_other_folders_are_left_as_they_are(root: Path) -> None:
    (root / "other.jpg").write_bytes(b"x")
    assert listed(root).notes == ()
    (root / "cat").mkdir()
    (root / "cat" / "a.jpg").write_bytes(b"x")
    assert listed(root, expected=60).images.label_names == ["cat"]


def test_labels_make_another_dataset(root: Path) -> None:
    before = listed(root).fingerprint
    write_truth(root, "imagenet_2012_validation_synset_labels.txt")
    assert listed(root).fingerprint != before

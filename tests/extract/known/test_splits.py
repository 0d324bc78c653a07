"""Claims about the test sets of fine-grained datasets, in the layouts of their archives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from oodcache.cache.errors import InputError
from oodcache.extract.sources import datasets
from oodcache.extract.texts import vocabularies


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def cub(root: Path) -> None:
    images = ["001.Black_footed_Albatross/A_1.jpg", "001.Black_footed_Albatross/A_2.jpg"]
    images += ["002.Laysan_Albatross/L_1.jpg", "002.Laysan_Albatross/L_2.jpg"]
    for image in images:
        write(root / "CUB_200_2011/images" / image, "x")
    numbered = [f"{number} {image}\n" for number, image in enumerate(images, 1)]
    write(root / "CUB_200_2011/images.txt", "".join(numbered))
    write(root / "CUB_200_2011/train_test_split.txt", "1 0\n2 1\n3 1\n4 0\n")


def food(root: Path) -> None:
    for image in ("apple_pie/1.jpg", "apple_pie/2.jpg", "waffles/3.jpg"):
        write(root / "food-101/images" / image, "x")
    write(root / "food-101/meta/test.txt", "waffles/3\napple_pie/1\n")


def pets(root: Path) -> None:
    for image in ("Abyssinian_1", "great_pyrenees_12", "great_pyrenees_13"):
        write(root / f"oxford-iiit-pet/images/{image}.jpg", "x")
    lines = "Abyssinian_1 1 1 1\ngreat_pyrenees_12 2 2 1\n"
    write(root / "oxford-iiit-pet/annotations/test.txt", lines)


def cars(root: Path) -> None:
    top = root / "stanford_cars"
    for image in ("cars_test/00001.jpg", "cars_test/00002.jpg", "cars_train/00001.jpg"):
        write(top / image, "x")
    (top / "devkit").mkdir()
    rows = np.array([("00001.jpg", 2), ("00002.jpg", 1)], [("fname", "O"), ("class", "u1")])
    savemat(top / "cars_test_annos_withlabels.mat", {"annotations": rows})
    names = np.array(["AM General Hummer SUV 2000", "Acura TL Sedan 2012"], object)
    savemat(top / "devkit/cars_meta.mat", {"class_names": names})


SETS = [
    (
        *("cub200", cub, "CUB_200_2011", "train_test_split.txt"),
        {
            "images/001.Black_footed_Albatross/A_1.jpg": "001.Black_footed_Albatross",
            "images/002.Laysan_Albatross/L_2.jpg": "002.Laysan_Albatross",
        },
        ("Black footed Albatross", "Laysan Albatross"),
    ),
    (
        *("food101", food, "food-101", "meta/test.txt"),
        {"images/waffles/3.jpg": "waffles", "images/apple_pie/1.jpg": "apple_pie"},
        ("apple pie", "waffles"),
    ),
    (
        *("oxford-pet", pets, "oxford-iiit-pet", "annotations/test.txt"),
        {"images/Abyssinian_1.jpg": "Abyssinian", "images/great_pyrenees_12.jpg": "great_pyrenees"},
        ("Abyssinian", "great pyrenees"),
    ),
    (
        *("stanford-cars", cars, "stanford_cars", "cars_test_annos_withlabels.mat"),
        {
            "cars_test/00001.jpg": "Acura TL Sedan 2012",
            "cars_test/00002.jpg": "AM General Hummer SUV 2000",
        },
        ("AM General Hummer SUV 2000", "Acura TL Sedan 2012"),
    ),
]


@pytest.mark.parametrize(("name", "lay_out", "folder", "split", "wanted", "spoken"), SETS)
def test_the_test_images_of_a_dataset_are_those_of_its_own_file_with_its_classes(
    tmp_path: Path, name, lay_out, folder: str, split: str, wanted, spoken
) -> None:
    lay_out(tmp_path)
    source = datasets.find(name, tmp_path)
    assert source.root == tmp_path / folder / split
    found = datasets.list_images(source)
    assert found.contents.root == tmp_path / folder
    labels = [found.images.label_names[label] for label in found.images.labels.tolist()]
    paths = [path.decode() for path in found.images.paths]
    assert list(zip(paths, labels, strict=True)) == list(wanted.items())
    vocabulary = vocabularies.find(name, [], data_root=tmp_path)[1]
    assert vocabulary.names == spoken
    assert {*wanted.values()} <= {*(vocabulary.ids if any(vocabulary.ids) else spoken)}


def test_a_line_of_another_form_is_refused_with_its_number(tmp_path: Path) -> None:
    cub(tmp_path)
    write(tmp_path / "CUB_200_2011/train_test_split.txt", "1 0\n2\n")
    with pytest.raises(InputError, match=r"split.txt: line 2: '2' has 1 fields; expected 2"):
        datasets.list_images(datasets.find("cub200", tmp_path))


def test_cars_without_the_names_of_their_classes_say_which_file_is_missing(tmp_path: Path) -> None:
    cars(tmp_path)
    (tmp_path / "stanford_cars/devkit/cars_meta.mat").unlink()
    with pytest.raises(InputError, match=r"devkit/cars_meta.mat with the class names is not below"):
        datasets.list_images(datasets.find("stanford-cars", tmp_path))


def test_a_damaged_table_of_cars_is_refused(tmp_path: Path) -> None:
    cars(tmp_path)
    table = tmp_path / "stanford_cars/cars_test_annos_withlabels.mat"
    savemat(table, {"annotations": np.arange(3)})
    with pytest.raises(InputError, match=r"withlabels.mat: is not the table of test images"):
        datasets.list_images(datasets.find("stanford-cars", tmp_path))
    table.write_bytes(b"x")
    with pytest.raises(InputError, match=r"withlabels.mat: has no table 'annotations' in MATLAB's"):
        datasets.list_images(datasets.find("stanford-cars", tmp_path))


def test_a_dataset_without_its_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "food-101/images").mkdir(parents=True)
    with pytest.raises(InputError, match=r"looked for MOS/food-101/meta/test.txt, "):
        datasets.find("food101", tmp_path)


def test_class_lists_of_fine_grained_datasets_need_their_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="contains no cub200"):
        vocabularies.find("cub200", [], data_root=tmp_path)

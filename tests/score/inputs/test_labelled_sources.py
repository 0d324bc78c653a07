"""Claims about accuracy from images to the table: whose class an image is, whatever it comes in."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from samples import write_image
from samples.extract.runs import extract
from samples.extract.tars import write_tar

from oodcache.cache.files.images import open_images
from oodcache.cache.files.texts import open_texts
from oodcache.cache.watch import Watch
from oodcache.extract.sources.listing import Options
from oodcache.score.evaluation import evaluate
from oodcache.score.inputs.question import Question
from oodcache.score.onepass.variants import parse_all

# Of the vocabulary, in its order, which is no order of the alphabet; 'n4' has no image.
IDS = ("n3", "n1", "n9", "n4", "n2")
NAMES = ("cat", "dog", "crane", "cat bird", "crane")
# Of each class so many images that no two shares are alike; 'n7' is no class.
COUNTS = {"n2": 1, "n1": 2, "n3": 4, "n9": 8, "n7": 3}
IMAGES = [f"{one}/{row}.png" for one in sorted(COUNTS) for row in range(COUNTS[one])]

Make = Callable[[Path, Callable[[str], str]], str]


def wnid(name: str) -> str:
    return name.split("/")[0]


def number(name: str) -> str:
    """Return the class number of an image; one beyond the vocabulary for that of no class."""
    return str(IDS.index(wnid(name))) if wnid(name) in IDS else "5"


def as_folder(root: Path, label: Callable[[str], str]) -> str:
    return f"inside={root}"


def as_table(root: Path, label: Callable[[str], str]) -> str:
    with (root.parent / "x.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "label"], *([name, label(name)] for name in IMAGES)])
    return f"inside={root.parent / 'x.csv'}"


def as_list(root: Path, label: Callable[[str], str]) -> str:
    lines = [f"{name} {label(name)}\n" for name in IMAGES]
    (root.parent / "x.txt").write_text("".join(lines))
    return f"inside={root.parent / 'x.txt'}"


def as_tar(root: Path, label: Callable[[str], str]) -> str:
    files: list[tuple[str, bytes | str]] = []
    for name in IMAGES:
        files += [(name.replace(".png", ".cls"), label(name)), (name, (root / name).read_bytes())]
    return f"inside={write_tar(root.parent / 'x.tar', *files)}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for row, name in enumerate(IMAGES):
        write_image(tmp_path / "images" / name, row)
    for row in range(4):
        write_image(tmp_path / "outside" / f"{row}.png", 100 + row)
    lines = [f"{one}\t{name}\n" for one, name in zip(IDS, NAMES, strict=True)]
    (tmp_path / "classes.txt").write_text("".join(lines))
    return tmp_path / "images"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "label", "unknown"),
    [
        (as_folder, wnid, "labels n7"),
        (as_table, wnid, "labels n7"),
        (as_tar, wnid, "labels n7"),
        (as_list, number, "class numbers 5"),
        (as_table, number, "class numbers 5"),
        (as_tar, number, "class numbers 5"),
    ],
)
def test_an_image_is_of_the_class_with_its_id_or_its_number(
    tmp_path: Path, root: Path, make: Make, label: Callable[[str], str], unknown: str
) -> None:
    options = Options() if make in (as_folder, as_tar) else Options(image_root=root)
    texts, inside, _ = extract(
        tmp_path,
        classes=f"five={tmp_path / 'classes.txt'}",
        sources=[make(root, label), f"outside={tmp_path / 'outside'}"],
        options=options,
    )
    said: list[str] = []
    question = Question(
        *(tmp_path / "embeddings", ["tiny-clip"], "inside", ["outside"]),
        classes="five",
        variants=parse_all(["mcm"]),
    )
    (found,) = evaluate(question, Watch(said.append)).results
    images = open_images(inside)
    cosine = np.concatenate(list(images.blocks())) @ open_texts(texts).embeddings[0].T
    nearest = [IDS[place] for place in cosine.argmax(axis=1)]
    own = [wnid(path.decode()) for path in images.paths()]
    right = [one == other for one, other in zip(nearest, own, strict=True) if other in IDS]
    assert found.id_accuracy == np.mean(right)
    assert 0 < found.id_accuracy < 1
    assert len(set(Counter(own).values())) == len(COUNTS)
    equal, unlabelled = said
    assert equal == (
        "classes five: 2 of 5 classes have the same vector as another, such as n9 ('crane') and n2 "
        "('crane'): they cannot be told apart"
    )
    assert unlabelled == (
        f"inside: 3 of 18 images have no label among the classes of five ({unknown}); they count "
        "as ID, but not in the accuracy"
    )

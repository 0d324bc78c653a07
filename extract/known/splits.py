"""Test sets as the files of fine-grained datasets list them: CUB, Stanford Cars, Food-101, Pets.

Each reader takes the file that selects the test images and returns (path, class name) of each, in
its order; paths are relative to the dataset's own folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.text import read_lines
from oodcache.extract.sources.listed_images import Entries, list_entries
from oodcache.extract.sources.listing import ImageListing, ImageSource

Pairs = Sequence[tuple[str, str]]
FORM = "split"
CUB, CARS = "train_test_split.txt", "cars_test_annos_withlabels.mat"
FOOD, PETS = "meta/test.txt", "annotations/test.txt"
META = ("devkit/cars_meta.mat", "cars_meta.mat")


def list_split(source: ImageSource) -> ImageListing:
    """Return the test images of a dataset by its own file, with class names as labels.

    Raises InputError, with the line, for a file that is not as its dataset has it.
    """
    read = next(read for name, read in READERS.items() if source.root.match(name))
    pairs = read(source.root)
    paths = [path.encode() for path, _ in pairs]
    lines = range(1, len(pairs) + 1)
    return list_entries(source, Entries(paths, [label for _, label in pairs], lines, "image"))


def _cub(path: Path) -> Pairs:
    """Read which images of images.txt, by their number, are no training images."""
    held = {number for number, is_training in _fields(path, 2) if is_training == "0"}
    found = _fields(path.with_name("images.txt"), 2)
    return [(f"images/{image}", image.split("/")[0]) for number, image in found if number in held]


def _food(path: Path) -> Pairs:
    found = [image for (image,) in _fields(path, 1)]
    return [(f"images/{image}.jpg", image.split("/")[0]) for image in found]


def _pets(path: Path) -> Pairs:
    """Read names such as great_pyrenees_12: the breed, and a number."""
    found = [image for image, *_ in _fields(path, 4)]
    return [(f"images/{image}.jpg", image.rpartition("_")[0]) for image in found]


def _cars(path: Path) -> Pairs:
    """Read MATLAB's table of file names and class numbers from 1, and that of class names."""
    meta = next((path.parent / one for one in META if (path.parent / one).is_file()), None)
    if meta is None:
        raise InputError(f"{path}: {META[0]} with the class names is not below {path.parent}")
    names = _of_matlab(meta, "class_names").tolist()
    rows = _of_matlab(path, "annotations")
    try:
        pairs = zip(rows["fname"].tolist(), rows["class"].tolist(), strict=True)
        return [(f"cars_test/{image}", str(names[int(number) - 1])) for image, number in pairs]
    except (IndexError, KeyError, ValueError, TypeError):
        raise InputError(
            f"{path}: is not the table of test images with labels of Stanford Cars"
        ) from None


def _of_matlab(path: Path, name: str) -> Any:
    from scipy.io import loadmat

    try:
        return loadmat(path, squeeze_me=True, variable_names=[name])[name]
    except Exception:  # SciPy has no common exception for damaged files.
        raise InputError(f"{path}: has no table {name!r} in MATLAB's format") from None


def _fields(path: Path, count: int) -> Iterator[Sequence[str]]:
    for number, line in enumerate(read_lines(path), 1):
        fields = line.split()
        if fields and len(fields) != count:
            raise InputError(
                f"{path}: line {number}: {line[:60]!r} has {len(fields)} fields; expected {count}"
            )
        if fields:
            yield fields


READERS: dict[str, Callable[[Path], Pairs]] = {CUB: _cub, CARS: _cars, FOOD: _food, PETS: _pets}

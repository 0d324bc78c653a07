"""The classes of ImageNet's validation images in one flat folder, from a file that comes with them.

The devkit numbers classes by ILSVRC2012_ID, which is not the order of the WordNet ids: without the
table beside it (`meta.mat`, `map_clsloc.txt`) its numbers are not used.
"""

from __future__ import annotations

import csv
import hashlib
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageRows
from oodcache.cache.text import read_lines
from oodcache.extract.sources.listing import ImageListing
from oodcache.extract.texts import imagenet

PICTURE = re.compile(rb"ILSVRC2012_val_([0-9]{8})\.jpe?g", re.IGNORECASE)
IMAGES, CLASSES = 50_000, 1000
PARENTS = 4  # Kaggle's images are four folders below its table.
INSIDE = ("", "ILSVRC2012_devkit_t12/data", "devkit/data")
GROUND_TRUTH = "ILSVRC2012_validation_ground_truth.txt"
SCRIPT = "https://raw.githubusercontent.com/soumith/imagenetloader.torch/master/valprep.sh"
Truth = Callable[[Path], Sequence[str]]


def labelled(listing: ImageListing) -> ImageListing:
    """Return a flat listing of the validation images with WordNet ids as labels, if they are known.

    Any other listing is returned unchanged; one of ImageNet without any label gets a note. Raises
    InputError if the file with the classes is damaged.
    """
    source, paths = listing.source, listing.images.paths
    if source.form != "folder" or len(listing.images.label_names):
        return listing
    numbers = [int(match[1]) for path in paths if (match := PICTURE.fullmatch(path))]
    is_whole = len(numbers) == len(paths) and all(1 <= one <= IMAGES for one in numbers)
    if is_whole and (path := _found(source.root)) is not None:
        truth = TRUTHS[path.name](path)
        return _with_ids(listing, [truth[number - 1] for number in numbers], path)
    if is_whole or source.expected == IMAGES:
        missing = f"no image has a label: {advice(source.root)}"
        return replace(listing, notes=(*listing.notes, missing))
    return listing


def advice(root: Path) -> str:
    """Return how to give labels to a flat folder of ImageNet's validation images."""
    return (
        f"{root.name}/n01440764/ and so on are expected. Put LOC_val_solution.csv, or the devkit's "
        f"{GROUND_TRUTH} and meta.mat, into {root.parent}; or sort the images:  cd "
        f"{shlex.quote(str(root))} && wget -qO- {SCRIPT} | bash"
    )


def _found(root: Path) -> Path | None:
    """Return the first file with classes in the folder, above it, or in a devkit there."""
    above = root.absolute()
    for folder in (above, *list(above.parents)[:PARENTS]):
        for inside in INSIDE:
            for name in TRUTHS:
                path = folder / inside / name
                if path.is_file() and (name != GROUND_TRUTH or _table(path.parent)):
                    return path
    return None


def _with_ids(listing: ImageListing, ids: Sequence[str], path: Path) -> ImageListing:
    if unknown := set(ids) - set(imagenet.ids()):
        raise InputError(f"{path}: {min(unknown)[:40]!r} is not a class of ImageNet")
    names = sorted(set(ids))
    places = {name: place for place, name in enumerate(names)}
    images = ImageRows(listing.images.paths, np.array([places[one] for one in ids]), names)
    digest = hashlib.sha256(f"labels\0{listing.fingerprint}\0{' '.join(ids)}".encode())
    return replace(
        listing,
        images=images,
        fingerprint=digest.hexdigest(),
        notes=(*listing.notes, f"labels from {path}"),
    )


def _of_kaggle(path: Path) -> list[str]:
    """Read ImageId and PredictionString: a WordNet id, then boxes."""
    rows = [row for row in csv.reader(read_lines(path)) if len(row) == 2]
    by_number = {
        int(match[1]): box.split(" ")[0]
        for name, box in rows
        if (match := PICTURE.fullmatch(f"{name}.JPEG".encode()))
    }
    return _checked(path, [by_number.get(number, "") for number in range(1, IMAGES + 1)])


def _of_tensorflow(path: Path) -> list[str]:
    return _checked(path, read_lines(path))


def _of_devkit(path: Path) -> list[str]:
    """Read numbers from 1 to 1,000, whose WordNet ids are in the table beside them."""
    table = _table(path.parent)
    assert table is not None, "looked for before"
    by_number = (_meta if table.suffix == ".mat" else _map)(table)
    if not {*by_number} >= {*range(1, CLASSES + 1)}:
        raise InputError(f"{table}: has no WordNet id for each class number from 1 to {CLASSES:,}")
    lines = read_lines(path)
    return _checked(path, [by_number.get(int(one) if one.isdecimal() else 0, "") for one in lines])


def _checked(path: Path, ids: Sequence[str]) -> list[str]:
    bad = next((row for row, one in enumerate(ids, 1) if not one), None)
    if len(ids) != IMAGES or bad is not None:
        what = f"image {bad:,} has no class" if bad else f"has {len(ids):,} classes"
        raise InputError(f"{path}: {what}; expected one for each of {IMAGES:,} images")
    return list(ids)


def _table(folder: Path) -> Path | None:
    paths = (folder / name for name in ("meta.mat", "map_clsloc.txt"))
    return next((path for path in paths if path.is_file()), None)


def _map(path: Path) -> Mapping[int, str]:
    """Return the WordNet ids by number from lines such as `n02119789 1 kit_fox`."""
    rows = [line.split(" ") for line in read_lines(path)]
    return {int(row[1]): row[0] for row in rows if len(row) == 3 and row[1].isdecimal()}


def _meta(path: Path) -> Mapping[int, str]:
    """Return the WordNet ids by ILSVRC2012_ID from the devkit's table in MATLAB's format."""
    from scipy.io import loadmat

    try:
        synsets = loadmat(path, squeeze_me=True, variable_names=["synsets"])["synsets"]
        pairs = zip(synsets["ILSVRC2012_ID"].tolist(), synsets["WNID"].tolist(), strict=True)
        return {int(number): str(one) for number, one in pairs}
    except Exception:  # SciPy has no common exception for damaged files.
        raise InputError(f"{path}: is not the devkit's table of synsets") from None


TRUTHS: dict[str, Truth] = {
    "LOC_val_solution.csv": _of_kaggle,
    "imagenet_2012_validation_synset_labels.txt": _of_tensorflow,
    GROUND_TRUTH: _of_devkit,
}

"""Kinds of images that Python code may have: which one a value is, or why it is none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import memory
from oodcache.cache.text import listed
from oodcache.extract.memory import hugging_face
from oodcache.extract.memory.hugging_face import ColumnNames
from oodcache.extract.memory.in_memory import Indexed, add, place
from oodcache.extract.memory.pictures import NOT_TRANSFORMED, as_file, is_picture
from oodcache.extract.memory.row_labels import RowNotes
from oodcache.extract.memory.tally import Element, Tally, file_name

WANTED = (
    "expected a folder, a list of paths, PIL images or uint8 arrays, a torch or Hugging Face "
    "dataset, or an iterator"
)


@dataclass(frozen=True)
class Paths:
    """A list of files."""

    paths: Sequence[Any]


@dataclass(frozen=True)
class Streamed:
    """Images that come once, one after another; their number is not known."""

    samples: Iterator[Callable[[], Element]]
    label_names: Sequence[str] | None = None


Kind = str | Paths | Indexed | Streamed


def kind_of(images: Any, columns: ColumnNames) -> Kind:
    """Return what `images` are; raise InputError, with the place, for what can be no images."""
    if isinstance(images, (str, os.PathLike)):
        return os.fspath(images)
    if (names := hugging_face.splits(images)) is not None:
        raise InputError(f"images has the splits {listed(names)}: give images[{names[0]!r}]")
    if hugging_face.is_table(images):
        return _of_table(images, columns)
    if columns != ColumnNames():
        raise InputError("image_column and label_column are for Hugging Face datasets")
    if hasattr(images, "columns"):
        raise InputError(f"images is a {_type(images)}: give its column of paths, images['path']")
    if isinstance(images, np.ndarray):
        return _of_array(images)
    if memory.is_tensor(images):
        return _of_pixels(images, tuple(images.shape))
    if is_picture(images):
        raise InputError("images is one image: give a list of images, such as [image]")
    if isinstance(images, (Mapping, bytes, set, frozenset)):
        raise InputError(f"images is {_type(images)}: {WANTED}")
    if hasattr(images, "batch_sampler"):
        raise InputError("images is a DataLoader, which gives batches: give loader.dataset")
    return _of_collection(images)


def files(images: Any) -> Iterator[Callable[[], bytes]]:
    """Yield a function for each image of a dataset: it returns a file, or raises why there is none.

    Raises InputError, with the place, if the dataset or its first element is none of images.
    """
    found = kind_of(images, ColumnNames())
    samples: Iterator[Callable[[], Element]]
    if isinstance(found, Indexed):
        samples = (partial(found.sample, row) for row in range(found.count))
    else:
        assert isinstance(found, Streamed)
        samples = found.samples
    for row, sample in enumerate(samples):
        if row == 0:
            add(Tally(RowNotes()), sample, row)
        yield partial(_file, sample, row)


def _file(sample: Callable[[], Element], row: int) -> bytes:
    """Return an image's file; an element that is no image is a bad one among others."""
    try:
        return as_file(sample().image, place(row)).content
    except InputError as error:
        raise ValueError(str(error)) from None


def _of_collection(images: Any) -> Kind:
    if hasattr(images, "tolist"):  # A pandas column, whose own numbers are not places.
        images = images.tolist()
    if hasattr(images, "__len__"):
        if not len(images):
            raise InputError(f"images is empty: {WANTED}")
        if not hasattr(images, "__getitem__"):
            images = list(images)
        return _of_list(images) if isinstance(images, (list, tuple)) else _of_dataset(images)
    if not hasattr(images, "__iter__"):
        raise InputError(f"images is {_type(images)}: {WANTED}")
    return _of_iterator(iter(images))


def _of_table(images: Any, columns: ColumnNames) -> Kind:
    if hasattr(images, "__len__"):
        if not len(images):
            raise InputError("images is a dataset without rows")
        return hugging_face.indexed(images, columns)
    table = hugging_face.opened(images, columns)
    return Streamed(_each(table.rows, table.sample), table.label_names)


def _of_array(images: Any) -> Kind:
    if images.dtype.kind in "OUS":
        return _of_list(images.ravel().tolist())
    shape = images.shape
    if not len(images) if images.ndim else True:
        raise InputError(f"images is empty (shape {shape}): {WANTED}")
    return _of_pixels(images, shape)


def _of_pixels(images: Any, shape: tuple[int, ...]) -> Kind:
    """Return the images in one array or tensor."""
    dtype = str(images.dtype).removeprefix("torch.")
    if dtype != "uint8":
        raise InputError(f"images is {dtype}, not uint8 from 0 to 255: {NOT_TRANSFORMED}")
    if not memory.is_stack(shape, "images", is_tensor=memory.is_tensor(images)):
        raise InputError(f"images is one image (shape {shape}): give images[None]")
    return Indexed(len(images), lambda row: Element(images[row]))


def _of_list(images: Sequence[Any]) -> Kind:
    """Return a list's kind; all its elements must be of the kind of the first."""
    first = _element(images[0], 0)
    for row, one in enumerate(images):
        if (found := _element(one, row)) != first:
            raise InputError(
                f"{place(row)} is {found}, but {place(0)} is {first}: give images of one kind"
            )
    if first == "a path":
        return Paths(images)
    return Indexed(len(images), lambda row: _sample(images[row], row))


def _element(one: object, row: int) -> str:
    """Return the kind of a list's element, in words; raise InputError if it is no image."""
    if isinstance(one, (str, os.PathLike)):
        return "a path"
    if isinstance(one, tuple):
        return "a pair"
    if isinstance(one, np.ndarray):
        return "an array"
    if is_picture(one):
        return f"a {_type(one)}" if _type(one) == "Tensor" else "a PIL image"
    if isinstance(one, Mapping) and {"bytes", "path"} & one.keys():
        return "a file's bytes"
    what = "None" if one is None else _type(one)
    raise InputError(f"{place(row)} is {what}: expected a path, a PIL image or a uint8 array")


def _of_dataset(images: Any) -> Indexed:
    """Return a torch dataset: anything with a length and elements by number."""
    names = getattr(images, "classes", None)
    is_named = isinstance(names, (list, tuple)) and all(isinstance(one, str) for one in names)
    paths = _own_paths(images)

    def sample(row: int) -> Element:
        found = _sample(images[row], row)
        return Element(found.image, found.label, paths[row]) if paths else found

    return Indexed(len(images), sample, names if is_named else None)


def _own_paths(images: Any) -> list[str] | None:
    """Return the files of torchvision's datasets of files, None for others."""
    found = getattr(images, "samples", None)
    if not isinstance(found, list) or len(found) != len(images):
        return None
    paths = [file_name(one[0]) if isinstance(one, tuple) and one else None for one in found]
    return [path for path in paths if path] if all(paths) else None


def _of_iterator(images: Iterator[Any]) -> Kind:
    try:
        first = next(images)
    except StopIteration:
        raise InputError(f"images is an iterator that gives nothing: {WANTED}") from None
    if isinstance(first, (str, os.PathLike)):  # Names are small.
        return _of_list([first, *images])
    rows = enumerate(chain([first], images))
    return Streamed(_each(rows, lambda found: _sample(found[1], found[0])))


def _each(rows: Any, sample: Callable[[Any], Element]) -> Iterator[Callable[[], Element]]:
    """Yield a function per row, so that what a bad row raises is raised where rows are counted."""
    return (partial(sample, row) for row in rows)


def _sample(element: Any, row: int) -> Element:
    """Return the image, and the label if there is one, of a dataset's element."""
    if not isinstance(element, tuple):
        return Element(element)
    if len(element) != 2:
        raise InputError(f"{place(row)} is a tuple of {len(element)}: expected (image, label)")
    return Element(*element)


def _type(value: object) -> str:
    return type(value).__name__

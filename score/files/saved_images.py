"""The images of a --save-scores file: names and both forms of every score."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.delimited import DELIMITERS
from oodcache.cache.files.scores import ScoredImages
from oodcache.cache.files.scores import read_images as read_hdf5
from oodcache.score.files.reading import HDF5, read_saved_text


def read_images(path: Path) -> list[ScoredImages]:
    """Return every saved image, a part for each model, template and dataset.

    In text files, bytes that are not UTF-8 stay escaped as four characters. Raises InputError if
    the file is not as `writing.save` writes it.
    """
    if path.suffix.lower() in HDF5:
        return read_hdf5(path)
    if path.suffix.lower() not in DELIMITERS:
        raise InputError(f"{path}: not a file of oodcache score --save-scores")
    return [
        ScoredImages(
            *(str(one.model), str(one.template), str(one.data_set), one.scores),
            *(partial(_same, names) for names in one.names),
        )
        for one in read_saved_text(path)
    ]


def _same(values: Sequence[bytes]) -> Sequence[bytes]:
    return values

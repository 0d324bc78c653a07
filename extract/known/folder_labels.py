"""The labels of a known dataset whose folders name classes: WordNet ids at any depth, or numbers.

ImageNet-V2's folders are class numbers; ImageNet-C's classes are below corruptions and severities.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageRows
from oodcache.extract.known.known_set import NUMBERS
from oodcache.extract.sources.listing import ImageListing
from oodcache.extract.texts.imagenet import WORDNET_ID
from oodcache.extract.texts.mappings import NUMBER


def labelled(listing: ImageListing) -> ImageListing:
    """Return a folder's listing with class ids as labels, unchanged if it has them already.

    Raises InputError if folders are to be class numbers and one is none.
    """
    source = listing.source
    if source.form != "folder" or not source.labels:
        return listing
    own = [*listing.images.label_names]
    if own and all(map(WORDNET_ID.fullmatch, own)):
        return listing
    if source.labels == NUMBERS:
        return _with_ids(listing, _by_number(listing))
    return _with_ids(listing, [_innermost(path) for path in listing.images.paths])


def _by_number(listing: ImageListing) -> list[str]:
    """Return the id of each image's folder, a class number."""
    images, classes = listing.images, listing.source.classes
    for name in images.label_names:
        if not NUMBER.fullmatch(name) or int(name) >= len(classes):
            raise InputError(
                f"{listing.source.root}: folder {name[:60]!r} is not a class number from 0 to "
                f"{len(classes) - 1}; move it elsewhere"
            )
    ids = [*(classes[int(name)] for name in images.label_names), ""]
    return [ids[label] for label in images.labels.tolist()]


def _innermost(path: bytes) -> str:
    """Return the innermost folder that is a WordNet id, "" if there is none.

    >>> _innermost(b"fog/5/n01440764/ILSVRC2012_val_00000293.JPEG")
    'n01440764'
    """
    folders = os.fsdecode(path).split("/")[:-1]
    return next((one for one in reversed(folders) if WORDNET_ID.fullmatch(one)), "")


def _with_ids(listing: ImageListing, ids: Sequence[str]) -> ImageListing:
    names = sorted({*ids} - {""})
    places = {name: place for place, name in enumerate(names)}
    labels = np.array([places.get(one, -1) for one in ids], np.int64)
    digest = hashlib.sha256(f"labels\0{listing.fingerprint}\0{' '.join(ids)}".encode())
    images = ImageRows(listing.images.paths, labels, names)
    return replace(listing, images=images, fingerprint=digest.hexdigest())

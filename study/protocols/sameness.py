"""Sameness of what is cached and what a protocol points to, as `extract` compares them."""

from __future__ import annotations

from pathlib import Path

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.shards.shard_set import open_images, open_text_rows
from oodcache.cache.text import cut
from oodcache.cache.watch import Watch
from oodcache.extract.run.changes import changes, of_vocabulary
from oodcache.extract.sources import datasets
from oodcache.extract.sources.listing import ImageListing
from oodcache.extract.texts import vocabularies
from oodcache.study.protocols.lines import ProtocolRequest, is_there, scored
from oodcache.study.protocols.protocol import Protocol

INSTEAD = "replace it with oodcache extract --overwrite, use another name in {}, or another --cache"


def check_same(protocol: Protocol, wanted: ProtocolRequest, watch: Watch) -> None:
    """Raise InputError for a cached set or vocabulary that was made from something else.

    Sets and class names that are not below the data root cannot be compared: a note names them.
    """
    label = wanted.label
    if label is None:
        return
    every = scored(protocol, wanted)
    unknown = []
    with watch.progress("compare", len(every), "datasets") as advance:
        for name in every:
            path = names.image_path(wanted.cache, label, name)
            if path.exists() and not _is_same(protocol, name, path, wanted.data_root):
                unknown.append(name)
            advance(1)
    for typed in protocol.vocabularies:
        name, own, file = typed.partition("=")
        path = names.text_path(wanted.cache, label, name)
        if own and path.exists() and not _are_same(protocol, name, wanted.data_root / file, path):
            unknown.append(f"{name} (classes)")
    if unknown:
        watch.note(
            f"not below {wanted.data_root}, so taken from the cache as they are: "
            f"{cut(unknown, 6, ', ')}"
        )


def _is_same(protocol: Protocol, name: str, path: Path, data_root: Path) -> bool:
    """Return whether a cached set is that of the protocol; False if its images are not there."""
    if not is_there(protocol, name, data_root):
        return False
    cached = open_images(path)
    if cached.identity.is_imported:  # Another program has listed its images.
        return False
    try:
        listing = datasets.list_images(datasets.find(protocol.source(name, data_root), data_root))
    except InputError:  # Such as a list without its images.
        return False
    if cached.identity.source["fingerprint"] == listing.fingerprint:
        return True
    if not _is_whole(listing):
        return False
    differs = changes(listing, cached.rows, path)
    raise InputError(f"{path}: {differs}; {INSTEAD.format(protocol.name)}")


def _is_whole(listing: ImageListing) -> bool:
    return all(listing.contents.is_there(row) for row in range(listing.rows))


def _are_same(protocol: Protocol, name: str, file: Path, path: Path) -> bool:
    """Return whether cached class names are those of a file, False if it is not there."""
    if not file.exists():
        return False
    cached = open_text_rows(path).vocabulary
    _, found = vocabularies.find(f"{name}={file}", cached.templates)
    if (cached.names, cached.ids) != (found.names, found.ids):
        differs = f"inputs changed: {file} has other classes{of_vocabulary(cached, found)}"
        raise InputError(f"{path}: {differs}; {INSTEAD.format(protocol.name)}")
    return True

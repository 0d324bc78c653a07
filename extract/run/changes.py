"""Changes of a dataset or vocabulary since a file was made of it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.files.texts import Vocabulary, open_vocabulary
from oodcache.cache.text import counted, listed
from oodcache.extract.run.plan import MEMORY, Listing, TextListing


def changes(listing: Listing, rows: int, finished: Path | None) -> str:
    """Return how inputs differ from those of a file with `rows` rows, begun or `finished`."""
    is_one, count = rows == 1, counted(rows, listing.unit.removesuffix("s"))
    text = f"the cache has {count}, the source has {listing.rows:,}"
    if rows == listing.rows:
        text = f"still {count}, but {'another' if is_one else 'not the same'}"
    details = ""
    if finished is not None:
        with suppress(InputError):  # A damaged file is reported when it is read.
            details = _details(listing, finished)
    return f"inputs changed: {text}{details}"


def _details(listing: Listing, path: Path) -> str:
    if isinstance(listing, TextListing):
        return of_vocabulary(open_vocabulary(path), listing.vocabulary)
    cached = open_images(path)
    if list(cached.paths()) != list(listing.images.paths):
        return of_paths(cached.paths(), listing.images.paths)
    ours = (tuple(cached.label_names), np.asarray(cached.label).tolist())
    if ours != (tuple(listing.images.label_names), np.asarray(listing.images.labels).tolist()):
        return "; the paths are the same, but not the labels"
    if listing.source.form == MEMORY:
        return "; the pixels differ"
    return "; the paths and labels are the same, but the files have changed"


def of_vocabulary(cached: Vocabulary, typed: Vocabulary) -> str:
    """Return the first class name, id or template that differs, as `; …`, "" if none does.

    >>> of_vocabulary(Vocabulary(("a",), ("",), ("a {}",)), Vocabulary(("a",), ("",), ("the {}",)))
    "; the cache has template 'a {}', you gave 'the {}'"
    """
    for noun, ours, given in (
        ("class", cached.names, typed.names),
        ("class id", cached.ids, typed.ids),
        ("template", cached.templates, typed.templates),
    ):
        place = _first_difference(ours, given)
        if place < max(len(ours), len(given)):
            one, other = (
                listed([texts[place]]) if place < len(texts) else "none" for texts in (ours, given)
            )
            where = f" {place + 1}" if max(len(ours), len(given)) > 1 else ""
            return f"; the cache has {noun}{where} {one}, you gave {other}"
    return ""


def _first_difference(ours: Sequence[str], given: Sequence[str]) -> int:
    pairs = enumerate(zip(ours, given, strict=False))
    shorter = min(len(ours), len(given))
    return next((place for place, (one, other) in pairs if one != other), shorter)


def lost_templates(name: str, cached: Vocabulary, typed: Vocabulary) -> str:
    """Return that replacing a vocabulary of the same classes loses templates, "" if it does not."""
    lost = [one for one in cached.templates if one not in typed.templates]
    if not lost or (cached.names, cached.ids) != (typed.names, typed.ids):
        return ""
    return (
        f"{name}: --overwrite replaces the {counted(len(cached.templates), 'template')} in "
        f"the cache by {len(typed.templates)}, without {listed(lost)}; leave --overwrite out to "
        "keep them and add others"
    )


def of_paths(cached: Sequence[bytes], now: Sequence[bytes]) -> str:
    """Return the paths that are new or gone, as `; …`.

    >>> of_paths([b"a", b"b"], [b"b", b"c"])
    "; new: 'c'; gone: 'a'"
    """
    before, after = set(cached), set(now)
    new = [_name(path) for path in now if path not in before]
    gone = [_name(path) for path in cached if path not in after]
    parts = [f"; {word}: {listed(some)}" for word, some in (("new", new), ("gone", gone)) if some]
    return "".join(parts) or "; the paths are the same, but not their order"


def _name(path: bytes) -> str:
    return path.decode(errors="backslashreplace")

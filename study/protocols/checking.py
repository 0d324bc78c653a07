"""A protocol's images and class names, counted below a data root."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.text import counted, cut
from oodcache.cache.watch import Progress
from oodcache.extract.known import overview
from oodcache.extract.known.known_set import KnownSet
from oodcache.extract.known.overview import MISSING, UNSORTED, WRONG
from oodcache.extract.sources import datasets
from oodcache.extract.texts import vocabularies
from oodcache.study.protocols.lines import is_there
from oodcache.study.protocols.protocol import Protocol

ROLES = {"id": "ID", "select_on": "select on"}


def checked(protocol: Protocol, data_root: Path, *, progress: Progress) -> Iterator[str]:
    """Yield a line for each dataset and class list; raise InputError at the end if any is wrong.

    The line of a missing one says which list or folder is wanted where.
    """
    wrong = []
    sets = protocol.data_sets
    with progress("counting", len(sets), "datasets") as advance:
        for name, role in sets.items():
            state, found = _state(protocol, name, data_root)
            wrong += [name] if state in (WRONG, UNSORTED, MISSING) else []
            yield f"{state:9}  {name} ({ROLES.get(role, role)}): {found}"
            advance(1)
    own = [one for one in protocol.vocabularies if "=" in one]
    for typed in own:
        state, found = _of_classes(typed, data_root)
        name = f"{typed.partition('=')[0]} (classes)"
        wrong += [name] if state in (WRONG, MISSING) else []
        yield f"{state:9}  {name}: {found}"
    if wrong:
        what = "datasets and class lists" if own else "datasets"
        raise InputError(
            f"{protocol.name}: {len(wrong):,} of {len(sets) + len(own):,} {what} "
            f"{'is' if len(wrong) == 1 else 'are'} not complete below {data_root}: "
            f"{cut(wrong, 6, ', ')}; the lines above say what is wanted where (another place: "
            "--data-root FOLDER)"
        )


def _state(protocol: Protocol, name: str, data_root: Path) -> tuple[str, str]:
    """Return the state of a dataset in one word, and what was found or is wanted."""
    if not is_there(protocol, name, data_root):
        return MISSING, _wanted(protocol, name, data_root)
    if name not in protocol.places:
        return overview.state_of(data_root, datasets.known(name, data_root))
    try:
        source = datasets.find(protocol.source(name, data_root), data_root)
        images = datasets.list_images(source)
    except InputError as error:
        return WRONG, str(error)
    return overview.COUNTED, f"{counted(images.rows, 'image')}: {source.root}"


def _wanted(protocol: Protocol, name: str, data_root: Path) -> str:
    """Return which list or folder is wanted where, and how to get it."""
    if name in protocol.places:
        return f"wanted is {data_root / protocol.places[name]}, a folder, list or table of images"
    known = datasets.of_name(name)
    if known.archive is not None:
        root = "" if data_root == Path("data") else f" --data-root {shlex.quote(str(data_root))}"
        how = f"get it: oodcache data fetch {name}{root}"
    else:
        how = f"from {known.origin}"
    return f"wanted is {_place(known, data_root)}; {how}"


def _place(known: KnownSet, data_root: Path) -> str:
    """Return the list, the file or the folder that selects a dataset's images."""
    if known.image_lists and not known.folders:
        images = data_root / known.place
        return f"{data_root / known.image_lists[0]}, a list of images below {images}"
    folder = data_root / known.place
    return str(folder / known.split) if known.split else f"{folder}, a folder of images"


def _of_classes(typed: str, data_root: Path) -> tuple[str, str]:
    """Return the state of a protocol's own class names, and how many there are."""
    name, _, path = typed.partition("=")
    if not (data_root / path).exists():
        return MISSING, f"wanted is {data_root / path}, with one name per line"
    try:
        _, vocabulary = vocabularies.find(f"{name}={data_root / path}", ())
    except InputError as error:
        return WRONG, str(error)
    return overview.COUNTED, f"{counted(len(vocabulary.names), 'class')}: {data_root / path}"

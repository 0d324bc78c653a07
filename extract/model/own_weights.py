"""The user's own weights in the cache: known by the files they were in, or by their SHA-256."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.format.identity import ModelIdentity
from oodcache.cache.names import SHORT_NAMES, own_name
from oodcache.cache.store import store
from oodcache.cache.watch import Note
from oodcache.extract.model.names.typed import PREFIXES, recorded_folder
from oodcache.extract.model.request import Resolved


def is_of(made: ModelIdentity, resolved: Resolved) -> bool:
    """Return whether a model in the cache is made of the files that would be loaded now.

    A folder's files may be two models, one in each layout, and a checkpoint's weights may fit
    several architectures, so the loader or the architecture must be the same, too.
    """
    if made.checkpoint != resolved.checkpoint:
        return False
    return not resolved.is_local or _loader(made.requested) == _loader(resolved.request.requested)


def _loader(requested: str) -> str:
    """Return the prefix of a folder, which may have moved, and any other name whole."""
    if recorded_folder(requested) is not None:
        return next(one for one in PREFIXES if requested.startswith(one))
    return SHORT_NAMES.get(requested, requested)


def known_label(cache: Path, resolved: Resolved) -> str | None:
    """Return the model's `name/pretrained` if it is known before the weights are loaded.

    Own weights are named by their hash, which the cache may know from their files.
    """
    if not resolved.is_local:
        return resolved.label
    found = _models(cache, lambda made: is_of(made, resolved), resolved.label)
    return next((one.label for one in found), None)


def check_name(
    cache: Path, resolved: Resolved, note: Note, loaded: ModelIdentity | None = None
) -> None:
    """Look for the same own weights under another name, before or after they are `loaded`.

    Raises InputError if a name was given; otherwise notes the other name, once they are loaded.
    """
    if not resolved.is_local or (loaded is None and resolved.checkpoint is None):
        return  # A model in memory has no files.
    label = resolved.label if loaded is None else loaded.label.rsplit("-", 1)[0]

    def is_same(made: ModelIdentity) -> bool:
        if loaded is None:
            return is_of(made, resolved)
        return (made.weights, made.architecture) == (loaded.weights, loaded.architecture)

    known = next(_models(cache, is_same), None)
    if known is None:
        return
    own = (known.weights, known.architecture)
    if any(_models(cache, lambda made: (made.weights, made.architecture) == own, label)):
        return
    other = known.label
    what = f"{cache}: has these weights as {other}"
    if resolved.request.name is not None:
        raise InputError(f"{what}: give --name {own_name(other)}, or another --cache")
    if loaded is not None:
        note(
            f"{what} already; embedding them again as {loaded.label}: --name {own_name(other)} "
            "continues there"
        )


def _models(
    cache: Path, is_wanted: Callable[[ModelIdentity], bool], start: str = "local/"
) -> Iterator[ModelIdentity]:
    """Yield the models of files of own weights that are wanted.

    `start` is that of a label without its hash, or of all.
    """
    for entry in store.entries(cache):
        if entry.label.startswith(start) and start in ("local/", entry.label.rsplit("-", 1)[0]):
            with suppress(InputError):  # A broken file of another model does not matter.
                made = store.read_identity(entry).model
                if is_wanted(made):
                    yield made

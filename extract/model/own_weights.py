"""The user's own weights in the cache: known by the files they were in, or by their SHA-256."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oodcache.cache.errors import InputError
from oodcache.cache.format.identity import ModelIdentity
from oodcache.cache.names import SHORT_NAMES, check_model_name, own_name
from oodcache.cache.store import store
from oodcache.cache.watch import Note
from oodcache.extract.model.names.typed import PREFIXES, UNNAMED, own_folder
from oodcache.extract.model.request import Resolved

if TYPE_CHECKING:  # The import takes seconds, and a complete cache does not need it.
    from oodcache.extract.model.encoder import Signature


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
    if own_folder(requested) is not None:
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


def named_as_before(cache: Path, resolved: Resolved) -> Resolved:
    """Return a model whose folder's name is in another script by its name of 0.1, if cached so.

    That was dashes alone.
    """
    if resolved.label != f"local/{UNNAMED}" or resolved.request.name is not None:
        return resolved
    for entry in store.known(cache):
        name = own_name(entry.label)
        if name == entry.label or any(map(str.isalnum, name)):
            continue
        made = store.identity_of(entry)
        if made is not None and is_of(made.model, resolved):
            return replace(resolved, label=f"local/{name}")
    return resolved


def check_name(cache: Path, resolved: Resolved, note: Note, loaded: Signature) -> None:
    """Look for the loaded weights of a user's own under another name, as they are embedded now.

    Raises InputError if a name was given; otherwise notes the other name.
    """
    if not resolved.is_local:
        return
    own = loaded.identity

    def is_same(made: ModelIdentity) -> bool:
        return (made.weights, made.architecture) == (own.weights, own.architecture)

    if any(_models(cache, is_same, own.label.rsplit("-", 1)[0])):
        return
    known = next(_models(cache, is_same), None)
    if known is None or not _is_made_alike(cache, known.label, loaded):
        return
    has, option = f"{cache}: has these weights as {known.label}", _continuing(known)
    if resolved.request.name is not None:
        raise InputError(f"{has}: give {option}, or another --cache")
    note(f"{has} already; embedding them again as {own.label}: {option} continues there")


def _is_made_alike(cache: Path, label: str, loaded: Signature) -> bool:
    """Return whether a model's files were made as now: otherwise they cannot be continued."""
    now: dict[str, dict[str, Any]] = json.loads(
        json.dumps({"images": dict(loaded.preprocessing), "texts": dict(loaded.tokenizing)})
    )
    for entry in store.entries(cache, label):
        with suppress(InputError):
            made = store.read_identity(entry)
            is_prepared_alike = not now[entry.kind] or dict(made.encoding) == now[entry.kind]
            if not is_prepared_alike or dict(made.precision) != dict(loaded.precision):
                return False
    return True


def _continuing(known: ModelIdentity) -> str:
    """Return the option that continues a model: a folder may have a name that is no `--name`."""
    name = own_name(known.label)
    with suppress(InputError):
        return f"--name {check_model_name(name)}"
    return f"--model {shlex.quote(known.requested)} without --name"


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

"""Models of the cache that have the weights of one in memory, and so may be the same model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.format.identity import OVERRIDDEN, Identity, ModelIdentity
from oodcache.cache.store import store
from oodcache.cache.store.store import Entry


def in_cache(cache: Path, own: ModelIdentity, encoding: Mapping[str, Any]) -> ModelIdentity | None:
    """Return the model in the cache that has the weights of `own`, None if there is none.

    One that was in memory before stays under its name, as one by name does if its images were
    prepared equally.
    """
    found: dict[str, list[Identity]] = {}
    for entry, identity in _files(cache, own):
        found.setdefault(entry.label, []).append(identity)
    for files in sorted(found.values(), key=lambda some: not some[0].model.was_in_memory):
        images = [one.encoding for one in files if "decoder" in one.encoding]
        is_equal = not images or any(_settings(one) == _settings(encoding) for one in images)
        if is_equal or files[0].model.was_in_memory:
            return files[0].model
    return None


def with_images(cache: Path, own: ModelIdentity, name: str) -> dict[str, Identity]:
    """Return the identities of images called `name` made with the weights of `own`, by model."""
    return {
        entry.label: identity
        for entry, identity in _files(cache, own)
        if (entry.kind, entry.name) == ("images", name)
    }


def are_prepared_alike(images: Identity, encoding: Mapping[str, Any]) -> bool:
    """Return whether images were prepared equally, but for how their files were decoded."""
    decoded = ("decoder", "exif")
    one, other = (
        {name: value for name, value in _settings(some).items() if name not in decoded}
        for some in (images.encoding, encoding)
    )
    return one == other


def is_same(model: ModelIdentity, own: ModelIdentity) -> bool:
    """Return whether `model` is the one in memory: its weights, scale, bias and architecture."""
    numbers = (model.weights, model.logit_scale, model.logit_bias)
    if numbers != (own.weights, own.logit_scale, own.logit_bias):
        return False
    if model.was_in_memory:
        return model.architecture == own.architecture
    # Of all that a configuration says, the activation alone leaves no trace in the weights.
    is_quick = bool(model.architecture.get("quick_gelu", False))
    return is_quick == ("QuickGELU" in own.architecture["parts"])


def _files(cache: Path, own: ModelIdentity) -> Iterator[tuple[Entry, Identity]]:
    """Yield the files of the same model that were not imported."""
    for entry in store.entries(cache):
        with suppress(InputError):  # A broken file of another model does not matter.
            identity = store.read_identity(entry)
            if not identity.is_imported and is_same(identity.model, own):
                yield entry, identity


def _settings(encoding: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in encoding.items() if name != OVERRIDDEN}

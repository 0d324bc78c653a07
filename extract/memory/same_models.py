"""Models of the cache that have the weights of one in memory, and so may be the same model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from oodcache.cache.errors import FileError, InputError
from oodcache.cache.format.identity import OVERRIDDEN, Identity, ModelIdentity
from oodcache.cache.shards.summary import summarise
from oodcache.cache.store import store
from oodcache.cache.store.store import Entry
from oodcache.cache.text import listed
from oodcache.cache.watch import Note
from oodcache.extract.memory.own_identity import code, runs_open_clip, runs_transformers

# How a model's images are prepared: as the new ones, not seen in its texts alone, or otherwise.
EQUAL, UNKNOWN, DIFFERENT = range(3)


def in_cache(
    cache: Path, own: ModelIdentity, encoding: Mapping[str, Any], note: Note, *, is_named: bool
) -> ModelIdentity | None:
    """Return the model in the cache that is `own`, None if there is none.

    One that was in memory before stays under its name, as one by name does if its images were
    prepared equally; with `is_named` only its own name counts. Names with such images come before
    the name of `own`, and that before names with texts alone, which a failed extraction may have
    left. One of equal weights whose code differs is noted. Raises InputError if that one has the
    name of `own`.
    """
    found, others = dict[str, list[Identity]](), dict[str, Identity]()
    for entry, identity in _files(cache, own):
        if is_same(identity.model, own):
            found.setdefault(entry.label, []).append(identity)
        else:
            others[entry.label] = identity
    wanted = [some for label, some in found.items() if label == own.label or not is_named]
    for files in sorted(wanted, key=lambda some: _distance(some, own, encoding)):
        is_other = _prepared(files, encoding) == DIFFERENT
        if not is_other or is_named or files[0].model.was_in_memory:
            return files[0].model
    if own.label in others:
        raise InputError(
            f"{cache}: {own.label} is of {code(others[own.label].model)}, and this model is of "
            f"{code(own)}, with equal weights: give another model_name"
        )
    if others and not is_named:
        note(
            f"model: it has the weights of {listed(sorted(others))}, but may run other code, that "
            f"of {code(own)}: its files go to {own.label}"
        )
    return None


def check_width(cache: Path, own: ModelIdentity, kind: str, width: int) -> None:
    """Raise InputError if the vectors of the model's other files are longer or shorter.

    Those of `kind` are not looked at: any of them may be replaced by itself.
    """
    for entry in store.entries(cache, own.label):
        if entry.kind == kind:
            continue
        with suppress(FileError):
            if (found := summarise(entry.path).shape[-1]) != width:
                raise InputError(
                    f"model: its {kind} are vectors of {width} numbers, but {entry.path}, of the "
                    f"same model, has {found}: they cannot be compared; embed both with one model"
                )


def with_images(cache: Path, own: ModelIdentity, name: str) -> dict[str, Identity]:
    """Return the identities of images called `name` made with the weights of `own`, by model."""
    return {
        entry.label: identity
        for entry, identity in _files(cache, own)
        if (entry.kind, entry.name) == ("images", name) and is_same(identity.model, own)
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
    """Return whether `model` is the one in memory: its weights, scale, bias and code."""
    numbers = (model.weights, model.logit_scale, model.logit_bias)
    if numbers != (own.weights, own.logit_scale, own.logit_bias):
        return False
    if model.was_in_memory:
        return model.architecture == own.architecture
    if runs_transformers(own) and "transformers" in model.architecture:
        from oodcache.extract.model.transformers import held  # The import takes seconds.

        return held.is_same(model.architecture, own.architecture)
    if not runs_open_clip(own):
        return False
    # Of all that a configuration says, the activation alone leaves no trace in the weights.
    is_quick = bool(model.architecture.get("quick_gelu", False))
    return is_quick == ("QuickGELU" in own.architecture["parts"])


def _files(cache: Path, own: ModelIdentity) -> Iterator[tuple[Entry, Identity]]:
    """Yield the files of models of equal weights that were not imported."""
    for entry in store.entries(cache):
        with suppress(InputError):  # A broken file of another model does not matter.
            identity = store.read_identity(entry)
            if not identity.is_imported and identity.model.weights == own.weights:
                yield entry, identity


def _distance(
    files: list[Identity], own: ModelIdentity, encoding: Mapping[str, Any]
) -> tuple[bool, bool, int, bool]:
    """Return how far a model's files are from images of `own` prepared so: least comes first."""
    prepared = _prepared(files, encoding)
    model = files[0].model
    return prepared != EQUAL, model.label != own.label, prepared, not model.was_in_memory


def _prepared(files: list[Identity], encoding: Mapping[str, Any]) -> int:
    """Return whether images among a model's files are prepared so."""
    images = [one.encoding for one in files if "decoder" in one.encoding]
    is_equal = any(_settings(one) == _settings(encoding) for one in images)
    return EQUAL if is_equal else DIFFERENT if images else UNKNOWN


def _settings(encoding: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in encoding.items() if name != OVERRIDDEN}

"""Files of one model's cache: found by name and checked for compatibility."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile, TextRows
from oodcache.cache.format.identity import OVERRIDDEN
from oodcache.cache.shards.shard_set import is_complete
from oodcache.cache.store import store
from oodcache.cache.subsets import NAMES as SUBSETS
from oodcache.cache.text import meant

# What an option of extract leaves in the preprocessing.
OPTIONS = {"--fast-decode": ("decoder", "torchvision"), "--exif": ("exif", True)}
AGAIN = "extract one of them again with: oodcache extract --overwrite"


def vocabulary_path(
    cache: Path, label: str, model: str, classes: str | None, file: str = "FILE"
) -> Path:
    """Return the path of a vocabulary, finished or begun; for None, of the only (finished) one.

    Raises InputError, with the command that makes it, if there is none.
    """
    there = _names(cache, label, "texts")
    if classes is None and len(there) > 1:
        paths = {one: names.text_path(cache, label, one) for one in there}
        there = [one for one in there if _is_whole(paths[one])] or there
    if classes is None and len(there) == 1:
        return names.text_path(cache, label, there[0])
    if classes in there:
        return names.text_path(cache, label, classes)
    if classes is None and there:
        raise InputError(f"{cache / label}: give --classes {' or '.join(there)}")
    wanted = classes or "NAME"
    source = vocabulary_source(wanted, file)
    raise InputError(
        f"{cache / label}: no vocabulary {wanted!r} (there are: {', '.join(there) or 'none'}); "
        f"{_meant(wanted, there)}make it with: oodcache extract --model {model} --classes {source}"
    )


def vocabulary_source(name: str, file: str = "FILE") -> str:
    """Return what to type for a vocabulary: its name if that is known, otherwise NAME=`file`."""
    return name if name in SUBSETS else _source(name, file)


def images_path(cache: Path, label: str, model: str, dataset: str) -> Path:
    """Return the path of a dataset, finished or begun; raise InputError with how to make it."""
    there = _names(cache, label, "images")
    if dataset in there:
        return names.image_path(cache, label, dataset)
    raise InputError(
        f"{cache / label}: no images {dataset!r} (there are: {', '.join(there) or 'none'}); "
        f"{_meant(dataset, there)}make them with: oodcache extract --model {model} "
        f"{_source(dataset, 'FOLDER')}"
    )


def _names(cache: Path, label: str, kind: str) -> list[str]:
    return [one.name for one in store.known(cache, label) if one.kind == kind]


def _is_whole(path: Path) -> bool:
    return path.exists() or is_complete(path)


def _meant(name: str, there: Sequence[str]) -> str:
    return "" if name in (*names.KNOWN, *SUBSETS) else meant(name, there)


def _source(name: str, what: str) -> str:
    return name if name in names.KNOWN else f"{name}={what}"


def check_same_model(texts: TextFile | ImageFile, files: Sequence[ImageFile | TextRows]) -> None:
    """Raise InputError for files with other weights, architecture or dimension than the texts.

    For a model without texts, `texts` are the images of its bank.
    """
    model = texts.identity.model
    dimension = texts.dimension if isinstance(texts, ImageFile) else texts.embeddings.shape[-1]
    for one in files:
        found = one.identity.model
        if found.weights != model.weights:
            known = not (one.identity.is_imported or texts.identity.is_imported)
            raise InputError(
                f"{one.path}: made with weights {brief(found.weights)}, but {texts.path} with "
                f"{brief(model.weights)}: scores cannot mix them; "
                + (AGAIN if known else "if they are the same, import with equal --weights")
            )
        if found.architecture != model.architecture and found.architecture and model.architecture:
            raise InputError(
                f"{one.path}: made with another architecture than {texts.path}, though with the "
                f"same weights: scores cannot mix them; {AGAIN}"
            )
        if one.dimension != dimension:
            raise InputError(
                f"{one.path}: vectors have dimension {one.dimension}, but {dimension} in "
                f"{texts.path}; {AGAIN}"
            )


def check_preprocessing(images: Sequence[ImageFile]) -> None:
    """Raise InputError if datasets were preprocessed differently; imported ones are unknown."""
    extracted = [one for one in images if not one.identity.is_imported]
    for one in extracted:
        found, first = _preprocessing(one), _preprocessing(extracted[0])
        for option, (key, value) in OPTIONS.items():
            has = found.get(key) == value
            if has != (first.get(key) == value):
                given, other = (one, extracted[0]) if has else (extracted[0], one)
                raise InputError(
                    f"{given.path}: extracted with {option}, but {other.path} was not; use the "
                    "same options for both"
                )
        if found != first:
            raise InputError(
                f"{one.path}: preprocessed differently from {extracted[0].path}; {AGAIN}"
            )


def brief(weights: str) -> str:
    """Return a SHA-256 shortened, any other label unchanged."""
    return f"{weights[:8]}…" if len(weights) == 64 else weights


def _preprocessing(images: ImageFile) -> dict[str, Any]:
    """Return the settings, whether the user or the model gave them."""
    return {name: value for name, value in images.identity.encoding.items() if name != OVERRIDDEN}

"""A model in memory as an encoder: (module, preprocess, tokenizer), named by its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from oodcache.cache.errors import InputError
from oodcache.cache.format.identity import ModelIdentity
from oodcache.cache.watch import Note
from oodcache.extract.memory import own_identity, parts, same_models
from oodcache.extract.memory.parts import GivenModel
from oodcache.extract.model.encoder import Encoder, Signature, Tower, Towers, in_full_float32
from oodcache.extract.model.request import ModelRequest, Resolved


def loaded(model: GivenModel, request: ModelRequest, cache: Path, note: Note) -> Encoder:
    """Return the encoder of a model in memory, which stays where and as it is.

    If the cache has files of the same weights and preprocessing, they belong to the same model.
    Raises InputError for a part that does not fit.
    """

    def known(own: ModelIdentity, encoding: Mapping[str, Any]) -> ModelIdentity | None:
        named = model.name is not None
        return same_models.in_cache(cache, own, encoding, note, is_named=named)

    return _of_one_width(_encoder(model, request, known, note), cache)


def _of_one_width(encoder: Encoder, cache: Path) -> Encoder:
    """Return an encoder that holds its first vectors against the model's files in the cache."""

    def checked(tower: Tower, kind: str) -> Tower:
        seen = set[int]()

        def encoded(batch: torch.Tensor) -> torch.Tensor:
            found = tower(batch)
            if found.shape[1] not in seen:
                own = encoder.signature.identity
                same_models.check_width(cache, own, kind, found.shape[1])
                seen.add(found.shape[1])
            return found

        return encoded

    ours = encoder.towers
    towers = Towers(checked(ours.images, "images"), checked(ours.texts, "texts"))
    return replace(encoder, towers=towers)


def loaded_as(
    model: GivenModel, request: ModelRequest, wanted: ModelIdentity, note: Note
) -> Encoder:
    """Return the encoder of a model in memory that should be the one of `wanted`.

    Its identity is `wanted` if its weights and architecture are. Every batch of images finds it in
    evaluation mode, and leaves it as it was.
    """

    def known(own: ModelIdentity, encoding: Mapping[str, Any]) -> ModelIdentity | None:
        return wanted if same_models.is_same(wanted, own) else None

    encoder = _encoder(model, request, known, note)

    def images(batch: torch.Tensor) -> torch.Tensor:
        with evaluating(encoder):
            return encoder.towers.images(batch)

    return replace(encoder, towers=replace(encoder.towers, images=images))


def cached_as(model: GivenModel, cache: Path, name: str) -> str:
    """Return the `name/pretrained` of the cache that has a model's weights, and images `name`.

    If there are several, it is the one whose images were prepared equally. Raises InputError
    unless there is exactly one.
    """
    own = own_identity.of_module(model.module, model.name, lambda text: None)
    found = same_models.with_images(cache, own, name)
    if not found:
        raise InputError(
            f"model: {cache} has no images {name!r} of its weights ({own.weights[:8]}): embed them "
            f"first, with cache.extract(model, images, name={name!r})"
        )
    if len(found) == 1:
        return next(iter(found))
    device = _device(model.module, None)
    encoding = parts.images(model, ModelRequest("in memory"), device).encoding
    alike = [one for one in found if same_models.are_prepared_alike(found[one], encoding)]
    if len(alike) != 1:
        how = "prepared as its preprocess does" if alike else "none prepared as its preprocess does"
        raise InputError(
            f"model: {', '.join((alike or list(found))[:3])} have its weights and images {name!r}, "
            f"{how}: give one by name, and the model to Detector.load(FILE, model=model)"
        )
    return alike[0]


def _encoder(
    model: GivenModel,
    request: ModelRequest,
    known: Callable[[ModelIdentity, Mapping[str, Any]], ModelIdentity | None],
    note: Note,
) -> Encoder:
    """Return the encoder; its identity is the one that is `known` by that name, if any."""
    device = _device(model.module, request.device)
    images = parts.images(model, request, device)
    own = own_identity.of_module(model.module, model.name, note)
    identity = known(own, images.encoding) or own
    texts = parts.texts(model, identity, note)
    dtype = parts.dtype_of(model.module)
    half = {} if dtype == torch.float32 else {"weights": str(dtype).removeprefix("torch.")}
    precision = {
        "autocast": request.precision,
        "tf32": False,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        **half,
    }
    signature = Signature(
        identity=identity,
        precision=precision,
        preprocessing=images.encoding,
        tokenizing=texts.tokenizing,
        libraries=parts.libraries(model),
    )
    towers = parts.towers(model, texts.tokenize)
    return Encoder(
        model.module, signature, device, images.prepared, images.normalize, texts.tokenize, towers
    )


def resolved(encoder: Encoder, request: ModelRequest) -> Resolved:
    """Return a model in memory as if it had been requested by its place in the cache."""
    label = encoder.signature.identity.label
    return Resolved(replace(request, requested=label), label, None, label, None)


@contextmanager
def evaluating(encoder: Encoder) -> Iterator[None]:
    """Put a module into evaluation mode, without TF32; restore both at the end."""
    modes = [(one, one.training) for one in encoder.model.modules()]
    try:
        encoder.model.eval()
        with in_full_float32():
            yield
    finally:
        for part, was_training in modes:
            part.training = was_training


def _device(module: Any, wanted: str | None) -> torch.device:
    """Return where a module is; raise InputError if another device is asked for."""
    found = {one.device for one in module.parameters()}
    if len(found) != 1:
        where = ", ".join(sorted(map(str, found))) or "no device"
        raise InputError(f"model: its parameters are on {where}: move them to one")
    device = found.pop()
    if device.type == "meta":
        raise InputError("model: its parameters are on meta, without values: load its weights")
    if wanted is not None and wanted not in (str(device), device.type):
        raise InputError(
            f"device={wanted!r}: the model is on {device}; move it: model.to({wanted!r})"
        )
    return torch.empty(0, device=device).device

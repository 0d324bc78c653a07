"""A model in memory as an encoder: (module, preprocess, tokenizer), named by its weights."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from oodcache.cache.errors import InputError, first_lines
from oodcache.cache.format.identity import OVERRIDDEN, ModelIdentity
from oodcache.cache.watch import Note
from oodcache.extract.memory import own_identity, same_models, transforms
from oodcache.extract.model import tokenizers
from oodcache.extract.model.encoder import Encoder, Signature, Tower, Towers
from oodcache.extract.model.preprocessing import Normalization, preprocessing
from oodcache.extract.model.request import ModelRequest, Resolved

WANTED = (
    "expected a name, or (module, preprocess, tokenizer): the first and the last of "
    "open_clip.create_model_and_transforms, and open_clip.get_tokenizer(NAME)"
)
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
METHODS = ("encode_image", "encode_text", "state_dict", "modules", "parameters")


@dataclass(frozen=True)
class GivenModel:
    """A model as the user holds it; `name` and `preprocess_id` are None unless they are given."""

    module: Any
    preprocess: Any
    tokenizer: Any = None
    name: str | None = None
    preprocess_id: str | None = None


def given(model: Any, name: str | None, preprocess_id: str | None) -> GivenModel:
    """Return the parts of a model; raise InputError, in one line, for what cannot be one."""
    if not isinstance(model, (tuple, list)) or len(model) not in (2, 3):
        what = f"{type(model).__name__} of {len(model)}" if isinstance(model, (tuple, list)) else ""
        raise InputError(f"model is a {what or type(model).__name__}: {WANTED}")
    module, preprocess, *rest = model
    tokenizer = rest[0] if rest else None
    module = getattr(module, "_orig_mod", module)  # What torch.compile wraps.
    if lacking := [one for one in METHODS if not callable(getattr(module, one, None))]:
        raise InputError(f"model: {type(module).__name__} has no {lacking[0]}: {WANTED}")
    if transforms.is_transform(tokenizer):
        raise InputError(
            "model: its third part is a transform, not a tokenizer: from "
            "create_model_and_transforms give (model, preprocess_val, get_tokenizer(NAME))"
        )
    if not callable(preprocess):
        raise InputError(f"model: its preprocess is a {type(preprocess).__name__}: {WANTED}")
    if name is not None and not (isinstance(name, str) and NAME.fullmatch(name)):
        raise InputError(f"model_name is {name!r}: use letters, digits, '.', '_' and '-'")
    return GivenModel(module, preprocess, tokenizer, name, preprocess_id)


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
    encoding = _prepared(model, ModelRequest("in memory"), _device(model.module, None))[2]
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
    prepared, normalize, encoding = _prepared(model, request, device)
    own = own_identity.of_module(model.module, model.name, note)
    identity = known(own, encoding) or own
    config = {"text_cfg": dict(identity.architecture.get("text_cfg") or {})}
    dtype = _dtype(model.module)
    half = {} if dtype == torch.float32 else {"weights": str(dtype).removeprefix("torch.")}
    precision = {
        "autocast": request.precision,
        "tf32": False,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        **half,
    }
    tokenize = _tokenizer(model)
    signature = Signature(
        identity=identity,
        precision=precision,
        preprocessing=encoding,
        tokenizing={} if tokenize is None else tokenizers.tokenizing(tokenize, config),
    )
    module = model.module
    towers = Towers(_tower(module, "encode_image", dtype), _tower(module, "encode_text"))
    return Encoder(module, signature, device, prepared, normalize, tokenize, towers)


def _tower(module: Any, method: str, dtype: torch.dtype | None = None) -> Tower:
    """Return a method of a module, which raises InputError if it fails or gives no vectors."""
    encode, what = getattr(module, method), f"model: {method} of {type(module).__name__}"

    def encoded(batch: torch.Tensor) -> torch.Tensor:
        given = batch if dtype is None else batch.to(dtype)
        try:
            found: torch.Tensor = encode(given)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # Code of the user's.
            raise InputError(
                f"{what} fails on a tensor {tuple(given.shape)}: {first_lines(error)}; give the "
                "preprocess and the tokenizer that belong to the model"
            ) from error
        is_tensor = isinstance(found, torch.Tensor)
        if not is_tensor or found.is_meta or found.ndim != 2 or len(found) != len(given):
            gave = f"a tensor {tuple(found.shape)}" if is_tensor else f"a {type(found).__name__}"
            where = " on meta, without values," if is_tensor and found.is_meta else ""
            raise InputError(
                f"{what} gives {gave}{where} for a tensor {tuple(given.shape)}: expected a tensor "
                f"({len(given)}, D), a vector for each"
            )
        return found

    return encoded


def resolved(encoder: Encoder, request: ModelRequest) -> Resolved:
    """Return a model in memory as if it had been requested by its place in the cache."""
    label = encoder.signature.identity.label
    return Resolved(replace(request, requested=label), label, None, label, None)


@contextmanager
def evaluating(encoder: Encoder) -> Iterator[None]:
    """Put a module into evaluation mode, without TF32; restore both at the end."""
    modes = [(one, one.training) for one in encoder.model.modules()]
    settings: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [one.allow_tf32 for one in settings]
    try:
        encoder.model.eval()
        for one in settings:
            one.allow_tf32 = False
        yield
    finally:
        for part, was_training in modes:
            part.training = was_training
        for one, was in zip(settings, before, strict=True):
            one.allow_tf32 = was


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


def _dtype(module: Any) -> torch.dtype:
    """Return the type that most of the weights have, which images are to have too."""
    counts = Counter[torch.dtype]()
    for one in module.parameters():
        if one.is_floating_point():
            counts[one.dtype] += one.numel()
    return counts.most_common(1)[0][0] if counts else torch.float32


def _prepared(
    model: GivenModel, request: ModelRequest, device: torch.device
) -> tuple[Any, Any, dict[str, Any]]:
    """Return the two parts of the preprocessing, and its identity."""
    found = None
    if model.preprocess_id is None:
        own = getattr(getattr(model.module, "visual", None), "preprocess_cfg", None)
        found = transforms.configuration(model.preprocess, own)
    exif = {"exif": True} if request.exif else {}
    if found is not None:
        ours = preprocessing(found, fast_decode=request.fast_decode, exif=request.exif)
        about = {**asdict(found), "decoder": ours.decoder, **exif, OVERRIDDEN: []}
        return ours, Normalization(ours, device), _as_json(about)
    about = {**transforms.identity(model.preprocess, model.preprocess_id), **exif, OVERRIDDEN: []}
    if request.fast_decode:
        raise InputError("fast_decode needs a preprocess of open_clip; this one is run as it is")
    own_transform = transforms.as_it_is(model.preprocess, exif=request.exif)
    return own_transform, lambda pixels: pixels, _as_json(about)


def _as_json(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as they come back from a file."""
    found: dict[str, Any] = json.loads(json.dumps(fields))
    return found


def _tokenizer(model: GivenModel) -> Any:
    """Return the tokenizer, None if there is none; raise InputError if it is not the model's."""
    tokenize = model.tokenizer
    if tokenize is None:
        return None
    length = getattr(tokenize, "context_length", None)
    knows = any(hasattr(tokenize, one) for one in ("tokenizer", "encoder", "get_vocab"))
    if not callable(tokenize) or not isinstance(length, int) or not knows:
        what = getattr(tokenize, "__name__", type(tokenize).__name__)
        raise InputError(f"model: {what} is no tokenizer of open_clip: give get_tokenizer(NAME)")
    reads = getattr(model.module, "context_length", None)
    if isinstance(reads, int) and reads != length:
        raise InputError(
            f"model: it reads {reads} tokens, but its tokenizer makes {length}: give "
            "open_clip.get_tokenizer(NAME) of the same model"
        )
    return tokenize

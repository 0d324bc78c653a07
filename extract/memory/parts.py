"""The parts of a model in memory, as an encoder needs them: open_clip's, transformers' or own."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from oodcache.cache.errors import InputError, first_lines
from oodcache.cache.format.identity import OVERRIDDEN, ModelIdentity
from oodcache.cache.watch import Note
from oodcache.extract.memory import transforms
from oodcache.extract.memory.own_identity import FEATURES, is_transformers
from oodcache.extract.model import tokenizers
from oodcache.extract.model.encoder import LIBRARIES, Tower, Towers
from oodcache.extract.model.preprocessing import Normalization, preprocessing
from oodcache.extract.model.request import ModelRequest

WANTED = (
    "expected a name, or (module, preprocess, tokenizer): the first and the last of "
    "open_clip.create_model_and_transforms, and open_clip.get_tokenizer(NAME)"
)
OF_TRANSFORMERS = (
    "expected (model, processor), as AutoModel and AutoProcessor.from_pretrained(NAME) give them, "
    "or (model, image_processor, tokenizer)"
)
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
ENCODE = ("encode_image", "encode_text")
METHODS = ("state_dict", "modules", "parameters")


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
        wanted = OF_TRANSFORMERS if _is_of_transformers(model) else WANTED
        raise InputError(f"model is a {what or type(model).__name__}: {wanted}")
    module, preprocess, *rest = model
    tokenizer = rest[0] if rest else None
    module = getattr(module, "_orig_mod", module)  # What torch.compile wraps.
    if is_transformers(module):
        # A processor has both.
        tokenizer = tokenizer or getattr(preprocess, "tokenizer", None)
        preprocess = getattr(preprocess, "image_processor", preprocess)
    _check_module(module)
    if transforms.is_transform(tokenizer):
        raise InputError(
            "model: its third part is a transform, not a tokenizer: from "
            "create_model_and_transforms give (model, preprocess_val, get_tokenizer(NAME))"
        )
    if not callable(preprocess):
        wanted = OF_TRANSFORMERS if is_transformers(module) else WANTED
        raise InputError(f"model: its preprocess is a {type(preprocess).__name__}: {wanted}")
    if name is not None and not (isinstance(name, str) and NAME.fullmatch(name)):
        raise InputError(f"model_name is {name!r}: use letters, digits, '.', '_' and '-'")
    return GivenModel(module, preprocess, tokenizer, name, preprocess_id)


def _is_of_transformers(value: object) -> bool:
    return type(value).__module__.startswith("transformers.")


def _check_module(module: Any) -> None:
    """Raise InputError unless a module has the methods of a model with two towers."""
    is_theirs = _is_of_transformers(module) or is_transformers(module)
    wanted = OF_TRANSFORMERS if is_theirs else WANTED
    for method in (*(FEATURES if is_theirs else ENCODE), *METHODS):
        if not callable(getattr(module, method, None)):
            raise InputError(f"model: {type(module).__name__} has no {method}: {wanted}")


@dataclass(frozen=True)
class ImagePart:
    """A preprocessing in two parts, the second on the device, and its identity."""

    prepared: Any
    normalize: Any
    encoding: dict[str, Any]


@dataclass(frozen=True)
class TextPart:
    """A tokenizer, None if there is none, and its identity."""

    tokenize: Any
    tokenizing: dict[str, Any]


def images(model: GivenModel, request: ModelRequest, device: torch.device) -> ImagePart:
    """Return the preprocessing of a model; raise InputError if it is unfit."""
    if is_transformers(model.module):
        return _image_part_of_transformers(model, request)
    return ImagePart(*_prepared(model, request, device))


def texts(model: GivenModel, identity: ModelIdentity, note: Note) -> TextPart:
    """Return the tokenizer of a model; raise InputError if it is not the model's."""
    if model.tokenizer is None:
        return TextPart(None, {})
    if is_transformers(model.module):
        from oodcache.extract.model.transformers import held  # The import takes seconds.

        prompts = held.prompts_of(model.tokenizer, model.module, note)
        return TextPart(prompts, prompts.settings())
    tokenize = _tokenizer(model)
    config = {"text_cfg": dict(identity.architecture.get("text_cfg") or {})}
    return TextPart(tokenize, tokenizers.tokenizing(tokenize, config))


def towers(model: GivenModel, tokenize: Any) -> Towers:
    """Return the towers of a model, which raise InputError if they fail or give no vectors."""
    module, kind = model.module, type(model.module).__name__
    if is_transformers(module):
        from oodcache.extract.model.transformers.loading import TwoTowers

        both = TwoTowers(module, tokenize)
        named = [f"model: {one} of {kind}" for one in FEATURES]
        return Towers(_tower(both.encode_image, named[0]), _tower(both.encode_text, named[1]))
    ours, others = (f"model: {one} of {kind}" for one in ENCODE)
    return Towers(
        _tower(module.encode_image, ours, dtype_of(module)), _tower(module.encode_text, others)
    )


def libraries(model: GivenModel) -> Sequence[str]:
    """Return the libraries that a model's vectors depend on."""
    if not is_transformers(model.module):
        return LIBRARIES
    from oodcache.extract.model.transformers.loading import MORE_LIBRARIES

    return (*LIBRARIES, *MORE_LIBRARIES)


def _image_part_of_transformers(model: GivenModel, request: ModelRequest) -> ImagePart:
    from oodcache.extract.model.transformers import held
    from oodcache.extract.model.transformers import images as processors

    if request.fast_decode:
        raise InputError("fast_decode: an image processor of transformers is used as it is")
    held.check(model.module)
    processing = held.image_processing(model.preprocess, model.module, exif=request.exif)
    if model.preprocess_id is None and held.is_own(model.preprocess):
        what = type(model.preprocess).__name__
        raise InputError(f"preprocess is of a class of its own, {what}: {transforms.GIVE_ID}")
    own = {} if model.preprocess_id is None else {"preprocess_id": model.preprocess_id}
    about = {**processors.settings(processing), **own, OVERRIDDEN: []}
    return ImagePart(processing, processors.Scaling(processing), _as_json(about))


def _tower(encode: Tower, what: str, dtype: torch.dtype | None = None) -> Tower:
    """Return a tower, `what` in errors: InputError if it fails or gives no vectors."""

    def encoded(batch: Any) -> torch.Tensor:
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


def dtype_of(module: Any) -> torch.dtype:
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
    """Return the tokenizer; raise InputError if it is not the model's."""
    tokenize = model.tokenizer
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

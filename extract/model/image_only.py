"""Image-only encoders of timm: pooled features without a classifier, preprocessed as their own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import timm
import torch
from timm.data.config import resolve_data_config
from timm.data.transforms import MaybeToTensor
from timm.data.transforms_factory import create_transform
from torchvision.transforms import Compose, Normalize

from oodcache.cache.errors import InputError, first_lines
from oodcache.cache.format.identity import OVERRIDDEN
from oodcache.cache.text import listed
from oodcache.cache.watch import Note
from oodcache.extract.model import checkpoint
from oodcache.extract.model.checkpoint import State
from oodcache.extract.model.encoder import (
    Encoder,
    Signature,
    device_of,
    moved,
    precision,
    towers,
)
from oodcache.extract.model.hub import HubFiles, Wanted
from oodcache.extract.model.identity import without_scale
from oodcache.extract.model.names.architectures import nearest
from oodcache.extract.model.preprocessing import Normalization, Preprocessing
from oodcache.extract.model.request import HUB, PILLOW, SMALL_DINO, TIMM, ModelRequest, Resolved

LAST = (MaybeToTensor, Normalize)
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
# open_clip's names of --image-resize-mode, as timm calls them.
CROPS = {"shortest": "center", "squash": "squash", "longest": "border"}
POSITIONS, PATCHES = "pos_embed", "patch_embed.proj.weight"


def load(resolved: Resolved, note: Note) -> Encoder:
    """Return the loaded model, without texts.

    Raises InputError if it is unknown, cannot be loaded, or returns no vector per image.
    """
    request = resolved.request
    if request.fast_decode:
        raise InputError(f"--fast-decode: is for open_clip's models; omit it with {TIMM}")
    device = device_of(request.device)
    model = moved(_created(resolved, note), device).eval()
    config = _configuration(model, request)
    _check_vectors(model, config, request, device)
    model.encode_image, model.encode_text = model.forward, _no_texts
    prepared = _prepared(config, exif=request.exif)
    signature = Signature(
        identity=without_scale(resolved, _architecture(model), model.state_dict()),
        precision=precision(request, device),
        preprocessing=_recorded(config, prepared, request),
        tokenizing={},
        places=resolved.places,
    )
    return Encoder(
        model,
        signature,
        device,
        prepared,
        Normalization(prepared, device),
        None,
        towers(model, channels_last=request.channels_last, compiled=request.compile),
    )


def _created(resolved: Resolved, note: Note) -> Any:
    """Return the model without its classifier; raise InputError whatever timm raises."""
    name = resolved.architecture.removeprefix(TIMM)
    what = resolved.weights_file or f"--model {resolved.request.requested}"
    try:
        if resolved.weights_file is not None:
            _check_known(name, resolved.request)
            model = timm.create_model(name, pretrained=False, num_classes=0)
            _put(checkpoint.state_dict(resolved.weights_file, note), model, str(what))
            return model
        _fetch(name, resolved.request, note)
        # With its classifier: without, timm accepts any missing weights.
        whole: Any = timm.create_model(name, pretrained=True)
        whole.reset_classifier(0)
        return whole
    except InputError:
        raise
    except Exception as error:  # An untrusted file or the network: report any failure.
        raise InputError(f"{what}: cannot be loaded: {first_lines(error)[:300]}") from error


def _fetch(name: str, request: ModelRequest, note: Note) -> None:
    """Fetch the weights' file from the hub, if that is where they are."""
    if name.startswith(HUB):
        repository = name.removeprefix(HUB)
        wanted = (Wanted(repository, ("config.json",)), Wanted(repository, WEIGHTS))
        HubFiles(request.requested, wanted, in_a_folder=False).fetch(note)
        return
    found = _check_known(name, request)
    if not found.has_weights:
        raise InputError(
            f"--model {request.requested}: timm has no weights for it; give --checkpoint FILE"
        )
    if found.hf_hub_id and found.source in (None, "hf-hub"):
        file = (found.hf_hub_filename,) if found.hf_hub_filename else WEIGHTS
        weights = Wanted(found.hf_hub_id, file)
        HubFiles(request.requested, (weights,), in_a_folder=False).fetch(note)


def _check_known(name: str, request: ModelRequest) -> Any:
    """Return timm's record of a name's weights; raise InputError with similar names if unknown."""
    bare, _, tag = name.partition(".")
    start = f"--model {request.requested}: "
    if not timm.is_model(bare):
        near = nearest(bare, timm.list_models())
        is_meant = bool(near) and near[0].casefold() == bare.casefold()
        likely = " or ".join(f"{TIMM}{one}" for one in near[: 1 if is_meant else None])
        todo = f"did you mean {likely}?" if likely else "timm.list_models() in Python lists them"
        raise InputError(f"{start}timm has no model {bare!r}; {todo}")
    known = timm.models.get_arch_pretrained_cfgs(bare)
    if tag and name not in known:
        likely = listed(f"{TIMM}{one}" for one in known) or "to give --checkpoint FILE"
        raise InputError(f"{start}{bare} has no weights {tag!r}; did you mean {likely}?")
    return timm.models.get_pretrained_cfg(name)


def _put(state: State, model: Any, what: str) -> None:
    """Load a checkpoint's weights, in timm's names or the original ones, all but a classifier."""
    wanted = model.state_dict()
    state = _without_classifier(state, model)
    _check_sizes(state, model, what)
    if state.keys() != wanted.keys():
        convert = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
        if convert is not None:
            state = _without_classifier(convert(state, model), model)
    for name in state.keys() & wanted.keys():
        if state[name].is_floating_point() != wanted[name].is_floating_point():
            raise InputError(
                f"{what}: {name} is {str(state[name].dtype).removeprefix('torch.')}, expected "
                "floating-point weights; quantised ones are not read"
            )
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:  # torch says in a line for each tensor what does not fit.
        raise InputError(
            f"{what}: does not fit the model: {checkpoint.misfit(state, wanted)}"
        ) from error


def _without_classifier(state: Mapping[str, torch.Tensor], model: Any) -> State:
    """Return weights without those of the classifier, whose number of classes does not matter."""
    found = model.pretrained_cfg.get("classifier") or ()
    heads = (found,) if isinstance(found, str) else tuple(found)
    left_out = {f"{head}.{part}" for head in heads for part in ("weight", "bias")}
    return {name: value for name, value in state.items() if name not in left_out}


def _check_sizes(state: State, model: Any, what: str) -> None:
    """Reject weights of another image or patch size; some of them timm would interpolate."""
    own, found = getattr(model, POSITIONS, None), state.get(POSITIONS)
    extra = int(getattr(model, "num_prefix_tokens", 0))
    if own is not None and found is not None and abs(found.shape[1] - own.shape[1]) > extra:
        raise InputError(
            f"{what}: its weights have {found.shape[1]:,} positions, the model {own.shape[1]:,}: "
            f"give the {TIMM}NAME of their image size"
        )
    patches, kernel = state.get(PATCHES), model.state_dict().get(PATCHES)
    if patches is not None and kernel is not None and patches.shape[2:] != kernel.shape[2:]:
        raise InputError(
            f"{what}: its weights have patches of {tuple(patches.shape[2:])} pixels, the model of "
            f"{tuple(kernel.shape[2:])}: give the {TIMM}NAME of their patch size"
        )


def _configuration(model: Any, request: ModelRequest) -> dict[str, Any]:
    """Return timm's settings of the model's preprocessing, with the user's instead where given."""
    given = dict(request.preprocessing)
    if "resize_mode" in given:
        given["crop_mode"] = CROPS[given.pop("resize_mode")]
    resolve: Any = resolve_data_config  # Untyped.
    config: dict[str, Any] = resolve(given, model=model)
    if config["input_size"][0] != 3:
        raise InputError(
            f"--model {request.requested}: reads {config['input_size'][0]} channels, not RGB images"
        )
    return config


def _prepared(config: Mapping[str, Any], *, exif: bool) -> Preprocessing:
    """Return timm's preprocessing; raise InputError if it does not end in LAST."""
    *steps, to_tensor, normalize = create_transform(**config, is_training=False).transforms
    if (type(to_tensor), type(normalize)) != LAST:
        raise InputError("timm's preprocessing does not end in a tensor and its normalisation")
    return Preprocessing(
        decoder=PILLOW,
        scaled=Compose(steps),
        size=tuple(config["input_size"]),
        mean=config["mean"],
        std=config["std"],
        exif=exif,
    )


def _recorded(
    config: Mapping[str, Any], prepared: Preprocessing, request: ModelRequest
) -> dict[str, Any]:
    """Return the preprocessing as an identity has it."""
    found: dict[str, Any] = json.loads(
        json.dumps(
            {
                "library": "timm",
                **config,
                **request.preprocessing,
                "decoder": prepared.decoder,
                **({"exif": True} if prepared.exif else {}),
                OVERRIDDEN: sorted(request.preprocessing),
            }
        )
    )
    return found


def _architecture(model: Any) -> dict[str, Any]:
    """Return what makes a model of its weights: timm's name for it and its pooling."""
    pooling = getattr(model, "global_pool", None)
    return {
        "timm": str(model.pretrained_cfg["architecture"]),
        **({"global_pool": pooling} if isinstance(pooling, str) else {}),
    }


def _check_vectors(
    model: Any, config: Mapping[str, Any], request: ModelRequest, device: torch.device
) -> None:
    """Raise InputError unless the model returns one vector for an image."""
    with torch.inference_mode():
        found = model(torch.zeros(1, *config["input_size"], device=device))
    shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
    if not isinstance(shape, tuple) or len(shape) != 2 or not shape[1]:
        raise InputError(
            f"--model {request.requested}: returns {shape} for an image, not one vector; use a "
            f"model with pooled features, such as {TIMM}{SMALL_DINO}"
        )


def _no_texts(tokens: torch.Tensor) -> torch.Tensor:
    raise InputError("an image-only model embeds no texts")

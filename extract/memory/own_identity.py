"""The identity of a model in memory: its weights, its scale, and the code that it runs.

That is open_clip's or transformers' if its class is theirs, and nothing in it was exchanged or
hooked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.format.identity import ModelIdentity
from oodcache.cache.format.logits import doubts
from oodcache.cache.text import listed, shortened
from oodcache.cache.watch import Note
from oodcache.extract.model.identity import scale_of, weights_sha256
from oodcache.extract.model.names.configs import recorded

OPEN_CLIP, TRANSFORMERS = "open_clip.", "transformers."
LIBRARIES = (OPEN_CLIP, "torch.", "torchvision.", "timm.", "transformers.")
EXCHANGEABLE = ("encode_image", "encode_text", "forward")
FEATURES = ("get_image_features", "get_text_features")  # What transformers calls them.
HOOKS = ("_forward_pre_hooks", "_forward_hooks")


def is_transformers(module: Any) -> bool:
    """Return whether a module has the methods of transformers' CLIP, and not open_clip's."""
    is_other = callable(getattr(module, "encode_image", None))
    return not is_other and all(callable(getattr(module, one, None)) for one in FEATURES)


def of_module(module: Any, name: str | None, note: Note) -> ModelIdentity:
    """Return the identity of a module, called `local/NAME-HASH8`; NAME is else its class.

    Raises InputError if it has no scale.
    """
    state = module.state_dict()
    if state.get("logit_scale") is None:
        raise InputError(
            "model: it has no logit_scale, which scores need: set model.logit_scale = "
            "torch.nn.Parameter(torch.tensor(LOGARITHM))"
        )
    stored = state.get("logit_bias")
    bias = None if stored is None else float(stored)
    scale = scale_of("model", state["logit_scale"], bias)
    for doubt in doubts(scale, bias):
        note(f"model: {doubt}")
    weights = weights_sha256(state)
    label = f"{name or type(module).__name__}-{weights[:8]}"
    return ModelIdentity(
        name="local",
        pretrained=label,
        requested=f"local/{label}",
        architecture=_architecture(module),
        weights=weights,
        checkpoint=None,
        logit_scale=scale,
        logit_bias=bias,
    )


def _architecture(module: Any) -> dict[str, Any]:
    """Return what tells modules of equal weights apart.

    That is their class, their parts without weights, and what was `changed` in them if anything;
    of transformers' also the configuration, and how attention is computed.
    """
    parts = {
        type(one).__name__
        for one in module.modules()
        if not any(True for _ in one.children()) and not any(True for _ in one.parameters())
    }
    changed = sorted(set(_changed(module)))
    found: dict[str, Any] = {"class": _class(module), "parts": sorted(parts)}
    if is_transformers(module):
        attention = str(getattr(module.config, "_attn_implementation", None))
        found |= {"transformers": recorded(module.config), "attention": attention}
    return {**found, "changed": changed} if changed else found


def _changed(module: Any) -> Iterator[str]:
    """Yield each part of a module that runs other code than its class says.

    The code of a class of the user's own is not known, and that of its parts neither.
    """
    is_theirs = _class(module).startswith((OPEN_CLIP, TRANSFORMERS))
    methods = (*FEATURES, "forward") if is_transformers(module) else EXCHANGEABLE
    for name, part in module.named_modules():
        place = f"{name}." if name else ""
        for method in methods:
            if method in vars(part):
                yield f"{place}{method} is {_qualified(vars(part)[method])}"
        for kind in HOOKS:
            for hook in getattr(part, kind, {}).values():
                yield f"{place}{kind.strip('_')[:-1]} {_qualified(hook)}"
        if is_theirs and not _class(part).startswith(LIBRARIES):
            yield f"{name} is {_class(part)}"
    for method in methods if is_theirs else ():
        found = getattr(type(module), method)
        if not str(getattr(found, "__module__", "")).startswith(LIBRARIES):
            yield f"{method} is {_qualified(found)}"


def runs_open_clip(own: ModelIdentity) -> bool:
    """Return whether a model in memory runs the code of open_clip's own classes, unchanged."""
    kind = str(own.architecture.get("class"))
    return kind.startswith(OPEN_CLIP) and "changed" not in own.architecture


def runs_transformers(own: ModelIdentity) -> bool:
    """Return whether a model in memory runs the code of transformers' own classes, unchanged."""
    kind = str(own.architecture.get("class"))
    return kind.startswith(TRANSFORMERS) and "changed" not in own.architecture


def code(model: ModelIdentity) -> str:
    """Return which code a model runs, in words: its class, and what was changed in it."""
    named = model.architecture.get("class") or model.architecture.get("model")
    kind = str(named or "open_clip")
    changed = model.architecture.get("changed")
    return shortened(kind, 100) + (f" with {listed(changed)}" if isinstance(changed, list) else "")


def _class(module: Any) -> str:
    return _qualified(type(module))


def _qualified(given: Any) -> str:
    """Return where a class or a function is defined; of an object that is called, its class."""
    named = given if hasattr(given, "__qualname__") else type(given)
    return f"{named.__module__}.{named.__qualname__}"

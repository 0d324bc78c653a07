"""The identity of a loaded model: a hash of its weights, and the scale and bias of its logits."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import torch

from oodcache.cache.errors import InputError
from oodcache.cache.format.identity import ModelIdentity
from oodcache.cache.format.logits import doubts
from oodcache.cache.watch import Note
from oodcache.extract.model.request import Resolved


def identity(
    resolved: Resolved,
    architecture: Mapping[str, Any],
    state: Mapping[str, torch.Tensor],
    note: Note,
) -> ModelIdentity:
    """Return the identity of a model with the weights `state`; note a scale or bias that is odd.

    Raises InputError if its scale or bias is no finite number.
    """
    bias = float(state["logit_bias"]) if "logit_bias" in state else None
    where = str(resolved.weights_file or resolved.request.requested)
    if bias == 0 and resolved.weights_file is not None:
        note(f"{where}: has no logit bias (or 0): b = 0 is used")
    scale = scale_of(where, state["logit_scale"], bias)
    for doubt in doubts(scale, bias):
        note(f"{where}: {doubt}")
    return _of(resolved, architecture, state, scale, bias)


def without_scale(
    resolved: Resolved, architecture: Mapping[str, Any], state: Mapping[str, torch.Tensor]
) -> ModelIdentity:
    """Return the identity of an image-only model, whose vectors are compared with no text."""
    return _of(resolved, architecture, state, None, None)


def _of(
    resolved: Resolved,
    architecture: Mapping[str, Any],
    state: Mapping[str, torch.Tensor],
    scale: float | None,
    bias: float | None,
) -> ModelIdentity:
    weights = weights_sha256(state)
    name, pretrained = resolved.label.rsplit("/", 1)
    return ModelIdentity(
        name=name,
        pretrained=f"{pretrained}-{weights[:8]}" if resolved.is_local else pretrained,
        requested=resolved.request.requested,
        architecture=json.loads(json.dumps(architecture)),
        weights=weights,
        checkpoint=resolved.checkpoint,
        logit_scale=scale,
        logit_bias=bias,
    )


def weights_sha256(state: Mapping[str, torch.Tensor]) -> str:
    """Return a SHA-256 over name, dtype, shape and bytes of the sorted weights."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def scale_of(where: str, stored: torch.Tensor, bias: float | None) -> float:
    """Return the scale of the logits; raise InputError if it or the bias is no finite number."""
    if bias is not None and not math.isfinite(bias):
        raise InputError(f"{where}: its logit_bias is {bias}, not a finite number")
    # On the CPU: a GPU's exponential may differ in the last bit, and so name another model.
    stored = stored.detach().cpu()
    logarithm, scale = float(stored), float(stored.exp())
    if math.isfinite(scale) and scale > 0:
        return scale
    hint = ""
    if 0 < logarithm < math.inf:
        hint = f"; if it was saved exponentiated, store its logarithm, {math.log(logarithm):.4f}"
    raise InputError(
        f"{where}: its logit_scale is {logarithm:g}, whose exponential is {scale:g}: no scale{hint}"
    )

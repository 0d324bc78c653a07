"""A model's two towers as they are called: as they are, in channels-last memory, or compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from oodcache.cache.errors import InputError

Tower = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Towers:
    """What encodes a batch of normalised images, and one of tokens."""

    images: Tower
    texts: Tower


def towers(model: Any, *, channels_last: bool = False, compiled: bool = False) -> Towers:
    """Return the towers of a model; nothing is compiled before the first batch."""
    images, texts = model.encode_image, model.encode_text
    if compiled:
        images, texts = _compiled(images), _compiled(texts)
    if channels_last:
        model.to(memory_format=torch.channels_last)
        images = _channels_last(images)
    return Towers(images, texts)


def _channels_last(tower: Tower) -> Tower:
    def encode(batch: torch.Tensor) -> torch.Tensor:
        return tower(batch.contiguous(memory_format=torch.channels_last))

    return encode


def _compiled(tower: Tower) -> Tower:
    """Return a tower compiled for batches of any size, of which the last of a shard is smaller."""
    compiled = torch.compile(tower)

    def encode(batch: torch.Tensor) -> torch.Tensor:
        torch._dynamo.maybe_mark_dynamic(batch, 0)
        try:
            return compiled(batch)
        except torch._dynamo.exc.TorchDynamoException as error:
            raise InputError(f"--compile: {_reason(error)}; leave --compile out") from error

    return encode


def _reason(error: BaseException) -> str:
    """Return the innermost cause's first line: the outer ones are advice to torch's developers."""
    while error.__cause__ is not None or getattr(error, "inner_exception", None) is not None:
        error = error.__cause__ or error.inner_exception  # type: ignore[attr-defined]
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"torch cannot compile the model: {lines[0] if lines else type(error).__name__}"

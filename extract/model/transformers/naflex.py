"""NaFlex images: patches of a picture in its own shape, as one tensor, and what the model reads.

A picture of h times w patches is a tensor (L + 1, P): its patches row by row, then zeros up to L
patches, then a last row that begins with the digits of h and w to the base 256. So pictures of any
shape are batched, sent to a device and normalised as others are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

BASE, DIGITS = 256, 4


@dataclass(frozen=True)
class Patches:
    """Patches float32 (n, L, P) with zeros behind them, `mask` (n, L), shapes int64 (n, 2)."""

    values: torch.Tensor
    mask: torch.Tensor
    shapes: torch.Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (n, L, P)."""
        return tuple(self.values.shape)

    def __len__(self) -> int:
        return len(self.values)


def packed(patches: torch.Tensor, shape: torch.Tensor) -> torch.Tensor:
    """Return patches (L, P), P at least 4, of a picture of `shape` (2,) as a tensor (L + 1, P)."""
    last = torch.zeros_like(patches[:1])
    height, width = map(int, shape)
    digits = [*divmod(height, BASE), *divmod(width, BASE)]
    last[0, :DIGITS] = torch.tensor(digits, dtype=patches.dtype)
    return torch.cat([patches, last])


def unpacked(
    images: torch.Tensor, normalize: Callable[[torch.Tensor], torch.Tensor], channels: int = 3
) -> Patches:
    """Return packed pictures (n, L + 1, P), normalised by a function of (n, channels, *)."""
    digits = images[:, -1, :DIGITS].to(torch.int64).reshape(-1, 2, 2)
    shapes = digits[..., 0] * BASE + digits[..., 1]
    patches = images[:, :-1]
    count, length, size = patches.shape
    # A patch is a list of pixels, each with its channels side by side.
    pixels = patches.reshape(count, length * size // channels, channels, 1).transpose(1, 2)
    values = normalize(pixels).transpose(1, 2).reshape(count, length, size)
    places = torch.arange(length, device=images.device)
    mask = places < shapes.prod(dim=-1, keepdim=True)
    values = values.to(torch.float32).masked_fill(~mask[..., None], 0)
    return Patches(values, mask.to(torch.int32), shapes)

"""JPEGs decoded, and images resized, by torchvision in uint8: twice as fast, almost the same."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import torch
import torchvision
import torchvision.transforms.v2.functional as functional
from open_clip.transform import PreprocessCfg, center_crop_or_pad
from PIL import Image
from torchvision.transforms import InterpolationMode

from oodcache.cache.errors import InputError

MODES = ("RGB", "L")


def check() -> None:
    """Refuse a torchvision that decodes no JPEGs: its makers want to take that out."""
    try:
        from torchvision.io import decode_jpeg
    except ImportError:
        decode_jpeg = None
    if decode_jpeg is None:
        raise InputError(
            f"--fast-decode: torchvision {torchvision.__version__} decodes no JPEGs: leave it out, "
            "or type  pip install 'torchvision<0.30'"
        )


def decoded(content: bytes) -> torch.Tensor | None:
    """Return the pixels (3, height, width) of a JPEG; None for anything that PIL is to decode.

    That is all that is no plain JPEG, colours for print (which libjpeg would invert or not, as it
    likes), and what is damaged, so that PIL says why. EXIF orientation is not applied.
    """
    from torchvision.io import ImageReadMode, decode_jpeg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(content)) as header:  # Refuses what would fill the memory.
            if header.format != "JPEG" or header.mode not in MODES:
                return None
        try:
            raw = torch.frombuffer(bytearray(content), dtype=torch.uint8)
            pixels: torch.Tensor = decode_jpeg(raw, mode=ImageReadMode.RGB)
        except RuntimeError:
            return None
    return pixels


@dataclass(frozen=True)
class Geometry:
    """open_clip's resizing and cropping, or padding, of pixels that are uint8."""

    configuration: PreprocessCfg

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return pixels (3, h, w) in the model's size."""
        wanted = self.configuration
        height, width = wanted.input_size[1:]
        scaled: torch.Tensor = functional.resize(
            pixels,
            self._size(*pixels.shape[-2:]),
            interpolation=self._interpolation,
            antialias=True,
        )
        if wanted.resize_mode == "longest":
            scaled = center_crop_or_pad(scaled, [height, width], fill=wanted.fill_color)
        elif wanted.resize_mode == "shortest":
            scaled = functional.center_crop(scaled, [height, width])
        return scaled

    def _size(self, height: int, width: int) -> list[int]:
        """Return what an image is resized to; a single number is its shorter side."""
        wanted = self.configuration
        across, down = width / wanted.input_size[2], height / wanted.input_size[1]
        if wanted.resize_mode == "squash":
            return list(wanted.input_size[1:])
        if wanted.resize_mode == "longest":
            ratio = max(down, across)
        elif self._is_square:
            return [wanted.input_size[1]]
        else:
            ratio = min(down, across)
        return [round(height / ratio), round(width / ratio)]

    @property
    def _interpolation(self) -> InterpolationMode:
        """Bicubic unless asked otherwise; and for the shorter side of no square, as open_clip."""
        wanted = self.configuration
        is_fixed = wanted.resize_mode == "shortest" and not self._is_square
        if wanted.interpolation == "bilinear" and not is_fixed:
            return InterpolationMode.BILINEAR
        return InterpolationMode.BICUBIC

    @property
    def _is_square(self) -> bool:
        height, width = self.configuration.input_size[1:]
        return bool(height == width)

"""JPEG decoding and resizing by torchvision in uint8: twice as fast, slightly different pixels."""

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
from oodcache.extract.model.pixels import orientation

MODES = ("RGB", "L")
JPEG = b"\xff\xd8\xff"
# Axes to flip for each EXIF orientation; from 5 on, rows and columns are exchanged first.
FLIPS = {1: (), 2: (-1,), 3: (-2, -1), 4: (-2,), 5: (), 6: (-1,), 7: (-2, -1), 8: (-2,)}


def check() -> None:
    """Raise InputError if torchvision cannot decode JPEGs, which later versions may drop."""
    try:
        from torchvision.io import decode_jpeg
    except ImportError:
        decode_jpeg = None
    if decode_jpeg is None:
        raise InputError(
            f"--fast-decode: torchvision {torchvision.__version__} cannot decode JPEGs: run "
            "without it, or type  pip install 'torchvision<0.30'"
        )


@dataclass(frozen=True)
class JpegImage:
    """The `pixels` (3, height, width) of a JPEG, and its EXIF orientation, which is not applied."""

    pixels: torch.Tensor
    orientation: int

    def turned(self) -> torch.Tensor:
        """Return the pixels with the orientation applied."""
        pixels = self.pixels.transpose(-1, -2) if self.orientation >= 5 else self.pixels
        return pixels.flip(FLIPS[self.orientation])


def decoded(content: bytes) -> JpegImage | None:
    """Return a decoded JPEG, None for anything PIL must decode.

    That is every other format, CMYK (which libjpeg may or may not invert), and damaged files, so
    that PIL reports the reason.
    """
    from torchvision.io import ImageReadMode, decode_jpeg

    if not content.startswith(JPEG):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Rejects decompression bombs.
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as header:
            if header.format != "JPEG" or header.mode not in MODES:
                return None
            turn = orientation(header)
        try:
            raw = torch.frombuffer(bytearray(content), dtype=torch.uint8)
            pixels: torch.Tensor = decode_jpeg(raw, mode=ImageReadMode.RGB)
        except RuntimeError:
            return None
    return JpegImage(pixels, turn)


@dataclass(frozen=True)
class Geometry:
    """open_clip's resizing and cropping or padding, for uint8 pixels."""

    configuration: PreprocessCfg

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return pixels (3, h, w) at the model's input size."""
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
        """Return the size to resize to; a single number is the shorter side."""
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
        """Bicubic unless configured; as in open_clip always so for a non-square's shorter side."""
        wanted = self.configuration
        is_fixed = wanted.resize_mode == "shortest" and not self._is_square
        if wanted.interpolation == "bilinear" and not is_fixed:
            return InterpolationMode.BILINEAR
        return InterpolationMode.BICUBIC

    @property
    def _is_square(self) -> bool:
        height, width = self.configuration.input_size[1:]
        return bool(height == width)

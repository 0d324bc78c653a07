"""A model's preprocessing in two parts: bytes to uint8 pixels, and pixels normalised on the device.

Together they equal open_clip's, bit for bit for RGB images. Worker processes pass on uint8 pixels,
a quarter of the bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from open_clip.transform import MaybeConvertMode, MaybeToTensor, PreprocessCfg, image_transform_v2
from PIL import Image
from torchvision.transforms import Compose, Normalize
from torchvision.transforms.functional import pil_to_tensor

from oodcache.cache.errors import InputError
from oodcache.extract.model import fast_decode as jpegs
from oodcache.extract.model.pixels import UPRIGHT, decode
from oodcache.extract.model.request import PILLOW, TORCHVISION
from oodcache.extract.run.decoding import Prepared

LAST = (MaybeConvertMode, MaybeToTensor, Normalize)


@dataclass(frozen=True)
class Preprocessing:
    """How a model's images are prepared.

    `scaled` resizes and crops what `decoder` decodes: PIL images, or uint8 pixels of torchvision.
    `size` is (3, height, width); `mean` and `std` have one value per channel. With `exif` the EXIF
    orientation is applied.
    """

    decoder: str
    scaled: Callable[[Any], Any]
    size: tuple[int, int, int]
    mean: Sequence[float]
    std: Sequence[float]
    exif: bool = False

    def prepared(self, content: bytes) -> Prepared:
        """Return the image in `content` as uint8 (3, height, width); raise if it is not one."""
        if self.decoder == PILLOW:
            found = decode(content)
            whole = found.turned() if self.exif else found.image
            return Prepared(_tensor(self.scaled(whole)), found.orientation != UPRIGHT)
        jpeg = jpegs.decoded(content)
        if jpeg is None:
            found = decode(content)
            jpeg = jpegs.JpegImage(_tensor(found.image), found.orientation)
        pixels = self.scaled(jpeg.turned() if self.exif else jpeg.pixels)
        return Prepared(pixels, jpeg.orientation != UPRIGHT)

    def unscaled(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return what `Normalization` turns into these pixels, float32 (3, height, width)."""
        mean, std = (torch.tensor(one).reshape(-1, 1, 1) for one in (self.mean, self.std))
        return (pixels * std + mean) * 255.0

    def blank(self) -> torch.Tensor:
        """Return placeholder pixels for an unreadable image."""
        return torch.zeros(self.size, dtype=torch.uint8)


class Normalization:
    """The rest of preprocessing, on a device: ToTensor's division, then Normalize."""

    def __init__(self, preprocessing: Preprocessing, device: torch.device) -> None:
        def channels(values: Sequence[float]) -> torch.Tensor:
            return torch.tensor(values, dtype=torch.float32, device=device).reshape(-1, 1, 1)

        self._mean, self._std = channels(preprocessing.mean), channels(preprocessing.std)
        # A tensor: CUDA divides by a number via its reciprocal, which rounds differently.
        self._white = torch.tensor(255.0, device=device)

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return uint8 pixels (n, 3, height, width) as the model's float32 input."""
        return pixels.to(torch.float32).div_(self._white).sub_(self._mean).div_(self._std)


def preprocessing(
    configuration: PreprocessCfg, *, fast_decode: bool = False, exif: bool = False
) -> Preprocessing:
    """Return open_clip's preprocessing; raise InputError if it does not end in LAST.

    With `fast_decode` torchvision decodes JPEGs, and resizes all images, in uint8. With
    `exif` images are turned first, as their EXIF orientation says.
    """
    if fast_decode:
        jpegs.check()
    *steps, convert, to_tensor, normalize = image_transform_v2(
        configuration, is_train=False
    ).transforms
    found = tuple(type(step) for step in (convert, to_tensor, normalize))
    if found != LAST:
        raise InputError(
            f"open_clip's preprocessing ends in {', '.join(kind.__name__ for kind in found)}, not "
            f"in {', '.join(kind.__name__ for kind in LAST)}: type  pip install 'open_clip_torch<4'"
        )
    return Preprocessing(
        decoder=TORCHVISION if fast_decode else PILLOW,
        scaled=jpegs.Geometry(configuration) if fast_decode else Compose(steps),
        size=configuration.input_size,
        mean=normalize.mean,
        std=normalize.std,
        exif=exif,
    )


def _tensor(image: Image.Image) -> torch.Tensor:
    tensor: torch.Tensor = pil_to_tensor(image)
    return tensor

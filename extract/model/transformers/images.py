"""The image processor of a checkpoint of transformers, in two parts as a preprocessing is.

Workers resize in uint8, as the processor does; its rescaling and normalisation run on the device.
Together they equal the processor, bit for bit, which is checked once on noise. If they do not, the
workers do all of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import AutoImageProcessor

from oodcache.cache.errors import InputError, reason
from oodcache.extract.model.pixels import UPRIGHT, decode
from oodcache.extract.model.request import PILLOW
from oodcache.extract.model.transformers import naflex
from oodcache.extract.model.transformers.files import CheckpointFiles
from oodcache.extract.model.transformers.tokenizer_files import OF_ANOTHER
from oodcache.extract.run.decoding import Prepared

UNSCALED = {"do_rescale": False, "do_normalize": False}
# Several times the largest that are published.
MOST = {
    **dict.fromkeys(("size", "crop_size", "pad_size"), 2**13),
    **{"max_num_patches": 2**14, "patch_size": 2**10},
}
PROBE = (41, 28)  # Pixels: neither square nor a multiple of a patch.


@dataclass(frozen=True)
class ImageProcessing:
    """An image processor of transformers; with `is_split`, without the part that `Scaling` does.

    `shape` is that of a prepared image. With `exif` images are turned as their EXIF says.
    """

    processor: Any
    shape: tuple[int, ...] = ()
    is_split: bool = True
    exif: bool = False

    def prepared(self, content: bytes) -> Prepared:
        """Return the image in `content` as a tensor of `shape`; raise if it is not one."""
        found = decode(content)
        image = found.turned() if self.exif else found.image
        return Prepared(self.tensor(image), found.orientation != UPRIGHT)

    def tensor(self, image: Image.Image) -> torch.Tensor:
        """Return a picture (3, height, width), or packed as `naflex` has it."""
        given = self.processor(
            images=[image], return_tensors="pt", **(UNSCALED if self.is_split else {})
        )
        pixels: torch.Tensor = given["pixel_values"][0]
        shapes = given.get("spatial_shapes")
        return pixels if shapes is None else naflex.packed(pixels, shapes[0])

    def unscaled(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return what `Scaling` turns into these pixels, float32 (3, height, width)."""
        own = self.processor
        if self.is_split and own.do_normalize:
            mean, std = (
                torch.tensor(one).reshape(-1, 1, 1) for one in (own.image_mean, own.image_std)
            )
            pixels = pixels * std + mean
        return pixels / own.rescale_factor if self.is_split and own.do_rescale else pixels

    def blank(self) -> torch.Tensor:
        """Return placeholder pixels for an unreadable image."""
        blank = torch.zeros(self.shape, dtype=torch.uint8 if self.is_split else torch.float32)
        if len(self.shape) == 2:  # NaFlex: one patch.
            return naflex.packed(blank[:-1], torch.ones(2, dtype=torch.int64))
        return blank


class Scaling:
    """The rest of an image processor, on any device."""

    def __init__(self, processing: ImageProcessing) -> None:
        self._processing, self._is_naflex = processing, len(processing.shape) == 2

    def __call__(self, pixels: torch.Tensor) -> Any:
        """Return prepared images as the model's input: (n, 3, height, width), or `Patches`."""
        return naflex.unpacked(pixels, self._scaled) if self._is_naflex else self._scaled(pixels)

    def _scaled(self, pixels: torch.Tensor) -> torch.Tensor:
        processor = self._processing.processor
        if not self._processing.is_split:
            return pixels
        scaled: torch.Tensor = processor.rescale_and_normalize(
            pixels,
            processor.do_rescale,
            processor.rescale_factor,
            processor.do_normalize,
            tuple(processor.image_mean or ()),
            tuple(processor.image_std or ()),
        )
        return scaled.to(torch.float32)


def load_images(files: CheckpointFiles, config: Any, *, exif: bool) -> ImageProcessing:
    """Return the preprocessing of a checkpoint: what AutoImageProcessor gives by default.

    `config` is its configuration, an object of transformers. Raises InputError if it is missing,
    or if it makes images of another size than the image tower reads.
    """
    read, what = files.processor(), f"{files.where}: {files.processor_name()}"
    declared = read.get("image_processor_type")
    _check_limits(read, what)
    try:
        processor = AutoImageProcessor.from_pretrained(
            files.folder, config=config, trust_remote_code=False, local_files_only=True
        )
        processing = probed(ImageProcessing(processor, exif=exif))
    except Exception as error:  # An untrusted file: report any failure.
        why = f"its image processor cannot be used: {reason(error)[:200]}"
        raise InputError(f"{what}: {why}") from error
    name = type(processor).__name__.removesuffix("Pil")
    if declared is not None and _current(str(declared)) != name:
        raise InputError(
            f"{files.where}: names the image processor {str(declared)[:60]!r}, and transformers "
            f"would use {name} instead: save one of transformers' own with save_pretrained"
        )
    check_size(processing, config.vision_config, files.where)
    return processing


def _check_limits(read: Mapping[str, Any], what: str) -> None:
    """Raise InputError, beginning with `what`, for a size of images that is none, or no memory's.

    A NaFlex model reads no picture at all with `max_num_patches` 0.
    """
    for name, most in MOST.items():
        sizes = read.get(name)
        parts = sizes.values() if isinstance(sizes, dict) else [sizes]
        for one in parts:
            if isinstance(one, (int, float)) and not 1 <= one <= most:
                found = f"{name} {str(sizes)[:60]}"
                raise InputError(f"{what}: has {found}; expected 1 to {most:,}")


def _current(declared: str) -> str:
    """Return the name that transformers has today for the class that a file names.

    >>> _current("CLIPFeatureExtractor"), _current("SiglipImageProcessorFast")
    ('CLIPImageProcessor', 'SiglipImageProcessor')
    """
    name = declared.removesuffix("Fast").removesuffix("Pil")
    old = "FeatureExtractor"
    return f"{name.removesuffix(old)}ImageProcessor" if name.endswith(old) else name


def settings(processing: ImageProcessing) -> dict[str, Any]:
    """Return what an identity records of an image processor: all that makes pixels."""
    processor = processing.processor
    found = json.loads(json.dumps(processor.to_dict(), default=str, sort_keys=True))
    return {
        **{name: value for name, value in found.items() if name != "transformers_version"},
        "processor": type(processor).__name__,
        "backend": str(getattr(processor, "backend", "")),
        "decoder": PILLOW,
        **({"exif": True} if processing.exif else {}),
    }


def probed(processing: ImageProcessing) -> ImageProcessing:
    """Return a preprocessing with its shape, split if its parts equal the processor on noise."""
    noise = np.random.default_rng(0).integers(0, 256, (PROBE[1], PROBE[0], 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    whole = replace(processing, is_split=False)
    by_hand = whole.tensor(image)
    if not by_hand.isfinite().all():
        raise ValueError("it makes pixels that are not finite; see its image_mean and image_std")
    whole = replace(whole, shape=tuple(by_hand.shape))
    try:
        pixels = processing.tensor(image)
        split = replace(processing, shape=tuple(pixels.shape))
        equal = _is_equal(Scaling(split)(pixels[None]), Scaling(whole)(by_hand[None]))
    except Exception:  # A processor of another make.
        return whole
    return split if equal and pixels.dtype == torch.uint8 else whole


def _is_equal(ours: Any, by_hand: Any) -> bool:
    if isinstance(ours, naflex.Patches):
        return torch.equal(ours.values, by_hand.values) and torch.equal(ours.shapes, by_hand.shapes)
    return torch.equal(ours, by_hand)


def check_size(processing: ImageProcessing, vision: Any, where: str) -> None:
    """Raise InputError unless images have the size that the image tower reads."""
    name, patch = type(processing.processor).__name__, vision.patch_size
    if getattr(vision, "image_size", None) is None:
        if len(processing.shape) != 2 or processing.shape[1] != 3 * patch**2:
            found = getattr(processing.processor, "patch_size", None)
            what = f"patch_size {found}" if found else "one size of images"
            raise InputError(
                f"{where}: {name} has {what}, and the image tower reads patches of {patch} pixels "
                f"(NaFlex); {OF_ANOTHER}"
            )
        return
    size = vision.image_size
    wanted_shape = (3, *((size, size) if isinstance(size, int) else tuple(size)))
    if processing.shape != wanted_shape:
        raise InputError(
            f"{where}: {name} makes images of {_size(processing.shape)} (from {PROBE[0]} x "
            f"{PROBE[1]} pixels), and the image tower reads {_size(wanted_shape)}; {OF_ANOTHER}"
        )


def _size(shape: tuple[int, ...]) -> str:
    """Return a shape in words.

    >>> _size((3, 224, 112)), _size((257, 768))
    ('112 x 224 pixels', '256 patches')
    """
    return f"{shape[0] - 1} patches" if len(shape) == 2 else f"{shape[2]} x {shape[1]} pixels"

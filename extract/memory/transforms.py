"""A preprocessing that is an object in memory: recognised as open_clip's, or run as it is.

A torchvision Compose that equals one of open_clip's is exchanged for ours, and gets the identity
that a model loaded by name has. Any other Compose of steps without chance is recorded by its steps,
and any other function by the name that the user gives it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from oodcache.cache.errors import InputError, first_lines
from oodcache.extract.model.pixels import UPRIGHT, decode
from oodcache.extract.model.request import PILLOW
from oodcache.extract.run.decoding import Prepared

LIBRARIES = ("torchvision.transforms", "open_clip.transform", "timm.data.transforms")
WITHOUT_CHANCE = (
    *("Resize", "CenterCrop", "Pad", "Grayscale", "RGB", "ToTensor", "PILToTensor", "ToImage"),
    *("ToDtype", "ConvertImageDtype", "Normalize", "MaybeConvertMode", "MaybeToTensor"),
    *("ResizeKeepRatio", "CenterCropOrPad"),
)
CONVERSIONS = ("_convert_image_to_rgb", "_convert_to_rgb")  # Of CLIP and open_clip.
MODES = {"bicubic": "bicubic", "bilinear": "bilinear"}
PROBE = (48, 64)  # Height and width of the image that a transform is tried with.
GIVE_ID = 'give preprocess_id="NAME", which is stored with the embeddings'

Steps = list[tuple[Any, ...]]


@dataclass(frozen=True)
class OwnTransform:
    """A preprocessing by a function of a PIL image, which gives a float tensor of `shape`."""

    transform: Callable[[Any], Any]
    shape: tuple[int, ...]
    exif: bool = False

    def prepared(self, content: bytes) -> Prepared:
        """Return the image in `content` as the model's input; raise if there is none."""
        found = decode(content)
        pixels = self.transform(found.turned() if self.exif else found.image)
        if tuple(pixels.shape) != self.shape:
            raise ValueError(f"preprocess gave the shape {tuple(pixels.shape)}, not {self.shape}")
        return Prepared(pixels.float(), found.orientation != UPRIGHT)

    def blank(self) -> torch.Tensor:
        """Return placeholder pixels for an unreadable image."""
        return torch.zeros(self.shape)


def as_it_is(transform: Callable[[Any], Any], *, exif: bool) -> OwnTransform:
    """Return a function as a preprocessing, once it was tried; raise InputError if it is unfit."""
    pixels = np.random.default_rng(0).integers(0, 256, (*PROBE, 3), np.uint8)
    try:
        found, again = transform(Image.fromarray(pixels)), transform(Image.fromarray(pixels))
    except Exception as error:  # Code of the user's.
        raise InputError(f"preprocess fails on a PIL image: {first_lines(error)}") from error
    if not isinstance(found, torch.Tensor) or found.ndim != 3 or not found.is_floating_point():
        what = f"a {type(found).__name__}"
        if isinstance(found, torch.Tensor):
            what = f"a tensor {tuple(found.shape)} of {str(found.dtype).removeprefix('torch.')}"
        raise InputError(
            f"preprocess gives {what} for a PIL image: expected a float tensor (3, H, W)"
        )
    if not torch.equal(found, again):
        raise InputError("preprocess is random: it gives one image twice, with different pixels")
    return OwnTransform(transform, tuple(found.shape), exif)


def configuration(transform: object, own: Mapping[str, Any] | None) -> PreprocessCfg | None:
    """Return the configuration whose transform in open_clip equals this one, None if none does.

    `own` is the model's, as open_clip keeps it.
    """
    steps = _plain(transform)
    candidates = [_of_model(own), _of_steps(steps)] if steps is not None else []
    for found in candidates:
        if found is not None and _plain(image_transform_v2(found, is_train=False)) == steps:
            return found
    return None


def identity(transform: object, preprocess_id: str | None) -> dict[str, Any]:
    """Return what is stored about a preprocessing that runs as it is.

    Raises InputError if only an id could identify it and there is none, or if a step is random.
    """
    if preprocess_id is not None:
        if not isinstance(preprocess_id, str) or not preprocess_id.strip():
            raise InputError(f"preprocess_id is {preprocess_id!r}: expected a name, such as 'mine'")
        return {"preprocess_id": preprocess_id, "decoder": PILLOW}
    steps = _steps(transform)
    if steps is None:
        raise InputError(f"preprocess is no torchvision transform: {GIVE_ID}")
    for step in steps:
        name, is_known = type(step).__name__, type(step).__module__.startswith(LIBRARIES)
        if is_known and name.startswith(("Random", "ColorJitter", "AutoAugment", "TrivialAugment")):
            raise InputError(
                f"preprocess is random ({name}): give the transform for evaluation, the third "
                "value of open_clip.create_model_and_transforms"
            )
        if not (is_known and name in WITHOUT_CHANCE) and not _converts(step):
            raise InputError(f"preprocess has a step of its own, {name}: {GIVE_ID}")
    return {"transform": [_text(step) for step in steps], "decoder": PILLOW}


def is_transform(value: object) -> bool:
    """Return whether a value is a Compose of torchvision."""
    return _steps(value) is not None


def _steps(transform: object) -> list[Any] | None:
    """Return the steps of a Compose, None for anything else."""
    if not type(transform).__module__.startswith("torchvision.transforms"):
        return None
    found = getattr(transform, "transforms", None)
    return list(found) if isinstance(found, Sequence) else None


def _text(step: object) -> str:
    if _converts(step):
        return "RGB()"
    text = re.sub(r"\s+", " ", repr(step))
    dtype = getattr(step, "dtype", None)  # Which torchvision does not print.
    return f"{text} to {dtype}" if isinstance(dtype, torch.dtype) else text


def _converts(step: object) -> bool:
    return getattr(step, "__name__", "") in CONVERSIONS


def _plain(transform: object) -> Steps | None:
    """Return a Compose's steps as values to compare, None if one of them has no equal in open_clip.

    A conversion to RGB is left out: every image is converted first.
    """
    steps = _steps(transform)
    if steps is None:
        return None
    found = [_step(step) for step in steps if not _is_rgb(step)]
    return None if None in found else [one for one in found if one is not None]


def _is_rgb(step: Any) -> bool:
    if type(step).__name__ == "MaybeConvertMode":
        return bool(step.mode == "RGB")
    return _converts(step) or type(step).__name__ == "RGB"


def _step(step: Any) -> tuple[Any, ...] | None:
    name = type(step).__name__
    if not type(step).__module__.startswith(LIBRARIES):
        return None
    if name == "Resize" and step.max_size is None:
        mode = step.interpolation  # An enumeration, or a text.
        return ("resize", _size(step.size), str(getattr(mode, "value", mode)))
    if name == "CenterCrop":
        return ("crop", _pair(step.size))
    if name == "Normalize":
        return ("normalize", *(tuple(map(float, one)) for one in (step.mean, step.std)))
    if name in ("ToTensor", "MaybeToTensor"):  # v2's ToDtype differs in the last bit.
        return ("tensor",)
    return (_text(step),) if name in ("ResizeKeepRatio", "CenterCropOrPad") else None


def _size(size: Any) -> int | tuple[int, ...]:
    """Return one number for the shorter side, two for a fixed size."""
    found = (size,) if isinstance(size, int) else tuple(int(one) for one in size)
    return found[0] if len(found) == 1 else found


def _pair(size: Any) -> tuple[int, ...]:
    found = _size(size)
    return (found, found) if isinstance(found, int) else found


def _of_model(own: Mapping[str, Any] | None) -> PreprocessCfg | None:
    """Return the configuration that a model of open_clip carries."""
    if not own or "size" not in own:
        return None
    size = own["size"]
    try:
        return PreprocessCfg(**{**own, "size": tuple(size) if isinstance(size, list) else size})
    except TypeError:  # Of another version, with other names.
        return None


def _of_steps(steps: Steps) -> PreprocessCfg | None:
    """Return the configuration that steps like these come from, to be checked against them."""
    by_name = {one[0]: one[1:] for one in steps}
    if not {"resize", "normalize"} <= by_name.keys():
        return None
    size, mode = by_name["resize"]
    if mode not in MODES:
        return None
    (crop,) = by_name.get("crop", (size,))
    (mean, std), resized = by_name["normalize"], "shortest" if "crop" in by_name else "squash"
    if isinstance(crop, int) or len(mean) != 3:
        return None
    found = PreprocessCfg(
        size=crop, mean=mean, std=std, interpolation=MODES[mode], resize_mode=resized
    )
    return found if asdict(found)["mode"] == "RGB" else None

"""What the parts of the check share: the device, images, and models with random weights."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image

from oodcache.extract.model import loading
from oodcache.extract.model.encoder import Encoder, device_of
from oodcache.extract.model.request import ModelRequest, resolve
from oodcache.extract.run.decoding import Decoded
from oodcache.extract.run.timing import DECODING, Timing
from oodcache.extract.run.transfer import Transfer, pipelined

TINY = "tiny-clip"  # The demo's, which has weights.
# Of 224 pixels, as large models see them, and with next to nothing to compute.
NARROW = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 224, "patch_size": 56, "width": 8, "head_width": 8, "layers": 1},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@dataclass(frozen=True)
class Setting:
    """Where the check runs; `small` takes seconds on a CPU, and models that are the demo's."""

    device: str
    small: bool
    folder: Path

    @property
    def is_cuda(self) -> bool:
        return self.device.startswith("cuda")

    def size(self, usual: int, small: int) -> int:
        """Return a number that the small check has smaller."""
        return small if self.small else usual

    def model(self, name: str) -> str:
        """Return the name of a model, in the small check the demo's."""
        return TINY if self.small else name


def encoder(setting: Setting, name: str, device: str | None = None) -> Encoder:
    """Return a model on a device; an architecture has random weights, each time the same."""
    request = ModelRequest(name, device=device or setting.device)
    if name != TINY:
        request = replace(request, checkpoint=_weights(setting.folder, name))
    return loading.load(resolve(request), lambda text: None)


def narrow(setting: Setting) -> Encoder:
    """Return a model of 224 pixels that costs next to nothing."""
    config = setting.folder / "narrow-224.json"
    config.write_text(json.dumps(NARROW))
    open_clip.add_model_config(config)
    return encoder(setting, config.stem)


def _weights(folder: Path, name: str) -> Path:
    path = folder / f"{name}.pt"
    if not path.exists():
        torch.manual_seed(0)
        torch.save(open_clip.create_model(name).state_dict(), whole := path.with_suffix(".new"))
        whole.rename(path)  # A part that is ended leaves no half of it to the next.
    return path


@cache
def jpegs(count: int, side: int) -> Sequence[bytes]:
    """Return square crops of scikit-learn's two photographs as JPEGs."""
    from sklearn.datasets import load_sample_images

    generator, photos, found = np.random.default_rng(0), load_sample_images().images, []
    for number in range(count):
        pixels, file = photos[number % 2], io.BytesIO()
        top, left = (int(generator.integers(0, length - side)) for length in pixels.shape[:2])
        Image.fromarray(pixels[top : top + side, left : left + side]).save(file, "JPEG", quality=92)
        found.append(file.getvalue())
    return found


def folder_of_images(folder: Path, count: int, side: int) -> Path:
    """Return a folder of `count` links to 64 crops."""
    folder.mkdir()
    stored = folder.with_name(f"{folder.name}-stored")
    stored.mkdir()
    for number, content in enumerate(jpegs(64, side)):
        (stored / f"{number}.jpg").write_bytes(content)
    for number in range(count):
        (folder / f"{number:06d}.jpg").symlink_to(stored / f"{number % 64}.jpg")
    return folder


def prepared(model: Encoder, count: int, side: int = 400) -> torch.Tensor:
    """Return images as the decoding processes hand them over, uint8 (n, 3, height, width)."""
    found = [model.preprocessing.prepared(content).pixels for content in jpegs(64, side)]
    return torch.stack([found[number % 64] for number in range(count)])


def vectors(model: Encoder, pixels: torch.Tensor, batch_size: int = 32) -> torch.Tensor:
    """Return the vectors of images, which take the way of an extraction's there and back."""
    batches = (Decoded(one) for one in pixels.split(batch_size))
    pinned = (one.pin_memory() if model.device.type == "cuda" else one for one in batches)
    way = (Transfer(model.device), Timing(DECODING))
    found = pipelined(pinned, lambda one: one.images, model.images, *way)
    return torch.cat([encoded.vectors for _, encoded in found])


def synchronize(device: torch.device | str) -> None:
    """Wait until a device has done all that it was asked for."""
    device = torch.device(device)
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def name_of(device: str) -> str:
    """Return a device as extraction records it."""
    found = device_of(device)
    return torch.cuda.get_device_name(found) if found.type == "cuda" else found.type

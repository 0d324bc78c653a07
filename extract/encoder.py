"""A loaded model: images and prompts in, float32 unit vectors out."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from oodcache.cache.identity import Identity, ModelIdentity

LIBRARIES = ("oodcache", "torch", "torchvision", "open_clip_torch", "timm", "pillow", "h5py")

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Encoded:
    """Unit vectors (n, D) in float32, and each one's length before it was normalised, (n,)."""

    vectors: npt.NDArray[np.float32]
    norm: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Signature:
    """What a loaded model leaves in every file that it makes; small, and can be pickled.

    `preprocessing` and `tokenizing` say how images and prompts are prepared for it.
    """

    identity: ModelIdentity
    precision: Mapping[str, Any]
    preprocessing: Mapping[str, Any]
    tokenizing: Mapping[str, Any]

    def identify(self, kind: str, origin: Mapping[str, Any]) -> Identity:
        """Return the identity of a file of `kind`, "images" or "texts", that this model makes."""
        versions = {library: importlib.metadata.version(library) for library in LIBRARIES}
        return Identity(
            model=self.identity,
            source=origin,
            encoding=self.preprocessing if kind == "images" else self.tokenizing,
            precision=self.precision,
            versions={**versions, "python": platform.python_version()},
        )


@dataclass(frozen=True)
class Encoder:
    """A model in evaluation mode on its device.

    `preprocess` turns a PIL image into a tensor as the model was trained to see it. `tokenize` is
    None in a model that was loaded for images alone.
    """

    model: Any  # One of open_clip's classes, which mypy does not see.
    signature: Signature
    device: torch.device
    preprocess: Callable[[Any], torch.Tensor]
    tokenize: Callable[[list[str]], torch.Tensor] | None

    def images(self, batch: torch.Tensor) -> Encoded:
        """Encode preprocessed images (n, 3, height, width)."""
        return self._encode(self.model.encode_image, batch)

    def prompts(self, prompts: Sequence[str]) -> Encoded:
        """Encode prompts, tokenized at the model's own length and padding."""
        assert self.tokenize is not None, "loaded for images alone"
        return self._encode(self.model.encode_text, self.tokenize(list(prompts)))

    def _encode(
        self, encode: Callable[[torch.Tensor], torch.Tensor], batch: torch.Tensor
    ) -> Encoded:
        with torch.inference_mode(), self._autocast():
            features = encode(batch.to(self.device, non_blocking=True))
        # To float32 first: normalised in bfloat16, norms would lie in 0.997 to 1.003.
        features = features.float()
        vectors = torch.nn.functional.normalize(features, dim=-1)
        return Encoded(vectors.cpu().numpy(), features.norm(dim=-1).cpu().numpy())

    def _autocast(self) -> AbstractContextManager[Any]:
        dtype = DTYPES[self.signature.precision["autocast"]]
        if dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype)

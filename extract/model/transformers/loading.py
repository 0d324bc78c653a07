"""Model loading by transformers: an encoder like open_clip's from a checkpoint in its layout."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from oodcache.cache.errors import InputError
from oodcache.cache.format.identity import OVERRIDDEN
from oodcache.cache.watch import Note
from oodcache.extract.model.encoder import (
    LIBRARIES,
    Encoder,
    Signature,
    device_of,
    moved,
    precision,
    towers,
)
from oodcache.extract.model.identity import identity
from oodcache.extract.model.names import options
from oodcache.extract.model.names.configs import of_vectors
from oodcache.extract.model.request import Resolved
from oodcache.extract.model.transformers import images
from oodcache.extract.model.transformers.files import files_of
from oodcache.extract.model.transformers.naflex import Patches
from oodcache.extract.model.transformers.prompts import Prompts, load_prompts
from oodcache.extract.model.transformers.weights import loaded_model, quiet

MORE_LIBRARIES = ("transformers", "tokenizers")


@dataclass(frozen=True)
class TwoTowers:
    """A model of transformers, called as open_clip's are; without `prompts` for images only."""

    module: Any  # One of transformers' classes.
    prompts: Prompts | None

    def encode_image(self, batch: torch.Tensor | Patches) -> torch.Tensor:
        """Return the vectors of normalised images, or of patches for NaFlex."""
        if isinstance(batch, Patches):
            return self._vectors(
                self.module.get_image_features(
                    pixel_values=batch.values,
                    pixel_attention_mask=batch.mask,
                    spatial_shapes=batch.shapes,
                )
            )
        return self._vectors(self.module.get_image_features(pixel_values=batch))

    def encode_text(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the vectors of tokens, as `prompts` makes them."""
        assert self.prompts is not None, "loaded for images only"
        return self._vectors(self.module.get_text_features(**self.prompts.inputs(tokens)))

    def to(self, memory_format: torch.memory_format) -> None:
        """Change the layout of the weights in memory."""
        self.module.to(memory_format=memory_format)

    def _vectors(self, output: Any) -> torch.Tensor:
        vectors: torch.Tensor = output.pooler_output
        return vectors


def load(resolved: Resolved, note: Note, *, with_texts: bool = True) -> Encoder:
    """Return the loaded model; raise InputError if it cannot be loaded.

    `with_texts=False` skips the tokenizer, which images do not need.
    """
    request = resolved.request
    options.check(resolved)
    device = device_of(request.device)
    files = files_of(resolved, note, with_texts=with_texts)
    raw = files.config()
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = loaded_model(files, raw, note)
        processing = images.load_images(files, module.config, exif=request.exif)
        prompts = None
        if with_texts:
            prompts = load_prompts(files.folder, module.config, where=files.where, note=note)
    if request.channels_last and len(processing.shape) == 2:
        raise InputError(
            "--channels-last: a NaFlex model reads patches, which have no such layout; run without"
        )
    signature = Signature(
        identity=identity(resolved, _architecture(raw, module), module.state_dict(), note),
        precision=precision(request, device),
        preprocessing={**images.settings(processing), OVERRIDDEN: []},
        tokenizing=prompts.settings() if prompts else {},
        places=resolved.places,
        libraries=(*LIBRARIES, *MORE_LIBRARIES),
    )
    moved(module, device)
    return Encoder(
        module,
        signature,
        device,
        processing,
        images.Scaling(processing),
        prompts,
        towers(
            TwoTowers(module, prompts),
            channels_last=request.channels_last,
            compiled=request.compile,
        ),
    )


def _architecture(raw: Mapping[str, Any], module: Any) -> dict[str, Any]:
    """Return config.json as far as it changes vectors, the class, and how attention is computed."""
    return {
        "transformers": of_vectors(raw),
        "model": type(module).__name__,
        "attention": str(module.config._attn_implementation),
    }

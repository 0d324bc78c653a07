"""The weights of a checkpoint, put into an architecture: what open_clip would adapt is checked."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from open_clip import factory
from open_clip.convert import convert_state_dict
from open_clip.model import (
    convert_to_custom_text_state_dict,
    resize_pos_embed,
    resize_text_pos_embed,
)

from oodcache.cache.errors import InputError, first_lines
from oodcache.cache.watch import Note
from oodcache.extract.model import checkpoint
from oodcache.extract.model.checkpoint import State
from oodcache.extract.model.request import CONFIG, HUB, LOCAL_DIR, Resolved

# Positions of images; open_clip interpolates those of its own transformer, and no others.
OWN_POSITIONS = "visual.positional_embedding"
TIMM_POSITIONS = "visual.trunk.pos_embed"
TEXT_POSITIONS = ("positional_embedding", "text.positional_embedding")
OF_OPENAI = ("input_resolution", "context_length", "vocab_size")  # Numbers beside its weights.
OF_TRANSFORMERS = (
    "its names are those of transformers: give its folder, with the config.json that "
    "save_pretrained wrote, as --model transformers:FOLDER"
)
FOREIGN = {
    "text_model.": OF_TRANSFORMERS,
    "vision_model.": OF_TRANSFORMERS,
    "lora_": "it holds a LoRA adapter: merge it into its model and save that",
}
LOADING = threading.Lock()


@contextmanager
def checked(resolved: Resolved, note: Note) -> Iterator[None]:
    """Let open_clip's create_model load weights by `Weights` while the context lasts.

    It offers no place between the file and the model.
    """

    def load_checkpoint(model: Any, path: str, **_: object) -> None:
        if resolved.architecture.startswith(LOCAL_DIR) and resolved.weights_file is None:
            which = f"open_clip reads {Path(path).name}"
            note(f"{resolved.architecture}: contains several weights files; {which}")
        if Path(path).suffix in (".npz", ".npy"):  # Of big_vision: none has another shape.
            own(model, path)
        else:
            Weights(resolved, Path(path), note).put_into(model)

    with LOADING:
        own: Callable[[Any, str], Any] = factory.load_checkpoint
        factory.load_checkpoint = load_checkpoint
        try:
            yield
        finally:
            factory.load_checkpoint = own


@dataclass(frozen=True)
class Weights:
    """The weights in a file, and the request that they are for."""

    resolved: Resolved
    path: Path
    note: Note

    def put_into(self, model: Any) -> None:
        """Load the weights; raise InputError if they do not fit, and note what is interpolated."""
        state = convert_state_dict(model, checkpoint.state_dict(self.path, self._note_own))
        if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
            state = convert_to_custom_text_state_dict(state)
        wanted = model.state_dict()
        for name in set(OF_OPENAI) & (state.keys() - wanted.keys()):
            del state[name]
        state.pop("text.transformer.embeddings.position_ids", None)  # Of older transformers.
        self._check_types(state, wanted)
        self._check_bias(state, wanted)
        for name in ("logit_scale", "logit_bias"):
            if name in state and name in wanted and state[name].numel() == 1:
                state[name] = state[name].reshape(wanted[name].shape)
        if "logit_bias" in wanted and "logit_scale" in state:
            state.setdefault("logit_bias", torch.zeros_like(wanted["logit_bias"]))
        self._check_texts(state, model)
        self._check_images(state, model)
        try:
            resize_pos_embed(state, model)
            resize_text_pos_embed(state, model)
            model.load_state_dict(state, strict=True)
        except Exception as error:  # torch says in a line for each tensor what does not fit.
            raise InputError(f"{self._what}: {_misfit(state, wanted, error)}") from error

    def _note_own(self, text: str) -> None:
        """Note what is special about a file, unless open_clip knows it by a tag."""
        if not self._has_tag:
            self.note(text)

    @property
    def _has_tag(self) -> bool:
        return self.resolved.tag is not None and self.resolved.request.checkpoint is None

    @property
    def _what(self) -> str:
        is_local = self.resolved.weights_file is not None or self.resolved.is_local
        return str(self.path) if is_local else f"--model {self.resolved.request.requested}"

    @property
    def _config(self) -> str:
        name, config = self.resolved.architecture, self.resolved.request.config
        if name.startswith(LOCAL_DIR):
            return str(Path(name.removeprefix(LOCAL_DIR)) / CONFIG)
        if name.startswith(HUB):
            return f"{CONFIG}, in a copy of the repository given as local-dir:"
        return str(config) if config else "a copy of its configuration given as --model-config"

    def _check_bias(self, state: State, wanted: State) -> None:
        if "logit_bias" not in state or "logit_bias" in wanted:
            return
        bias = state["logit_bias"]
        found = f"{float(bias):.4g}" if bias.numel() == 1 else f"of shape {tuple(bias.shape)}"
        raise InputError(
            f"{self._what}: its weights have a logit_bias ({found}) and the configuration has no "
            f'init_logit_bias: add  "init_logit_bias": -10  to {self._config}'
        )

    def _check_texts(self, state: State, model: Any) -> None:
        """Reject another number of tokens: interpolated positions of texts make other vectors."""
        name = next((one for one in TEXT_POSITIONS if one in state), TEXT_POSITIONS[0])
        text = model if hasattr(model, "positional_embedding") else getattr(model, "text", None)
        own, found = getattr(text, "positional_embedding", None), state.get(name)
        if own is None or not _are_other_rows(found, own):
            return
        assert found is not None
        length = int(text.context_length) if text is not None else len(own)
        reads = len(found) - (len(own) - length)
        what = (
            f"{self._what}: its weights read {reads} tokens, the configuration says {length}: "
            "open_clip interpolates the positions, which makes other vectors"
        )
        if self._has_tag and self.resolved.request.config is None:  # No user could change it.
            self.note(what)
            return
        raise InputError(f'{what}; give  "context_length": {reads}  in text_cfg of {self._config}')

    def _check_images(self, state: State, model: Any) -> None:
        """Note positions that open_clip interpolates; reject those that it does not."""
        visual: Any = getattr(model, "visual", None)
        own, found = getattr(visual, "positional_embedding", None), state.get(OWN_POSITIONS)
        if own is not None and _are_other_rows(found, own):
            assert found is not None
            self.note(
                f"{self._what}: its weights have positions for "
                f"{_side(len(found) - 1, visual.patch_size)} px, the configuration has "
                f"image_size {_pixels(visual.image_size)}: open_clip interpolates them"
            )
            state[OWN_POSITIONS] = found.float()  # Not for half precision.
        patch: Any = getattr(getattr(visual, "trunk", None), "patch_embed", None)
        if type(patch).__name__ == "PatchEmbed" and patch.strict_img_size and not self._has_tag:
            self._check_timm(state.get(TIMM_POSITIONS), visual)

    def _check_timm(self, found: torch.Tensor | None, visual: Any) -> None:
        """Reject a timm tower that reads another size than its weights or its configuration."""
        patch, own = visual.trunk.patch_embed, getattr(visual.trunk, "pos_embed", None)
        if own is not None and own.ndim == 3 and _are_other_rows(found, own):
            assert found is not None
            side = _side(found.shape[1] - (own.shape[1] - patch.num_patches), patch.patch_size)
            raise InputError(
                f"{self._what}: its weights have positions for {side} px, its timm_model_name "
                f"for {_pixels(patch.img_size)}: give the one for {side} in {self._config}"
            )
        if _pixels(patch.img_size) != _pixels(visual.image_size):
            raise InputError(
                f"{self._what}: its timm_model_name reads {_pixels(patch.img_size)} px, the "
                f"configuration has image_size {_pixels(visual.image_size)}: give  "
                f'"image_size": {_pixels(patch.img_size)}  in vision_cfg of {self._config}'
            )

    def _check_types(self, state: State, wanted: State) -> None:
        """Reject what torch would copy without a word: quantised weights are not numbers."""
        for name in state.keys() & wanted.keys():
            found = state[name]
            if not isinstance(found, torch.Tensor):
                raise InputError(f"{self._what}: {name} is a {type(found).__name__}, not a tensor")
            if found.is_floating_point() != wanted[name].is_floating_point():
                raise InputError(
                    f"{self._what}: {name} is {str(found.dtype).removeprefix('torch.')}, expected "
                    "floating-point weights; quantised ones are not read"
                )


def _are_other_rows(found: torch.Tensor | None, own: torch.Tensor) -> bool:
    """Return whether `found` are positions as wide as the architecture's, but not as many."""
    if found is None or found.ndim != own.ndim or found.shape == own.shape:
        return False
    return found.shape[-1] == own.shape[-1]


def _side(patches: int, patch: int | tuple[int, int]) -> int:
    """Return the side of a square image of that many patches, rounded down."""
    return math.isqrt(max(0, patches)) * (patch if isinstance(patch, int) else max(patch))


def _pixels(size: int | tuple[int, int]) -> str:
    """Return a size as a configuration has it.

    >>> _pixels((224, 224)), _pixels((224, 112))
    ('224', '[224, 112]')
    """
    height, width = (size, size) if isinstance(size, int) else size
    return str(height) if height == width else f"[{height}, {width}]"


def _misfit(state: State, wanted: State, error: Exception) -> str:
    """Return why weights do not fit an architecture, with a few of the names."""
    for part, what in FOREIGN.items():
        if any(part in name for name in state) and not any(part in name for name in wanted):
            return what
    why = checkpoint.misfit(state, wanted) or first_lines(error)[:200]
    return f"does not fit the architecture: {why}"

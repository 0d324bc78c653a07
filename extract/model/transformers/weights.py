"""The weights of a checkpoint of transformers: read, checked, and loaded whole in float32."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from transformers.utils import logging

from oodcache.cache.errors import InputError, reason
from oodcache.cache.text import counted, listed
from oodcache.cache.watch import Note
from oodcache.extract.model import checkpoint
from oodcache.extract.model.checkpoint import State
from oodcache.extract.model.names import configs
from oodcache.extract.model.transformers.files import CheckpointFiles

SCALES = ("logit_scale", "logit_bias")
POSITIONS = ".position_ids"  # Numbers 0, 1, …, which older versions of transformers saved.
TEXTS, IMAGES = ("text_model.", "text_projection."), ("vision_model.", "visual_projection.")
# Settings of a machine, not of a model.
OF_MACHINE = ("attn_implementation", "dtype", "torch_dtype", "device_map")
# Several times the largest that are published.
MOST = {
    **{"hidden_size": 2**14, "intermediate_size": 2**17, "num_hidden_layers": 512},
    **{"num_attention_heads": 2**10, "image_size": 2**13, "patch_size": 2**10},
    **{"num_patches": 2**20, "max_position_embeddings": 2**14, "vocab_size": 2**23},
    **{"projection_dim": 2**14, "projection_size": 2**14, "num_channels": 2**10},
}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from printing: what matters is raised or noted."""
    level, has_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if has_bar:
            logging.enable_progress_bar()


def loaded_model(files: CheckpointFiles, config: Mapping[str, Any], note: Note) -> Any:
    """Return the model that config.json describes, with its weights in float32, on the CPU.

    Raises InputError if it has no two towers, or if the weights do not fit it, or not all of it.
    """
    _check(config, files.where)
    kind = getattr(transformers, configs.CLASSES[config["model_type"]])
    own = {name: value for name, value in config.items() if name not in OF_MACHINE}
    own = {name: value for name, value in own.items() if not name.startswith("_")}
    state = _state(files, note)
    try:
        built = kind.config_class.from_dict(own)
        for part in (built, built.text_config, built.vision_config):
            part.return_dict = True  # How a caller gets the vectors, not which.
        check_towers(built, files.where)
        model, found = kind.from_pretrained(
            None,
            config=built,
            state_dict=state,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,  # Below they are refused, by their names.
            output_loading_info=True,
        )
    except InputError:
        raise
    except Exception as error:  # An untrusted configuration: report any failure.
        raise InputError(
            f"{files.where}: config.json: transformers cannot build this model: "
            f"{reason(error)[:200]}; use the config.json that was saved with the weights"
        ) from error
    if misfit := Misfit.of(found).words():
        raise InputError(f"{files.where}: {misfit}")
    return model.eval()


def _check(config: Mapping[str, Any], where: str) -> None:
    """Raise InputError unless a configuration is that of a model that can be loaded."""
    configs.check(config, f"{where}: {configs.CONFIG}")
    for part in (config, config.get("text_config"), config.get("vision_config")):
        _check_sizes(part, where)


def _check_sizes(part: object, where: str) -> None:
    """Raise InputError for a size below 1, or one that would take a machine's memory."""
    for name in MOST.keys() & (part.keys() if isinstance(part, dict) else set()):
        assert isinstance(part, dict)
        found = part[name] if isinstance(part[name], list) else [part[name]]
        if any(isinstance(one, (int, float)) and not 1 <= one <= MOST[name] for one in found):
            what = f"{name} {str(part[name])[:40]}"
            raise InputError(f"{where}: config.json has {what}; expected 1 to {MOST[name]:,}")


def check_towers(config: Any, where: str) -> None:
    """Raise InputError unless both towers end in vectors of the same size."""
    if not getattr(config.vision_config, "vision_use_head", True):
        raise InputError(
            f"{where}: its image tower has no head (vision_use_head is false), so images have no "
            "vector: use a checkpoint with a head"
        )
    texts = getattr(config.text_config, "projection_size", None)
    images = config.vision_config.hidden_size
    if texts is not None and texts != images:
        raise InputError(
            f"{where}: texts have vectors of size {texts} (text_config.projection_size), images of "
            f"{images} (vision_config.hidden_size): expected equal sizes"
        )


def _state(files: CheckpointFiles, note: Note) -> State:
    """Return all weights by name; raise InputError for what is no floating-point number."""
    state: State = {}
    for path in files.weights():
        found = checkpoint.read(path)
        if not isinstance(found, Mapping):
            raise InputError(f"{path}: contains a {type(found).__name__}, expected weights by name")
        state.update({str(name): value for name, value in found.items()})
    for name in [one for one in state if one.endswith(POSITIONS)]:
        del state[name]
    for name, value in state.items():
        if not isinstance(value, torch.Tensor) or value.dtype not in checkpoint.CHECKED:
            kind = getattr(value, "dtype", type(value).__name__)
            raise InputError(
                f"{files.where}: {name} is {str(kind).removeprefix('torch.')}, expected "
                "floating-point weights; quantised ones are not read"
            )
    checkpoint.check_finite(files.folder, state)
    _note_half(files.where, state, note)
    return state


def _note_half(where: str, state: State, note: Note) -> None:
    half = {str(one.dtype).removeprefix("torch.") for one in state.values() if one.itemsize < 4}
    if half:
        note(f"{where}: its weights are {' and '.join(sorted(half))}; computing in float32")


@dataclass(frozen=True)
class Misfit:
    """Names of weights that an architecture lacks, that it does not have, and of other shapes."""

    missing: Collection[str]
    others: Collection[str]
    shapes: Mapping[str, tuple[Any, Any]]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Misfit:
        """Return what transformers says of loading."""
        shapes = {
            name: (tuple(one), tuple(own)) for name, one, own in sorted(found["mismatched_keys"])
        }
        return cls(sorted(found["missing_keys"]), sorted(found["unexpected_keys"]), shapes)

    def words(self) -> str:
        """Return in a line what does not fit, "" if all does."""
        if self.missing:
            return f"{self._lacking()}{self._more()}"
        if self.others:
            return (
                f"has {counted(len(self.others), 'weight')} that its config.json has no place for: "
                f"{listed(self.others)}; use the config.json that was saved with them"
            )
        for name, (found, own) in self.shapes.items():
            more = f" and {len(self.shapes) - 1:,} more" if len(self.shapes) > 1 else ""
            return (
                f"{name} is {found}, and by its config.json {own}{more}; use the config.json that "
                "was saved with the weights"
            )
        return ""

    def _lacking(self) -> str:
        count = f"{len(self.missing):,}"
        for tower, names in (("text", TEXTS), ("image", IMAGES)):
            own = [name for name in self.missing if name.startswith(names)]
            if len(own) + len(set(SCALES) & set(self.missing)) < len(self.missing):
                continue
            if any(name.startswith(f"{names[0]}embeddings.") for name in own):
                return f"has no weights of its {tower} tower ({count} are missing)"
            if [name for name in own if name.startswith(names[1])] == own != []:
                return f"its {tower} tower has no projection ({listed(own)} is missing)"
        return f"lacks {counted(len(self.missing), 'weight')}: {listed(self.missing)}"

    def _more(self) -> str:
        found = f", and has {len(self.others):,} others: {listed(self.others)}"
        return f"{found if self.others else ''}; use a checkpoint saved whole, by save_pretrained"

"""A model of transformers that Python code holds: its image processor and tokenizer, checked."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import transformers

from oodcache.cache.errors import InputError, first_lines
from oodcache.cache.watch import Note
from oodcache.extract.model.names import configs
from oodcache.extract.model.tokenizers import lacking
from oodcache.extract.model.transformers import images, prompts
from oodcache.extract.model.transformers.images import ImageProcessing
from oodcache.extract.model.transformers.prompts import Prompts
from oodcache.extract.model.transformers.weights import check_towers, quiet

WHERE = "model"
AS_A_FOLDER = "save_pretrained to a folder, and pass the folder"


def check(module: Any) -> None:
    """Raise InputError unless a module is of a kind that is loaded from files too."""
    config = getattr(module, "config", None)
    kind = str(getattr(config, "model_type", None))
    if kind not in configs.CLASSES:
        raise InputError(
            f"{WHERE}: {type(module).__name__} has model_type {kind[:40]!r}: expected one of "
            f"{', '.join(configs.CLASSES)}, such as {configs.CLASSES['siglip']}"
        )
    if getattr(config, "quantization_config", None):
        raise InputError(f"{WHERE}: its weights are quantised: load them without")
    check_towers(config, WHERE)


def image_processing(processor: Any, module: Any, *, exif: bool) -> ImageProcessing:
    """Return the preprocessing by an image processor, which must fit the image tower.

    Raises InputError if it is none, fails, or makes images of another size.
    """
    if not isinstance(processor, transformers.BaseImageProcessor):
        raise InputError(
            f"{WHERE}: its preprocess is a {type(processor).__name__}: expected an image processor "
            "of transformers, or AutoProcessor.from_pretrained(NAME)"
        )
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = images.probed(ImageProcessing(processor, exif=exif))
        except Exception as error:  # Code or settings of the user's.
            why = first_lines(error)[:200]
            raise InputError(f"{WHERE}: its image processor cannot be used: {why}") from error
    images.check_size(found, module.config.vision_config, WHERE)
    return found


def is_own(processor: Any) -> bool:
    """Return whether an image processor runs code of the user's, which its settings do not tell."""
    return not type(processor).__module__.startswith("transformers.")


def prompts_of(tokenizer: Any, module: Any, note: Note) -> Prompts:
    """Return the prompts of a model in memory; raise InputError if the tokenizer is not its own."""
    if not isinstance(tokenizer, transformers.PreTrainedTokenizerBase):
        raise InputError(
            f"{WHERE}: {type(tokenizer).__name__} is no tokenizer of transformers: give "
            "AutoTokenizer.from_pretrained(NAME)"
        )
    if not any(hasattr(tokenizer, one) for one in ("backend_tokenizer", "sp_model")):
        raise InputError(
            f"{WHERE}: the vocabulary of {type(tokenizer).__name__} cannot be read: {AS_A_FOLDER}"
        )
    if why := lacking(tokenizer):
        raise InputError(f"{WHERE}: its tokenizer cannot be used: {why}")
    with quiet():
        return prompts.made(tokenizer, module.config, tokenizer.init_kwargs, where=WHERE, note=note)


def is_same(loaded: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Return whether an architecture from a folder is that of a module in memory.

    A file may leave out what has its default.
    """
    raw = loaded["transformers"]
    kind = configs.CLASSES.get(str(raw.get("model_type"))) if isinstance(raw, dict) else None
    if kind is None or own["class"].rpartition(".")[2] != loaded.get("model"):
        return False
    with quiet():
        try:
            found = configs.recorded(getattr(transformers, kind).config_class.from_dict(raw))
        except Exception:  # A configuration of another version.
            return False
    return bool(found == own["transformers"] and loaded.get("attention") == own["attention"])

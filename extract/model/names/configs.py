"""A model's configuration, read; of transformers' those that are loaded, and why others are not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import shown
from oodcache.cache.json_text import read_object
from oodcache.cache.text import listed

CONFIG = "config.json"
LARGEST = 10**6  # Bytes; those of the models that are read have some thousands.
# The kinds that are loaded, by `model_type`, with the class that has both towers.
CLASSES = {
    "clip": "CLIPModel",
    "siglip": "SiglipModel",
    "siglip2": "Siglip2Model",
    "metaclip_2": "MetaClip2Model",
}
# Of config.json, what does not change the vectors.
ASIDE = ("architectures", "transformers_version", "auto_map", "dtype", "torch_dtype")
VISION = (
    *("beit", "bit", "convnext", "convnextv2", "data2vec-vision", "deit", "dinat", "dinov2"),
    *("dinov2_with_registers", "dinov3_convnext", "dinov3_vit", "dpt", "efficientnet", "hiera"),
    *("ijepa", "mobilenet_v2", "mobilevit", "poolformer", "pvt_v2", "regnet", "resnet"),
    *("segformer", "swin", "swinv2", "timm_backbone", "timm_wrapper", "vit", "vit_mae", "vit_msn"),
)
TEXT = (
    *("albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "gemma"),
    *("gpt2", "llama", "mistral", "modernbert", "mpnet", "mt5", "nomic_bert", "qwen2", "qwen3"),
    *("roberta", "t5", "umt5", "xlm-roberta", "xlm-roberta-xl"),
)
TOWERS = {
    "vision": "an image tower without its texts",
    "text": "a text tower without its images",
}
OTHERS = (
    "embed with transformers yourself, then add the vectors by  oodcache cache import  (or "
    "cache.add in Python)"
)
EXAMPLES = {
    "clip": "openai/clip-vit-base-patch32",
    "siglip": "google/siglip-base-patch16-224",
    "siglip2": "google/siglip2-base-patch16-224",
    "metaclip_2": "facebook/metaclip-2-worldwide-huge-quickgelu",
}
WHOLE = f"expected both towers ({', '.join(CLASSES.values())}), as in "


def read(path: Path, what: str) -> dict[str, Any]:
    """Return the object in a configuration; raise InputError, beginning with `what`, if none."""
    try:
        return read_object(path, LARGEST)
    except ValueError as error:
        reason = str(error)[:200]
        raise InputError(f"{what}: is no configuration of a model: {reason}") from None


def check(config: Mapping[str, Any], what: str) -> None:
    """Raise InputError, beginning with `what`, unless it is of a model that is loaded."""
    if (reason := _refusal(config)) is not None:
        raise InputError(f"{what}: {reason}")


def is_supported(config: Mapping[str, Any]) -> bool:
    """Return whether a model of this configuration is loaded."""
    return _refusal(config) is None


def _refusal(config: Mapping[str, Any]) -> str | None:
    """Return why a configuration's model is not loaded, None if it is."""
    kind = config.get("model_type")
    if config.get("auto_map") or config.get("trust_remote_code"):
        return (
            "needs code of its own (auto_map), which oodcache never runs: use a model whose code "
            f"is in transformers ({', '.join(CLASSES)}), or {OTHERS}"
        )
    if not isinstance(kind, str):
        found = "has no model_type" if kind is None else f"has model_type {shown(kind)}"
        return f"{found}; expected one of {', '.join(CLASSES)}"
    if kind not in CLASSES:
        return f"model_type {shown(kind)} {_other_kind(kind)}"
    return _other_class(kind, config.get("architectures")) or _quantised(config)


def _other_kind(kind: str) -> str:
    """Return what a model of another kind is, and what to use instead."""
    family, _, tower = kind.rpartition("_")[0].rpartition("_")
    if tower in TOWERS and kind.endswith("_model"):
        return f"is {TOWERS[tower]}; {WHOLE}{EXAMPLES.get(family, EXAMPLES['clip'])}"
    if kind in VISION:
        return (
            "encodes images only, and class names need texts: use a whole CLIP or SigLIP, or an "
            "image encoder of timm (--model timm:NAME) with the scores of a bank"
        )
    if kind in TEXT:
        return f"encodes texts only, no images; {WHOLE}{EXAMPLES['clip']}"
    return f"is not loaded; expected one of {', '.join(CLASSES)}: {OTHERS}"


def _other_class(kind: str, classes: object) -> str | None:
    """Return what is wrong with `architectures`, such as one tower or a classifier."""
    if classes is None or classes == []:
        return None  # The weights will tell.
    if isinstance(classes, list) and CLASSES[kind] in classes:
        return None
    found = listed(classes) if isinstance(classes, list) else shown(classes)
    return (
        f"architectures is {found}, expected '{CLASSES[kind]}', with both towers: use the model "
        "that it was made from, or its own with both towers saved by save_pretrained"
    )


def _quantised(config: Mapping[str, Any]) -> str | None:
    found = config.get("quantization_config")
    if not found:
        return None
    method = found.get("quant_method") if isinstance(found, dict) else None
    how = f" ({shown(method)})" if method is not None else ""
    return (
        f"its weights are quantised{how}, and would make other vectors: use the weights that they "
        "were made from, in float32, bfloat16 or float16"
    )


def recorded(config: Any) -> dict[str, Any]:
    """Return an object's configuration whole, as it comes back from JSON, by what changes vectors.

    `config` is one of transformers'; what a file leaves out has its default.
    """
    found: dict[str, Any] = of_vectors(json.loads(json.dumps(config.to_dict(), default=str)))
    return found


def of_vectors(config: Any) -> Any:
    """Return a configuration, or a part of one, as far as it changes vectors."""
    if not isinstance(config, dict):
        return config
    names = [name for name in config if name not in ASIDE and not str(name).startswith("_")]
    return {name: of_vectors(config[name]) for name in names}

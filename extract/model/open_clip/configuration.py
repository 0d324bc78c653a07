"""A model's configuration: types and sizes checked before a model is built."""

from __future__ import annotations

import math
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, Union, get_args, get_origin, get_type_hints

from open_clip.coca_model import MultimodalCfg
from open_clip.model import CLIPTextCfg, CLIPVisionCfg
from open_clip.transform import PreprocessCfg

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import shown

TOWERS = {"vision_cfg": CLIPVisionCfg, "text_cfg": CLIPTextCfg, "multimodal_cfg": MultimodalCfg}
NEEDED = ("embed_dim", "vision_cfg", "text_cfg")
# Several times the largest of open_clip's own configurations.
MOST = {
    **{"embed_dim": 2**14, "width": 2**14, "layers": 512, "heads": 2**10, "head_width": 2**12},
    **{"image_size": 2**13, "patch_size": 2**10, "context_length": 2**14, "vocab_size": 2**23},
    **{"mlp_ratio": 64, "attn_pooler_queries": 2**13, "attn_pooler_heads": 2**10},
    **{"n_queries": 2**13, "dim_head": 2**12},
}
MOST_NUMBERS = 10**10  # 40 GB in float32; the largest model of open_clip has half as many.
NAFLEX = "naflex"  # open_clip 3 builds such a tower, but does not prepare images for it.
INTERPOLATIONS = ("bicubic", "bilinear", "random")
RESIZE_MODES = ("shortest", "longest", "squash")


def check(config: Mapping[str, Any], what: str) -> None:
    """Raise InputError, beginning with `what`, if an architecture cannot be built from it."""
    if missing := [key for key in NEEDED if key not in config]:
        if isinstance(config.get("model_cfg"), Mapping):
            raise InputError(
                f"{what}: has the architecture under model_cfg: give a file with that object "
                "alone, or the folder with its weights as --model local-dir:FOLDER"
            )
        raise InputError(f"{what}: lacks {', '.join(missing)}")
    for reason in _faults(config):
        raise InputError(f"{what}: {reason}")


def check_preprocessing(config: object, what: str) -> None:
    """Raise InputError, beginning with `what`, if images cannot be prepared by a preprocess_cfg."""
    if config is None:
        return
    if not isinstance(config, Mapping):
        raise InputError(f"{what}: preprocess_cfg is {shown(config)}, not an object")
    for reason in _preprocessing_faults({k: v for k, v in config.items() if v is not None}):
        raise InputError(f"{what}: preprocess_cfg.{reason}")


def _faults(config: Mapping[str, Any]) -> Iterator[str]:
    if not _is(config["embed_dim"], int):
        yield f"embed_dim is {shown(config['embed_dim'])}, not a whole number"
    yield from _size_fault("embed_dim", "embed_dim", config["embed_dim"])
    for name, kind in TOWERS.items():
        if name in config:
            yield from _tower_faults(name, config[name], kind)
    for name in ("init_logit_scale", "init_logit_bias"):
        value = config.get(name)
        if value is not None and not _is(value, float):
            yield f"{name} is {shown(value)}, not a number"
    numbers = sum(_numbers(config[name], TOWERS[name], config["embed_dim"]) for name in NEEDED[1:])
    if numbers > MOST_NUMBERS:
        yield f"describes a model of {numbers:.2g} numbers; the limit is {MOST_NUMBERS:.0e}"


def _tower_faults(tower: str, config: object, kind: type) -> Iterator[str]:
    if not isinstance(config, Mapping):
        yield f"{tower} is {shown(config)}, not an object"
        return
    wanted = get_type_hints(kind)
    for name, value in config.items():
        if name not in wanted:
            near = get_close_matches(name, wanted, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f"{tower} has an unknown field {shown(name)}{hint}"
        elif value is not None and not _is(value, wanted[name]):
            yield f"{tower}.{name} is {shown(value)}, not {_words(wanted[name])}"
        yield from _size_fault(name, f"{tower}.{name}", value)
    if str(config.get("timm_model_name")).startswith(NAFLEX):
        yield (
            f"{tower}.timm_model_name is {shown(config['timm_model_name'])}: NaFlex reads images "
            "in their own shape, but open_clip 3 makes them square, which gives other vectors; "
            "give the model in transformers' layout, such as google/siglip2-base-patch16-naflex"
        )


def _size_fault(name: str, where: str, value: object) -> Iterator[str]:
    most = MOST.get(name)
    if most is None or value is None:
        return
    for one in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(one, (int, float)) and not 0 < one <= most:
            yield f"{where} is {shown(value)}; expected from 1 to {most:,}"


def _preprocessing_faults(config: Mapping[str, Any]) -> Iterator[str]:
    known = {one.name for one in fields(PreprocessCfg)}
    for name in known & {"mean", "std"} & config.keys():
        value = config[name]
        fine = isinstance(value, list) and len(value) == 3 and all(_is(v, float) for v in value)
        if not fine or (name == "std" and min(value) <= 0):
            yield f"{name} is {shown(value)}, not three numbers"
    for name, words in (("interpolation", INTERPOLATIONS), ("resize_mode", RESIZE_MODES)):
        if config.get(name, words[0]) not in words:
            yield f"{name} is {shown(config[name])}, not {', '.join(words[:-1])} or {words[-1]}"
    if config.get("mode", "RGB") != "RGB":
        yield f"mode is {shown(config['mode'])}, not RGB"
    if not _is(config.get("fill_color", 0), int):
        yield f"fill_color is {shown(config['fill_color'])}, not a whole number"


def _is(value: object, kind: Any) -> bool:
    """Return whether a value of JSON is of a type, as the fields of open_clip have them."""
    if get_origin(kind) in (Union, types.UnionType):
        return any(_is(value, one) for one in get_args(kind))
    if get_origin(kind) is tuple:
        parts = get_args(kind)
        return (
            isinstance(value, (list, tuple))
            and len(value) == len(parts)
            and all(map(_is, value, parts))
        )
    if kind in (int, float):
        is_number = isinstance(value, (int, kind)) and not isinstance(value, bool)
        return is_number and abs(value) < math.inf  # type: ignore[arg-type]
    return isinstance(value, kind)


def _words(kind: Any) -> str:
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    parts = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return " or ".join(
        names.get(one, "a list of whole numbers" if get_origin(one) is tuple else "an object")
        for one in parts
        if one is not type(None)
    )


def _numbers(tower: Mapping[str, Any], kind: type, embed_dim: int) -> float:
    """Return about how many numbers a transformer has; 0 for a tower of another library."""
    if tower.get("timm_model_name") or tower.get("hf_model_name"):
        return 0
    full = {**vars(kind()), **{name: one for name, one in tower.items() if one is not None}}
    layers, positions = full["layers"], full.get("context_length", 0)
    if "image_size" in full:
        size = full["image_size"]
        height, breadth = (size, size) if isinstance(size, int) else size
        positions = height * breadth / full["patch_size"] ** 2
    deep = sum(layers) if isinstance(layers, (list, tuple)) else layers
    block = (4 + 2 * full["mlp_ratio"]) * full["width"] ** 2
    rows = full.get("vocab_size", 0) + positions + embed_dim
    return float(deep * block + full["width"] * rows)

"""The same weights in the layouts of open_clip and of transformers, mapped name by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samples.extract.transformers_folders import (
    HEADS,
    IMAGE,
    LAYERS,
    LENGTH,
    PATCH,
    WIDTH,
    transformers_folder,
    write_clip_tokenizer,
)

if TYPE_CHECKING:
    import torch

State = dict[str, "torch.Tensor"]
KINDS = ("clip", "siglip", "siglip2")
ALL_MERGES = 48_894  # open_clip's tokenizer of CLIP has no other vocabulary.
TIMM_NAME = "vit_tiny_siglip_of_the_tests"
# transformers' names in a layer of a tower, and open_clip's.
LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
TIMM_LAYER = {
    "layer_norm1": "norm1",
    "layer_norm2": "norm2",
    "self_attn.out_proj": "attn.proj",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
CLIP_TEXT = {
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm": "ln_final",
}
CLIP = {
    **CLIP_TEXT,
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm": "visual.ln_pre",
    "vision_model.post_layernorm": "visual.ln_post",
}
SIGLIP = {
    **{theirs: f"text.{ours}" for theirs, ours in CLIP_TEXT.items()},
    "text_model.head": "text.text_projection",
    "vision_model.embeddings.patch_embedding": "visual.trunk.patch_embed.proj",
    "vision_model.post_layernorm": "visual.trunk.norm",
    "vision_model.head.attention.out_proj": "visual.trunk.attn_pool.proj",
    "vision_model.head.layernorm": "visual.trunk.attn_pool.norm",
    "vision_model.head.mlp": "visual.trunk.attn_pool.mlp",
    "vision_model.head.probe": "visual.trunk.attn_pool.latent",
}


def both_layouts(root: Path, kind: str) -> tuple[Path, Path]:
    """Write random weights as a folder of open_clip's and one of transformers'; return both.

    They read the same prompts: the tokenizer's files are copied, and CLIP's has all merges.
    """
    from safetensors.torch import load_file, save_file

    tokenizer = partial(write_clip_tokenizer, merges=ALL_MERGES) if kind == "clip" else None
    theirs = transformers_folder(root / f"transformers-{kind}", kind, tokenizer=tokenizer)
    ours = root / f"open-clip-{kind}"
    ours.mkdir()
    for file in theirs.iterdir():
        if file.name not in ("config.json", "model.safetensors", "preprocessor_config.json"):
            shutil.copy(file, ours)
    size = json.loads((theirs / "config.json").read_text())["text_config"]["vocab_size"]
    (ours / "open_clip_config.json").write_text(json.dumps(_config(kind, size)))
    state = load_file(theirs / "model.safetensors")
    mapped = _clip(state) if kind == "clip" else _siglip(state)
    save_file(
        {name: tensor.contiguous() for name, tensor in mapped.items()},
        ours / "open_clip_model.safetensors",
    )
    return ours, theirs


def register_timm_tower() -> None:
    """Make a tiny tower of SigLIP known to timm, with JAX's GELU as transformers has it."""
    import timm
    from timm.models.vision_transformer import VisionTransformer

    def vit_tiny_siglip_of_the_tests(
        *, num_classes: int, global_pool: Any, **others: object
    ) -> VisionTransformer:
        return VisionTransformer(
            **{"img_size": IMAGE, "patch_size": PATCH, "embed_dim": WIDTH, "depth": LAYERS},
            **{"num_heads": HEADS, "num_classes": num_classes, "global_pool": global_pool},
            **{"class_token": False, "act_layer": "gelu_tanh"},
        )

    if TIMM_NAME not in timm.list_models():
        vit_tiny_siglip_of_the_tests.__module__ = __name__
        timm.models.register_model(vit_tiny_siglip_of_the_tests)


def _config(kind: str, vocab_size: int) -> dict[str, Any]:
    """Return open_clip's configuration, as of ViT-B-32-quickgelu and of ViT-B-16-SigLIP2."""
    text = {
        **{"context_length": LENGTH, "vocab_size": vocab_size, "width": WIDTH},
        **{"heads": HEADS, "layers": LAYERS},
    }
    if kind == "clip":
        vision = {
            **{"image_size": IMAGE, "patch_size": PATCH, "width": WIDTH, "layers": LAYERS},
            "head_width": WIDTH // HEADS,
        }
        towers = {"vision_cfg": vision, "text_cfg": text, "quick_gelu": True}
        return {"model_cfg": {"embed_dim": WIDTH, **towers}, "preprocess_cfg": {}}
    timm = {
        **{"timm_model_name": TIMM_NAME, "timm_model_pretrained": False},
        **{"timm_pool": "map", "timm_proj": "none", "image_size": IMAGE},
    }
    text |= {
        **{"no_causal_mask": True, "proj_bias": True, "pool_type": "last"},
        **{"norm_kwargs": {"eps": 1e-6}, "act_kwargs": {"approximate": "tanh"}},
        **{"hf_tokenizer_name": "org/none", "tokenizer_kwargs": {"clean": "canonicalize"}},
    }
    model = {"embed_dim": WIDTH, "init_logit_bias": -10, "custom_text": True}
    half = {"mean": [0.5] * 3, "std": [0.5] * 3}
    return {
        "model_cfg": {**model, "vision_cfg": timm, "text_cfg": text},
        "preprocess_cfg": {**half, "interpolation": "bicubic", "resize_mode": "squash"},
    }


def _clip(state: State) -> State:
    text, vision = "transformer.resblocks", "visual.transformer.resblocks"
    return {
        "logit_scale": state["logit_scale"],
        "text_projection": state["text_projection.weight"].T,
        "visual.proj": state["visual_projection.weight"].T,
        **dict(_renamed(state, CLIP)),
        **dict(_layers(state, "text_model", text, LAYER, "attn.in_proj_")),
        **dict(_layers(state, "vision_model", vision, LAYER, "attn.in_proj_")),
    }


def _siglip(state: State) -> State:
    pool, positions = "visual.trunk.attn_pool", "vision_model.embeddings.position_embedding.weight"
    found: State = {
        "logit_scale": state["logit_scale"].squeeze(),
        "logit_bias": state["logit_bias"].squeeze(),
        "visual.trunk.pos_embed": state[positions].unsqueeze(0),
        **dict(_renamed(state, SIGLIP)),
        **dict(_layers(state, "text_model", "text.transformer.resblocks", LAYER, "attn.in_proj_")),
        **dict(_layers(state, "vision_model", "visual.trunk.blocks", TIMM_LAYER, "attn.qkv.")),
    }
    for one in ("weight", "bias"):
        joined = state[f"vision_model.head.attention.in_proj_{one}"]
        found[f"{pool}.q.{one}"], found[f"{pool}.kv.{one}"] = joined[:WIDTH], joined[WIDTH:]
    return found


def _renamed(state: State, names: dict[str, str]) -> Iterator[tuple[str, torch.Tensor]]:
    for name, tensor in state.items():
        for theirs, ours in names.items():
            if name == theirs or name.startswith(f"{theirs}."):
                yield ours + name.removeprefix(theirs), tensor


def _layers(
    state: State, tower: str, ours: str, names: dict[str, str], joined: str
) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the layers of a tower; query, key and value are three tensors there and one here."""
    import torch

    for number in range(LAYERS):
        start = f"{tower}.encoder.layers.{number}"
        for name, tensor in state.items():
            part, _, one = name.removeprefix(f"{start}.").rpartition(".")
            if part in names:
                yield f"{ours}.{number}.{names[part]}.{one}", tensor
        for one in ("weight", "bias"):
            parts = [state[f"{start}.self_attn.{part}_proj.{one}"] for part in "qkv"]
            yield f"{ours}.{number}.{joined}{one}", torch.cat(parts)

"""SigLIP as its repositories hold it: a configuration, random weights, a tokenizer trained here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# What the tag "webli" of all SigLIP models says.
PREPROCESSING = {
    "size": [224, 224],
    "mode": "RGB",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "interpolation": "bicubic",
    "resize_mode": "squash",
}
TEXTS = (
    "a photo of a cat",
    "a photo of a dog",
    "a photo of the small red digit seven",
    "an old house by the sea",
)


@dataclass(frozen=True)
class Kind:
    """One generation of SigLIP: its class of tokenizer, and the token that it fills up with."""

    tokenizer_class: str
    padding: str
    end: str


KINDS = {
    "ViT-B-16-SigLIP": Kind("T5Tokenizer", "</s>", "</s>"),
    "ViT-B-16-SigLIP2": Kind("GemmaTokenizer", "<pad>", "<eos>"),
}


def trained_tokenizer(kind: Kind) -> Tokenizer:
    """Train a tokenizer of this kind on a few texts: pieces for T5, byte pairs for Gemma."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    special = ["<pad>", kind.end, "<unk>"]
    if kind.tokenizer_class == "T5Tokenizer":
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer: Any = trainers.UnigramTrainer(
            vocab_size=100, special_tokens=special, unk_token="<unk>", show_progress=False
        )
    else:
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
        trainer = trainers.BpeTrainer(
            vocab_size=100, special_tokens=[*special, "<bos>"], show_progress=False
        )
    tokenizer.train_from_iterator(TEXTS * 20, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {kind.end}", special_tokens=[(kind.end, 1)]
    )
    return tokenizer


def write_tokenizer(folder: Path, kind: Kind) -> None:
    """Write the three files that a tokenizer has in the repositories of SigLIP."""
    trained_tokenizer(kind).save(str(folder / "tokenizer.json"))
    special = {"eos_token": kind.end, "pad_token": kind.padding, "unk_token": "<unk>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    own = {"extra_ids": 0} if kind.tokenizer_class == "T5Tokenizer" else {"padding_side": "right"}
    config = {"tokenizer_class": kind.tokenizer_class, **own, **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def write_repository(
    folder: Path, name: str, *, config: Mapping[str, Any], scale: float = 2.0, bias: float = -10.0
) -> Path:
    """Write what the repository of `name` holds; `scale` is a logarithm, as weights have it."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    write_tokenizer(folder, KINDS[name])
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": PREPROCESSING})
    )
    torch.manual_seed(0)
    model = open_clip.create_model(f"local-dir:{folder}")
    with torch.no_grad():
        model.logit_scale.fill_(scale)
        model.logit_bias.fill_(bias)
    weights = {key: tensor.contiguous() for key, tensor in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    return folder


def small_config(name: str) -> dict[str, Any]:
    """Return the configuration of `name` with towers that are small enough for a fast test."""
    import open_clip

    config: dict[str, Any] = open_clip.get_model_config(name)
    config["embed_dim"] = 16
    config["vision_cfg"] = {
        "image_size": 16,
        "layers": 1,
        "width": 32,
        "head_width": 16,
        "patch_size": 8,
    }
    config["text_cfg"] |= {"vocab_size": 200, "width": 16, "heads": 2, "layers": 1}
    return config

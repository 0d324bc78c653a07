"""Folders in the layout of transformers, by `save_pretrained`: tiny models, random weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samples.extract.siglip_models import KINDS as SIGLIP_KINDS
from samples.extract.siglip_models import TEXTS, write_tokenizer

IMAGE, PATCH, WIDTH, LAYERS, HEADS, LENGTH = 32, 8, 32, 2, 2, 32
TOWER = {
    "hidden_size": WIDTH,
    "intermediate_size": 4 * WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
}


@dataclass(frozen=True)
class Layout:
    """One kind of checkpoint: transformers' classes, and how its tokenizer is written.

    As in Google's repositories, SigLIP 2 of a fixed size is a `SiglipModel` with Gemma's tokenizer.
    """

    config: str
    model: str
    images: str
    tokenizer: Callable[[Path], None]


def write_clip_tokenizer(folder: Path, *, merges: int = 400) -> None:
    """Write CLIP's tokenizer with the first of the merges that come with open_clip.

    All of them, 48,894, make the vocabulary of 49,408 that open_clip's own tokenizer has.
    """
    from open_clip.tokenizer import SimpleTokenizer
    from transformers import CLIPTokenizer

    known = SimpleTokenizer()
    pairs = sorted(known.bpe_ranks, key=lambda pair: known.bpe_ranks[pair])[:merges]
    words = [*list(known.encoder)[: 512 + len(pairs)], "<|startoftext|>", "<|endoftext|>"]
    vocab = {word: number for number, word in enumerate(words)}
    CLIPTokenizer(vocab=vocab, merges=pairs, model_max_length=77).save_pretrained(folder)


def write_siglip_tokenizer(folder: Path) -> None:
    """Write a sentencepiece model trained on a few texts, with the special tokens of T5's."""
    import io

    import sentencepiece

    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_writer=trained,
        vocab_size=100,
        hard_vocab_limit=False,
        minloglevel=2,
        **{"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1},
    )
    (folder / "spiece.model").write_bytes(trained.getvalue())
    config = {"tokenizer_class": "SiglipTokenizer", "model_input_names": ["input_ids"]}
    special = {"eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, **special}))


def write_gemma_tokenizer(folder: Path) -> None:
    """Write byte pairs as SigLIP 2 has them, which keep capital letters."""
    write_tokenizer(folder, SIGLIP_KINDS["ViT-B-16-SigLIP2"])


def write_xlm_tokenizer(folder: Path) -> None:
    """Write pieces as XLM-V has them, trained on a few texts."""
    from tokenizers import Tokenizer as Pieces
    from tokenizers import models, pre_tokenizers, trainers
    from transformers import XLMRobertaTokenizer

    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = Pieces(models.Unigram())
    pieces.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=100, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    pieces.train_from_iterator(TEXTS * 20, trainer)
    vocab = [(word, score) for word, score in json.loads(pieces.to_str())["model"]["vocab"]]
    XLMRobertaTokenizer(vocab=[*vocab, ("<mask>", 0.0)]).save_pretrained(folder)


LAYOUTS = {
    "clip": Layout("CLIPConfig", "CLIPModel", "CLIPImageProcessor", write_clip_tokenizer),
    "siglip": Layout("SiglipConfig", "SiglipModel", "SiglipImageProcessor", write_siglip_tokenizer),
    "siglip2": Layout("SiglipConfig", "SiglipModel", "SiglipImageProcessor", write_gemma_tokenizer),
    "siglip2-naflex": Layout(
        "Siglip2Config", "Siglip2Model", "Siglip2ImageProcessor", write_gemma_tokenizer
    ),
    "metaclip_2": Layout(
        "MetaClip2Config", "MetaClip2Model", "CLIPImageProcessor", write_xlm_tokenizer
    ),
}


def transformers_folder(
    path: Path,
    kind: str,
    *,
    seed: int = 0,
    tokenizer: Callable[[Path], None] | None = None,
    text: dict[str, Any] | None = None,
    vision: dict[str, Any] | None = None,
) -> Path:
    """Write a tiny model of a kind in LAYOUTS with its processor and tokenizer; return `path`.

    Images of 32 pixels in patches of 8, two towers of width 32 with 2 layers, 32 tokens. `text`
    and `vision` change the configuration of a tower, `tokenizer` writes another tokenizer. Equal
    seeds give equal weights.
    """
    import torch
    import transformers

    layout = LAYOUTS[kind]
    path.mkdir(parents=True, exist_ok=True)
    (tokenizer or layout.tokenizer)(path)
    config = getattr(transformers, layout.config)(
        text_config={**TOWER, **_text(kind, path), **(text or {})},
        vision_config={**TOWER, **_vision(kind), **(vision or {})},
        **({"projection_dim": WIDTH} if kind in ("clip", "metaclip_2") else {}),
    )
    torch.manual_seed(seed)
    model = getattr(transformers, layout.model)(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # Biases are zeros and norms ones in a new model.
            if parameter.ndim > 0:
                parameter.add_(0.05 * torch.randn_like(parameter))
    model.save_pretrained(path)
    getattr(transformers, layout.images)(**_images(kind)).save_pretrained(path)
    return path


def _text(kind: str, folder: Path) -> dict[str, Any]:
    """Return what the text tower takes from its tokenizer, and the size of its vectors."""
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    special = {
        f"{one}_token_id": getattr(tokenizer, f"{one}_token_id") for one in ("bos", "eos", "pad")
    }
    projection = "projection_dim" if kind in ("clip", "metaclip_2") else "projection_size"
    sizes = {"vocab_size": len(tokenizer), "max_position_embeddings": LENGTH}
    return {**sizes, **special, projection: WIDTH}


def _vision(kind: str) -> dict[str, Any]:
    if kind == "siglip2-naflex":
        return {"patch_size": PATCH, "num_patches": (IMAGE // PATCH) ** 2}
    return {"image_size": IMAGE, "patch_size": PATCH}


def _images(kind: str) -> dict[str, Any]:
    if kind == "siglip2-naflex":
        return {"patch_size": PATCH, "max_num_patches": (IMAGE // PATCH) ** 2}
    if kind in ("siglip", "siglip2"):
        return {"size": {"height": IMAGE, "width": IMAGE}}
    square = {"height": IMAGE, "width": IMAGE}
    return {"size": {"shortest_edge": IMAGE}, "crop_size": square}

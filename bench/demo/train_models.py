"""Train the two small models of the embedded benchmark, in minutes on two CPU cores.

    python bench/demo/train_models.py [--output DIR] [--validate]

The models see the digits zero to seven of the training half (`oodcache.extract.demo.embedded`) and
nothing else. `--validate` is how the recipe below was chosen: it trains on the first five forms of
that half, measures on its other two, and writes nothing. The figures printed for the eights and
nines, the photographs and the textures are measured after the fact; nothing was chosen by them.

A batch shares one template, so two captions are equal just where their classes are. Both losses
take equal captions for positives: a batch of 64 holds each of the eight captions many times.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.model import CLIP
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors import torch as safetensors
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional

from oodcache.extract.demo.embedded import (
    CLASS_NAMES,
    DATA_SETS,
    DEMO,
    Digits,
    Picture,
    training_half,
)

DEFAULT_TEMPLATE = "a photo of a {}"
TEMPLATES = (
    DEFAULT_TEMPLATE,
    "a photo of the number {}",
    "a handwritten {}",
    "the digit {}",
    "{}",
)
FIRST_VALIDATION = 646  # the position in load_digits of the first digit of the sixth form

ARCHITECTURE: dict[str, Any] = {
    "embed_dim": 64,
    "vision_cfg": {
        "image_size": 32,
        "patch_size": 4,
        "width": 64,
        "head_width": 32,
        "layers": 3,
    },
    # The vocabulary is CLIP's own, so nearly all the weights of the text tower are its embedding.
    "text_cfg": {
        "context_length": 16,
        "vocab_size": 49408,
        "width": 16,
        "heads": 2,
        "layers": 2,
    },
}
OPENAI = {
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
SIGLIP = {
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "interpolation": "bicubic",
    "resize_mode": "squash",
}

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Recipe:
    """How one model is made: its configuration, its loss and its optimiser's settings."""

    model_cfg: dict[str, Any]
    preprocess_cfg: dict[str, Any]
    loss: Loss
    steps: int = 1000
    batch_size: int = 64
    learning_rate: float = 1e-3
    scale_learning_rate: float = 1e-1
    weight_decay: float = 0.1
    seed: int = 2026


def softmax_loss(logits: Tensor, positive: Tensor) -> Tensor:
    """Return CLIP's symmetric cross-entropy, its target spread evenly over the positives."""
    target = positive.float() / positive.sum(dim=1, keepdim=True)
    over_texts = functional.cross_entropy(logits, target)
    over_images = functional.cross_entropy(logits.T, target)
    return (over_texts + over_images) / 2


def sigmoid_loss(logits: Tensor, positive: Tensor) -> Tensor:
    """Return SigLIP's pairwise loss, Zhai et al., ICCV 2023: summed over texts, mean of images."""
    sign = positive.float() * 2 - 1
    return -functional.logsigmoid(sign * logits).sum() / len(logits)


RECIPES = {
    "tiny-clip": Recipe(ARCHITECTURE, OPENAI, softmax_loss),
    "tiny-sigmoid": Recipe(
        # SigLIP's starting scale and bias; both are learned from there.
        {**ARCHITECTURE, "init_logit_scale": math.log(10), "init_logit_bias": -10},
        SIGLIP,
        sigmoid_loss,
    ),
}


def preprocess(digits: Digits, recipe: Recipe) -> Tensor:
    """Return the digits as the model will see them when they are read back from their files."""
    size = recipe.model_cfg["vision_cfg"]["image_size"]
    config = PreprocessCfg(size=size, **recipe.preprocess_cfg)
    transform = image_transform_v2(config, is_train=False)
    return torch.stack([transform(Image.fromarray(pixels)) for pixels in digits.images])


def augment(images: Tensor, black: Tensor) -> Tensor:
    """Return the images turned up to 12 degrees, scaled and shifted up to 15 %, on black."""
    count = len(images)
    angle = (torch.rand(count) * 2 - 1) * math.radians(12)
    scale = 1 + (torch.rand(count, 2) * 2 - 1) * 0.15
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(-1, 2, 2)
    shift = (torch.rand(count, 2, 1) * 2 - 1) * 0.15
    affine = torch.cat([turn * scale[:, None, :], shift], dim=2)
    grid = functional.affine_grid(affine, list(images.shape), align_corners=False)
    # Outside the image, grid_sample fills in 0, which is black only once black is subtracted.
    return functional.grid_sample(images - black, grid, align_corners=False) + black


def black_of(preprocess_cfg: dict[str, Any]) -> Tensor:
    """Return what a black pixel becomes once normalised, shape (3, 1, 1)."""
    mean, std = torch.tensor(preprocess_cfg["mean"]), torch.tensor(preprocess_cfg["std"])
    return (-mean / std).view(3, 1, 1)


def make_optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return AdamW that decays matrices only and moves scale and bias at a rate of their own."""
    learned = dict(model.named_parameters())
    logit = [learned.pop(name) for name in ("logit_scale", "logit_bias") if name in learned]
    # Decay would shrink the embeddings of all the words that no caption holds.
    plain = [learned.pop("token_embedding.weight")]
    plain += [weight for weight in learned.values() if weight.ndim < 2]
    matrices = [weight for weight in learned.values() if weight.ndim >= 2]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": plain, "weight_decay": 0.0},
        {"params": logit, "weight_decay": 0.0, "lr": recipe.scale_learning_rate},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98))


def make_schedule(optimiser: torch.optim.Optimizer, steps: int) -> Any:
    """Return a tenth of the steps of warm-up, then a half cosine down to 0."""
    warm_up = steps // 10

    def factor(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up))) / 2

    return torch.optim.lr_scheduler.LambdaLR(optimiser, factor)


def train(recipe: Recipe, digits: Digits) -> CLIP:
    """Return the model that `recipe` makes of `digits`; the same each time on the same machine."""
    torch.manual_seed(recipe.seed)
    model = CLIP(**recipe.model_cfg)
    images = preprocess(digits, recipe)
    labels = torch.from_numpy(digits.labels)
    black = black_of(recipe.preprocess_cfg)
    captions = [tokenize(template) for template in TEMPLATES]
    optimiser = make_optimiser(model, recipe)
    schedule = make_schedule(optimiser, recipe.steps)
    for step in range(recipe.steps):
        batch = torch.randint(len(images), (recipe.batch_size,))
        template = int(torch.randint(len(TEMPLATES), ()))
        logits = logits_of(model, augment(images[batch], black), captions[template], labels[batch])
        loss = recipe.loss(logits, labels[batch, None] == labels[None, batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            # CLIP's own bound (Radford et al., ICML 2021, section 2.5).
            model.logit_scale.clamp_(0, math.log(100))
        if step % 100 == 0:
            print(f"  step {step:4d}  loss {loss.item():8.4f}  {describe(model)}", flush=True)
    return model.eval()


def logits_of(model: CLIP, images: Tensor, captions: Tensor, labels: Tensor) -> Tensor:
    """Return the logit of each image against the caption of each image, shape (N, N)."""
    image_features = model.encode_image(images, normalize=True)
    # Equal captions have equal embeddings: each is encoded once and taken many times.
    text_features = model.encode_text(captions, normalize=True)[labels]
    logits: Tensor = model.logit_scale.exp() * image_features @ text_features.T
    return logits if model.logit_bias is None else logits + model.logit_bias


def describe(model: CLIP) -> str:
    """Return the model's scale and bias in words."""
    bias = "none" if model.logit_bias is None else f"{model.logit_bias.item():.3f}"
    return f"scale {model.logit_scale.exp().item():.3f}  bias {bias}"


def tokenize(template: str) -> Tensor:
    """Return the tokens of the eight captions, shape (8, 16)."""
    context_length = ARCHITECTURE["text_cfg"]["context_length"]
    tokenizer = open_clip.SimpleTokenizer(context_length=context_length)
    tokens: Tensor = tokenizer([template.format(name) for name in CLASS_NAMES])
    return tokens


def save(model: CLIP, recipe: Recipe, folder: Path) -> None:
    """Write the configuration and the float16 weights as open_clip's `local-dir:` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_cfg": recipe.model_cfg, "preprocess_cfg": recipe.preprocess_cfg}
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
    weights = {name: weight.half().contiguous() for name, weight in model.state_dict().items()}
    # safetensors' own save_file leaves a file that only its owner may read.
    (folder / "open_clip_model.safetensors").write_bytes(safetensors.save(weights))


@torch.inference_mode()
def cosine(model: CLIP, images: Tensor) -> Tensor:
    """Return the cosines of images and classes under the tool's default template, (N, 8)."""
    text_features = model.encode_text(tokenize(DEFAULT_TEMPLATE), normalize=True)
    parts = [model.encode_image(part, normalize=True) for part in torch.split(images, 256)]
    similarity: Tensor = torch.cat(parts) @ text_features.T
    return similarity


def accuracy(similarity: Tensor, labels: Tensor) -> float:
    """Return the share of images whose nearest class is their own."""
    return float((similarity.argmax(dim=1) == labels).float().mean())


def report(folder: Path) -> None:
    """Print what the written model does, read back from its files like any other."""
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    model.eval()
    pictures = {name: list(make()) for name, make in DATA_SETS.items() if name != "digits-train"}
    similarity = {name: cosine(model, stack(some, transform)) for name, some in pictures.items()}
    labels = torch.tensor([CLASS_NAMES.index(digit.class_name) for digit in pictures["digits"]])
    print(f"  accuracy on the unseen half: {accuracy(similarity['digits'], labels):.4f}")
    print(f"  {describe(model)}")
    id_scores = similarity.pop("digits").amax(dim=1).numpy()
    for name, ood in similarity.items():
        scores = np.concatenate([id_scores, ood.amax(dim=1).numpy()])
        is_id = np.arange(len(scores)) < len(id_scores)
        print(f"  AUROC of max cosine against {name}: {roc_auc_score(is_id, scores):.4f}")


def stack(pictures: list[Picture], transform: Callable[[Image.Image], Tensor]) -> Tensor:
    """Return the pictures preprocessed, shape (N, 3, H, W); a PNG would give the same pixels."""
    return torch.stack([transform(Image.fromarray(picture.pixels)) for picture in pictures])


def validate(recipe: Recipe, digits: Digits) -> None:
    """Print the accuracy on the last two forms of the training half after training on the rest."""
    held_out = digits.where(digits.positions >= FIRST_VALIDATION)
    model = train(recipe, digits.where(digits.positions < FIRST_VALIDATION))
    share = accuracy(cosine(model, preprocess(held_out, recipe)), torch.from_numpy(held_out.labels))
    print(f"  accuracy on {len(held_out.labels)} digits held out: {share:.4f}")


def main() -> None:
    """Train both models, one after the other, and report on each."""
    parser = argparse.ArgumentParser(description="Train the models of the embedded benchmark.")
    parser.add_argument("--output", type=Path, default=DEMO, metavar="DIR")
    parser.add_argument("--validate", action="store_true", help="measure the recipe, write nothing")
    arguments = parser.parse_args()
    # A sum's order, and with it its last bit, follows the number of threads.
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    for name, recipe in RECIPES.items():
        print(name)
        start = time.perf_counter()
        if arguments.validate:
            validate(recipe, training_half())
        else:
            save(train(recipe, training_half()), recipe, arguments.output / name)
            print(f"  trained in {time.perf_counter() - start:.0f} s")
            report(arguments.output / name)


if __name__ == "__main__":
    main()

"""Claims about a loaded model: open_clip's own numbers, unit in every precision."""

from __future__ import annotations

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from oodcache.extract import embedded, loading
from oodcache.extract.encoder import Encoder
from oodcache.extract.requests import ModelRequest, resolve


def load(requested: str, precision: str = "float32") -> Encoder:
    return loading.load(resolve(ModelRequest(requested, precision=precision)), print)


def picture() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("name", sorted(embedded.MODELS))
def test_vectors_are_open_clips_float32_ones_normalised(name: str) -> None:
    local = f"local-dir:{embedded.MODELS[name]}"
    model, _, preprocess = open_clip.create_model_and_transforms(local)
    model.eval()
    tokens = open_clip.get_tokenizer(local)(["a photo of a three", "a photo of a CAT"])
    with torch.no_grad():
        image, text, scale, *bias = model(preprocess(picture())[None], tokens)
    ours = load(name)
    assert (
        np.abs(ours.images(ours.preprocess(picture())[None]).vectors - image.numpy()).max() < 1e-6
    )
    prompts = ours.prompts(["a photo of a three", "a photo of a CAT"])
    assert np.abs(prompts.vectors - text.numpy()).max() < 1e-6
    assert ours.signature.identity.logit_scale == float(scale.detach())
    assert ours.signature.identity.logit_bias == (float(bias[0].detach()) if bias else None)


def test_norms_are_the_lengths_before_normalising() -> None:
    ours = load("tiny-clip")
    with torch.no_grad():
        features = ours.model.encode_image(ours.preprocess(picture())[None])
    encoded = ours.images(ours.preprocess(picture())[None])
    assert encoded.norm[0] == pytest.approx(float(features.norm()), rel=1e-6)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_rows_are_unit_in_every_precision(precision: str) -> None:
    ours = load("tiny-clip", precision=precision)
    encoded = ours.images(torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert encoded.vectors.dtype == np.float32
    assert np.abs(np.linalg.norm(encoded.vectors, axis=1) - 1).max() < 1e-6
    exact = load("tiny-clip").images(
        torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    )
    difference = np.abs(encoded.vectors - exact.vectors).max()
    assert 0 < difference < 0.05


def test_the_model_is_in_evaluation_mode_and_tf32_is_off() -> None:
    ours = load("tiny-sigmoid")
    assert not any(module.training for module in ours.model.modules())
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32

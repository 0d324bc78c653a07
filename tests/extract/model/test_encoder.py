"""Claims about a loaded model: open_clip's own numbers, unit in every precision."""

from __future__ import annotations

import io

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from oodcache.extract.demo import embedded
from oodcache.extract.model import loading
from oodcache.extract.model.encoder import Encoder
from oodcache.extract.model.request import ModelRequest, resolve


def load(requested: str, precision: str = "float32") -> Encoder:
    return loading.load(resolve(ModelRequest(requested, precision=precision)), print)


def picture() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def pixels(model: Encoder) -> torch.Tensor:
    """Return the picture as the model's workers hand it over."""
    content = io.BytesIO()
    picture().save(content, "PNG")
    return model.preprocessing.pixels(content.getvalue())[None]


@pytest.mark.parametrize("name", sorted(embedded.MODELS))
def test_vectors_are_open_clips_float32_ones_normalised(name: str) -> None:
    local = f"local-dir:{embedded.MODELS[name]}"
    model, _, preprocess = open_clip.create_model_and_transforms(local)
    model.eval()
    tokens = open_clip.get_tokenizer(local)(["a photo of a three", "a photo of a CAT"])
    with torch.no_grad():
        image, text, scale, *bias = model(preprocess(picture())[None], tokens)
    ours = load(name)
    assert np.abs(ours.images(pixels(ours)).vectors.numpy() - image.numpy()).max() < 1e-6
    prompts = ours.prompts(ours.tokens(["a photo of a three", "a photo of a CAT"]))
    assert np.abs(prompts.vectors.numpy() - text.numpy()).max() < 1e-6
    assert ours.signature.identity.logit_scale == float(scale.detach())
    assert ours.signature.identity.logit_bias == (float(bias[0].detach()) if bias else None)


def test_norms_are_the_lengths_before_normalising() -> None:
    ours = load("tiny-clip")
    with torch.no_grad():
        features = ours.model.encode_image(ours.normalize(pixels(ours)))
    encoded = ours.images(pixels(ours))
    assert encoded.norm[0] == pytest.approx(float(features.norm()), rel=1e-6)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_rows_are_unit_in_every_precision(precision: str) -> None:
    ours = load("tiny-clip", precision=precision)
    noise = np.random.default_rng(0).integers(0, 256, (8, 3, 32, 32), dtype=np.uint8)
    encoded = ours.images(torch.from_numpy(noise)).vectors.numpy()
    assert encoded.dtype == np.float32
    assert np.abs(np.linalg.norm(encoded, axis=1) - 1).max() < 1e-6
    exact = load("tiny-clip").images(torch.from_numpy(noise)).vectors.numpy()
    difference = np.abs(encoded - exact).max()
    assert 0 < difference < 0.05


def test_the_model_is_in_evaluation_mode_and_tf32_is_off() -> None:
    ours = load("tiny-sigmoid")
    assert not any(module.training for module in ours.model.modules())
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32

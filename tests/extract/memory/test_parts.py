"""Claims about the parts of a model in memory: those of transformers do as its folder does."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from samples import load
from samples.extract.transformers_folders import LAYOUTS, transformers_folder
from transformers import AutoModel, AutoProcessor, SiglipImageProcessor, SiglipVisionModel

from oodcache.cache.errors import InputError
from oodcache.extract.memory import models, parts, same_models
from oodcache.extract.model.encoder import Encoder
from oodcache.extract.model.request import ModelRequest

TEXTS = ["a photo of a cat", "The small RED digit, 7!"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {kind: transformers_folder(root / kind, kind) for kind in LAYOUTS}


def held(folder: Path) -> tuple[Any, Any]:
    """Return what a user of transformers has."""
    return AutoModel.from_pretrained(folder), AutoProcessor.from_pretrained(folder)


@pytest.fixture(scope="module")
def siglip(folders: dict[str, Path]) -> tuple[Any, Any]:
    """Return one that no test changes."""
    return held(folders["siglip"])


def prepared(model: Encoder) -> torch.Tensor:
    """Return two images as a model prepares them from files."""
    noise, pixels = np.random.default_rng(0), []
    for size in ((24, 60), (100, 30)):
        file = io.BytesIO()
        Image.fromarray(noise.integers(0, 256, (*size, 3), dtype=np.uint8)).save(file, "PNG")
        pixels.append(model.preprocessing.prepared(file.getvalue()).pixels)
    return torch.stack(pixels)


def encoder(model: Any, preprocess_id: str | None = None, **request: Any) -> Encoder:
    given = parts.given(model, None, preprocess_id)
    return models.loaded(given, ModelRequest("", **request), Path("nowhere"), lambda text: None)


def refusal(model: Any, **request: Any) -> str:
    with pytest.raises(InputError) as refused:
        encoder(model, **request)
    said = str(refused.value)
    assert "\n" not in said and len(said.encode()) < 600
    return said


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.slow][: kind != "siglip"]) for kind in LAYOUTS],
)
def test_a_model_of_transformers_has_the_vectors_of_its_folder(
    folders: dict[str, Path], kind: str
) -> None:
    ours, named = encoder(held(folders[kind])), load(f"transformers:{folders[kind]}")
    pixels, others = prepared(ours), prepared(named)
    assert torch.equal(pixels, others)
    with models.evaluating(ours):
        assert torch.equal(ours.images(pixels).vectors, named.images(pixels).vectors)
        texts = [one.prompts(one.tokens(TEXTS)).vectors for one in (ours, named)]
    assert torch.equal(*texts)
    assert ours.signature.preprocessing == named.signature.preprocessing
    assert ours.signature.tokenizing == named.signature.tokenizing
    assert ours.signature.libraries == named.signature.libraries
    own, other = ours.signature.identity, named.signature.identity
    assert (own.weights, own.logit_scale, own.logit_bias) == (
        *(other.weights, other.logit_scale, other.logit_bias),
    )
    assert same_models.is_same(other, own)
    assert own.label == f"local/{LAYOUTS[kind].model}-{own.weights[:8]}"


def test_another_setting_or_exchanged_code_makes_another_model(folders: dict[str, Path]) -> None:
    model, processor = held(folders["siglip"])
    named = encoder((model, processor)).signature.identity
    assert "changed" not in named.architecture
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model.config.vision_config, "layer_norm_eps", 0.1)
        other = encoder((model, processor)).signature.identity
    assert (other.weights, same_models.is_same(named, other)) == (named.weights, False)
    assert same_models.is_same(named, encoder((model, processor)).signature.identity)
    model.get_image_features = lambda **given: None
    other = encoder((model, processor)).signature.identity
    assert "get_image_features is" in str(other.architecture["changed"])
    assert not same_models.is_same(named, other)


def test_a_processor_may_be_given_in_its_parts(siglip: tuple[Any, Any]) -> None:
    model, processor = siglip
    whole = encoder((model, processor)).signature
    assert encoder((model, processor.image_processor, processor.tokenizer)).signature == whole
    images = encoder((model, processor.image_processor))
    assert images.tokenize is None
    assert images.signature.preprocessing == whole.preprocessing


def test_what_is_no_model_of_transformers_is_refused(siglip: tuple[Any, Any]) -> None:
    model, processor = siglip
    assert "model is a SiglipModel: expected (model, processor), as AutoModel" in refusal(model)
    tower = SiglipVisionModel(model.config.vision_config)
    said = "model: SiglipVisionModel has no get_image_features: expected (model, processor)"
    assert said in refusal((tower, processor))
    said = refusal((model, lambda image: image))
    assert "its preprocess is a function: expected an image processor of transformers" in said
    said = refusal((model, processor.image_processor, str))
    assert "model: type is no tokenizer of transformers: give AutoTokenizer" in said
    said = refusal((model, SiglipImageProcessor(size={"height": 16, "width": 16})))
    assert "makes images of 16 x 16 pixels" in said
    said = "fast_decode: an image processor of transformers is used as it is"
    assert refusal((model, processor), fast_decode=True) == said


class Own(SiglipImageProcessor):
    """A class of a user's own."""


def test_an_image_processor_of_ones_own_needs_an_id(siglip: tuple[Any, Any]) -> None:
    model, _ = siglip
    own = Own(size={"height": 32, "width": 32})
    assert "preprocess is of a class of its own, Own: give preprocess_id" in refusal((model, own))
    found = encoder((model, own), preprocess_id="mine").signature.preprocessing
    assert found["preprocess_id"] == "mine"

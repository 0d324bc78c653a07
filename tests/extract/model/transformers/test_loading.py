"""Claims about models of transformers: vectors are its own, batched or alone, and recorded."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from samples import Run, load, slow_except, write_photos, write_strays
from samples.extract.transformers_folders import LAYOUTS

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.extract.model.encoder import Encoder

SIZES = ((24, 60), (100, 30), (33, 33), (8, 8), (5, 300))  # Height and width.
TEXTS = ["a photo of a cat", "The small RED digit, 7!"]
Loaded = Callable[..., Encoder]
ByHand = Callable[..., torch.Tensor]


@pytest.fixture(scope="module")
def models(folders: dict[str, Path]) -> Loaded:
    """Load each kind once for each combination of options."""
    done: dict[str, Encoder] = {}

    def get(kind: str, **given: Any) -> Encoder:
        key = f"{kind} {given}"
        if key not in done:
            done[key] = load(f"transformers:{folders[kind]}", **given)
        return done[key]

    return get


def pictures() -> list[Image.Image]:
    noise = np.random.default_rng(1)
    return [Image.fromarray(noise.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in SIZES]


def prepared(model: Encoder) -> torch.Tensor:
    def content(image: Image.Image) -> bytes:
        file = io.BytesIO()
        image.save(file, "PNG")
        return file.getvalue()

    return torch.stack([model.preprocessing.prepared(content(one)).pixels for one in pictures()])


def unit(features: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(features, dim=-1)


@pytest.fixture(scope="module")
def by_hand(folders: dict[str, Path]) -> ByHand:
    """Return unit vectors of images as transformers' own classes make them, each loaded once."""

    @cache
    def own(kind: str) -> tuple[Any, Any]:
        folder = folders[kind]
        model = transformers.AutoModel.from_pretrained(folder)
        return model, transformers.AutoImageProcessor.from_pretrained(folder)

    def vectors(kind: str, images: list[Image.Image], **given: Any) -> torch.Tensor:
        model, processor = own(kind)
        with torch.inference_mode():
            inputs = processor(images, return_tensors="pt", **given)
            return unit(model.get_image_features(**inputs).pooler_output)

    return vectors


@pytest.mark.parametrize("kind", LAYOUTS)
def test_vectors_of_images_are_transformers_own(by_hand: ByHand, models: Loaded, kind: str) -> None:
    model = models(kind)
    found = model.images(prepared(model)).vectors
    torch.testing.assert_close(found, by_hand(kind, pictures()), atol=1e-6, rtol=0)
    assert model.signature.identity.logit_scale is not None


@pytest.mark.parametrize("kind", LAYOUTS)
def test_an_image_has_the_same_vector_in_a_batch_and_alone(models: Loaded, kind: str) -> None:
    model = models(kind)
    pixels = prepared(model)
    alone = torch.cat([model.images(one[None]).vectors for one in pixels])
    torch.testing.assert_close(model.images(pixels).vectors, alone, atol=1e-5, rtol=0)


def test_patches_of_padding_do_not_leak(by_hand: ByHand, models: Loaded) -> None:
    """The oracle has no padding at all: each picture with as many patches as it has."""
    model = models("siglip2-naflex")
    pixels = prepared(model)
    shapes = model.normalize(pixels).shapes
    counts = shapes.prod(dim=-1).tolist()
    assert len({tuple(one) for one in shapes.tolist()}) >= 3 and min(counts) < max(counts)
    for image, count, found in zip(pictures(), counts, model.images(pixels).vectors, strict=True):
        bare = by_hand("siglip2-naflex", [image], max_num_patches=count)
        torch.testing.assert_close(found[None], bare, atol=1e-5, rtol=0)


def test_what_is_in_the_place_of_padding_does_not_matter(models: Loaded) -> None:
    model = models("siglip2-naflex")
    pixels = prepared(model)
    noisy = pixels.clone()
    for image, (height, width) in zip(noisy, model.normalize(pixels).shapes, strict=True):
        image[height * width : -1] = 255
    assert not noisy.equal(pixels)
    assert model.images(noisy).vectors.equal(model.images(pixels).vectors)


@pytest.mark.parametrize("kind", LAYOUTS)
def test_scale_and_bias_are_those_of_the_weights(
    folders: dict[str, Path], models: Loaded, kind: str
) -> None:
    stored = transformers.AutoModel.from_pretrained(folders[kind]).state_dict()
    found = models(kind).signature.identity
    assert found.logit_scale == pytest.approx(math.exp(float(stored["logit_scale"])))
    has_bias = "siglip" in kind
    assert found.logit_bias == (float(stored["logit_bias"]) if has_bias else None)


def test_an_identity_names_processor_weights_attention_and_versions(models: Loaded) -> None:
    signature = models("siglip").signature
    made = signature.identify("images", {"name": "x"})
    assert made.versions["transformers"] == transformers.__version__
    assert made.encoding["processor"] == "SiglipImageProcessor"
    own = made.model.architecture
    assert (own["model"], own["attention"]) == ("SiglipModel", "sdpa")
    assert own["transformers"]["vision_config"]["patch_size"] == 8
    assert not made.model.was_in_memory
    assert "transformers_version" not in json.dumps(own)
    assert made.model.label == f"local/siglip-{made.model.weights[:8]}"


def test_models_of_one_layout_record_no_library_of_the_other(small_model: Any) -> None:
    from samples import load_small

    made = load_small(small_model).signature.identify("images", {"name": "x"})
    assert "transformers" not in made.versions


@pytest.mark.parametrize("kind", slow_except(("clip",), ("clip", "siglip2-naflex")))
@pytest.mark.parametrize("precision", slow_except(("bfloat16",), ("bfloat16", "float16")))
def test_half_precision_is_near_and_its_vectors_have_length_one(
    models: Loaded, kind: str, precision: str
) -> None:
    model = models(kind, precision=precision)
    found = model.images(prepared(model)).vectors
    exact = models(kind).images(prepared(model)).vectors
    assert found.dtype == torch.float32 and not found.equal(exact)
    torch.testing.assert_close(found, exact, atol=0.02, rtol=0)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(len(found)))
    assert model.prompts(model.tokens(TEXTS)).vectors.dtype == torch.float32


def test_channels_last_changes_the_layout_alone(models: Loaded) -> None:
    model = models("siglip", channels_last=True)
    found = model.images(prepared(model)).vectors
    torch.testing.assert_close(found, models("siglip").images(prepared(model)).vectors)
    with pytest.raises(InputError, match="--channels-last: a NaFlex model reads patches"):
        models("siglip2-naflex", channels_last=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["clip", "siglip2-naflex"])
def test_a_compiled_model_makes_the_same_vectors(models: Loaded, kind: str) -> None:
    model, plain = models(kind, compile=True), models(kind)
    pixels = prepared(model)
    for count in (5, 3):
        found = model.images(pixels[:count]).vectors
        torch.testing.assert_close(found, plain.images(pixels[:count]).vectors, atol=1e-5, rtol=0)
    tokens = model.tokens(TEXTS)
    expected = plain.prompts(tokens).vectors
    torch.testing.assert_close(model.prompts(tokens).vectors, expected, atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["siglip", "siglip2-naflex"])
def test_a_folder_goes_through_extract_and_score(
    oodcache: Run, tmp_path: Path, folders: dict[str, Path], by_hand: ByHand, kind: str
) -> None:
    write_photos(tmp_path / "photos")
    write_strays(tmp_path / "strays")
    model = ["--model", f"transformers:{folders[kind]}"]
    outcome = oodcache(
        *("extract", *model, "--name", "mine", "photos=photos", "strays=strays"),
        *("--classes", "photos=photos", "--dtype", "float32"),
        *("--batch-size", "5", "--shard-rows", "6"),
    )
    assert outcome.status == 0, outcome.err
    cached = open_images(next((tmp_path / "embeddings").rglob("images/photos.h5")))
    images = [Image.open(tmp_path / "photos" / path.decode()) for path in cached.paths()]
    expected = by_hand(kind, images)
    np.testing.assert_allclose(next(cached.blocks()), expected, atol=1e-5)
    asked = ("--classes", "photos", "--id", "photos", "--ood", "strays")
    table = oodcache("score", "--model", "mine", *asked)
    assert table.status == 0 and "mcm" in table.out, table.err
    again = oodcache("extract", *model, "--name", "mine", "photos=photos")
    assert again.status == 0 and "kept" in again.err

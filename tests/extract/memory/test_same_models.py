"""Claims about models of the cache with the weights of one in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oodcache.cache.format.identity import Identity, ModelIdentity
from oodcache.cache.store.store import Entry
from oodcache.extract.memory import same_models

OWN = ModelIdentity(
    name="local",
    pretrained="CLIP-abcdefgh",
    requested="local/CLIP-abcdefgh",
    architecture={"class": "open_clip.model.CLIP", "parts": ["GELU"]},
    weights="abcdefgh",
    checkpoint=None,
    logit_scale=100.0,
    logit_bias=None,
)
BY_NAME = replace(OWN, name="ViT-B-16", pretrained="openai", architecture={"embed_dim": 512})
QUICK = {"embed_dim": 512, "quick_gelu": True}


@pytest.mark.parametrize(
    ("model", "is_same"),
    [
        (OWN, True),
        (replace(OWN, pretrained="tuned-abcdefgh"), True),
        (BY_NAME, True),
        (replace(BY_NAME, architecture=QUICK), False),
        (replace(OWN, architecture={"class": "other.CLIP", "parts": ["GELU"]}), False),
        (replace(OWN, weights="another"), False),
        (replace(BY_NAME, logit_scale=10.0), False),
        (replace(BY_NAME, logit_bias=0.0), False),
    ],
)
def test_a_model_is_the_same_by_its_weights_and_code(model: ModelIdentity, is_same: bool) -> None:
    assert same_models.is_same(model, OWN) == is_same


@pytest.mark.parametrize(
    "architecture",
    [
        {"class": "mine.CLIP", "parts": ["GELU"]},
        {"class": "open_clip.model.CLIP", "parts": ["GELU"], "changed": ["encode_image is mine.f"]},
    ],
)
def test_a_model_by_name_is_only_open_clips_own_code(architecture: dict[str, Any]) -> None:
    own = replace(OWN, architecture=architecture)
    assert not same_models.is_same(BY_NAME, own)
    assert same_models.is_same(own, own)


@pytest.mark.parametrize(
    ("encoding", "are_alike"),
    [
        ({"size": 32, "decoder": "pillow", "overridden": []}, True),
        ({"size": 32, "decoder": "torchvision", "exif": True, "overridden": ["mean"]}, True),
        ({"size": 64, "decoder": "pillow", "overridden": []}, False),
        ({"preprocess_id": "mine", "decoder": "pillow", "overridden": []}, False),
    ],
)
def test_images_are_prepared_alike_whatever_decodes_them(
    encoding: dict[str, Any], are_alike: bool
) -> None:
    images = Identity(OWN, {}, {"size": 32, "decoder": "pillow", "overridden": []}, {}, {})
    assert same_models.are_prepared_alike(images, encoding) == are_alike


def test_an_empty_cache_has_no_model(tmp_path: Path) -> None:
    assert same_models.in_cache(tmp_path, OWN, {}, print, is_named=False) is None
    assert same_models.with_images(tmp_path, OWN, "pets") == {}


SIZED = {"size": 32, "decoder": "pillow"}
FAILED = replace(OWN, pretrained="bps-abcdefgh")
OTHER = replace(OWN, pretrained="cut-abcdefgh")


@pytest.mark.parametrize(
    ("files", "size", "chosen"),
    [
        # A failed extraction leaves texts, and takes no images of another name.
        ([(FAILED, {}), (BY_NAME, SIZED)], 32, BY_NAME),
        ([(FAILED, {}), (OWN, {}), (OWN, SIZED)], 32, OWN),
        ([(FAILED, {}), (OTHER, SIZED)], 64, FAILED),
        # Of two with texts alone, or with equal images, it is its own: a killed run resumes there.
        ([(FAILED, {}), (OWN, {})], 32, OWN),
        ([(OTHER, SIZED), (OWN, SIZED)], 32, OWN),
        ([(FAILED, {}), (OWN, SIZED)], 64, OWN),
        # Images prepared equally come first, those of one in memory before those by name.
        ([(OTHER, {**SIZED, "size": 64}), (BY_NAME, SIZED)], 32, BY_NAME),
        ([(BY_NAME, SIZED), (OTHER, SIZED)], 32, OTHER),
        # Only what was in memory stays under its name with another preprocess.
        ([(OTHER, SIZED)], 64, OTHER),
        ([(BY_NAME, SIZED)], 64, None),
    ],
)
def test_equally_prepared_images_choose_the_name_and_texts_alone_only_without_them(
    files: list[tuple[ModelIdentity, dict[str, Any]]],
    size: int,
    chosen: ModelIdentity | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cached = {
        Entry(Path(f"{place}.h5"), model.label, "images"): Identity(model, {}, encoding, {}, {})
        for place, (model, encoding) in enumerate(files)
    }
    monkeypatch.setattr("oodcache.cache.store.store.entries", lambda cache: list(cached))
    monkeypatch.setattr("oodcache.cache.store.store.read_identity", cached.get)
    encoding = {"size": size, "decoder": "pillow"}
    found = same_models.in_cache(Path("c"), OWN, encoding, print, is_named=False)
    assert found == chosen

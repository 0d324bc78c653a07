"""Claims about twins: what they name is what open_clip lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.model import twins
from oodcache.extract.model.request import ModelRequest, resolve

OWNERS = {"google": twins.GOOGLE, "openai": twins.OPENAI}
REPOSITORIES = [f"{owner}/{name}" for owner, names in OWNERS.items() for name in names]


@pytest.mark.parametrize("repository", REPOSITORIES)
def test_a_twin_is_a_tag_of_open_clip_with_its_repository(repository: str) -> None:
    twin = twins.of_repository(repository)
    assert twin is not None
    loaded = open_clip.get_pretrained_cfg(*twin.name.split("/"))
    assert loaded["hf_hub"].rstrip("/") == twin.repository


def test_a_twin_has_the_patches_and_pixels_of_its_original() -> None:
    for name, architecture in twins.GOOGLE.items():
        patch, size = name.split("-patch")[1].split("-")[:2]
        vision = open_clip.get_model_config(architecture)["vision_cfg"]
        assert f"patch{patch}_" in vision["timm_model_name"]
        whole = int(size) // int(patch) * int(patch)  # 378 of 384 by 14.
        assert vision["image_size"] in (int(size), whole)


@pytest.mark.parametrize("name", ["", "google/siglip-base", "google/vit-base", "me/clip", "clip"])
def test_other_repositories_have_no_twin(name: str) -> None:
    assert twins.of_repository(name) is None


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "siglip"}, "of this model is timm/ViT-B-16-SigLIP: use --model ViT-B-16-S"),
        ({"model_type": "clip"}, "of this model is timm/vit_base_patch32_clip_224.openai: use"),
        (
            {"model_type": "siglip", "vision_config": {"hidden_size": 1152, "patch_size": 14}},
            "timm/ViT-SO400M-14-SigLIP: use",
        ),
        (
            {"model_type": "clip", "_name_or_path": "openai/clip-vit-large-patch14"},
            "use --model ViT-L-14/openai, unless its weights are your own",
        ),
        ({"model_type": "blip", "vision_config": 3}, "(blip): open_clip needs open_clip_config"),
    ],
)
def test_a_folder_in_transformers_layout_is_named(tmp_path: Path, config: Any, words: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError) as refused:
        resolve(ModelRequest(f"local-dir:{tmp_path}"))
    assert words in str(refused.value)
    assert "hf download" not in str(refused.value)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"model_type": 3}'])
def test_another_config_is_no_sign_of_transformers(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    assert twins.of_folder(tmp_path) is None

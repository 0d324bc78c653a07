"""Claims about twins: what they name is what open_clip lists."""

from __future__ import annotations

import open_clip
import pytest

from oodcache.extract.model.names import twins


@pytest.mark.parametrize("repository", twins.CONVERTED)
def test_a_twin_is_a_tag_of_open_clip_that_loads_a_conversion(repository: str) -> None:
    name, tag = twins.CONVERTED[repository].split("/")
    loaded = open_clip.get_pretrained_cfg(name, tag)["hf_hub"]
    assert loaded.startswith("timm/")
    if repository.startswith("google/"):
        assert loaded == f"timm/{name}/"


@pytest.mark.parametrize("repository", twins.SAME_REPOSITORY)
def test_a_twin_with_both_layouts_is_a_tag_that_loads_the_same_repository(repository: str) -> None:
    name, tag = twins.SAME_REPOSITORY[repository].split("/")
    assert open_clip.get_pretrained_cfg(name, tag)["hf_hub"] == f"{repository}/"


def test_a_twin_has_the_patches_and_pixels_of_its_original() -> None:
    for repository, twin in twins.CONVERTED.items():
        if not repository.startswith("google/"):
            continue
        patch, size = repository.split("-patch")[1].split("-")[:2]
        vision = open_clip.get_model_config(twin.split("/")[0])["vision_cfg"]
        assert f"patch{patch}_" in vision["timm_model_name"]
        whole = int(size) // int(patch) * int(patch)  # 378 of 384 by 14.
        assert vision["image_size"] in (int(size), whole)


@pytest.mark.parametrize(
    ("repository", "tag"),
    [
        ("openai/clip-vit-base-patch32", "openai"),
        ("openai/clip-vit-large-patch14-336", "openai"),
        ("facebook/metaclip-b16-400m", "metaclip_400m"),
        ("facebook/metaclip-l14-fullcc2.5b", "metaclip_fullcc"),
        ("facebook/metaclip-2-worldwide-giant-378", "metaclip2_worldwide"),
    ],
)
def test_a_twin_of_clip_has_the_size_of_its_original(repository: str, tag: str) -> None:
    twin = twins.of_repository(repository)
    assert twin is not None and twin.endswith(f"/{tag}")
    vision = open_clip.get_model_config(twin.split("/")[0])["vision_cfg"]
    size = "336" if "336" in repository else "378" if "378" in repository else "224"
    assert vision["image_size"] == int(size)
    assert str(vision["patch_size"]) in repository or "giant" in repository


@pytest.mark.parametrize("name", ["", "google/siglip-base", "google/vit-base", "me/clip", "clip"])
def test_other_repositories_have_no_twin(name: str) -> None:
    assert twins.of_repository(name) is None


def said(architecture: str) -> str | None:
    return twins.said(architecture, architecture)


def test_a_twin_is_said_for_what_transformers_loads_alone() -> None:
    line = (
        "transformers:openai/clip-vit-base-patch32: open_clip has the same weights, --model "
        "ViT-B-32/openai; embeddings under the two names are never mixed"
    )
    assert said("transformers:openai/clip-vit-base-patch32") == line
    assert said("ViT-B-32/openai") is None
    assert said("transformers:me/mine") is None
    assert said("transformers:mine/clip-vit-base-patch32") is None


def test_a_folder_of_the_hubs_cache_is_its_repository() -> None:
    place = "transformers:/h/hub/models--openai--clip-vit-base-patch32/snapshots/0123"
    assert "--model ViT-B-32/openai" in str(said(place))

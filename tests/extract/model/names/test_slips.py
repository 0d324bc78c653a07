"""Claims about names that no model has: which others are offered."""

from __future__ import annotations

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.model.names import slips


def refused(name: str) -> str:
    with pytest.raises(InputError) as caught:
        slips.check_repository(name)
    assert len(str(caught.value).encode()) < 600
    return str(caught.value)


def test_a_slip_in_open_clips_name_is_not_asked_of_the_hub() -> None:
    said = refused("VIT-B-32/openai")
    assert "open_clip has no model 'VIT-B-32'; did you mean ViT-B-32/openai" in said
    assert "For a repository of the hub type hf-hub:VIT-B-32/openai or transformers:VIT-" in said


def test_repositories_pass() -> None:
    for name in ("openai/clip-vit-base-patch32", "google/siglip2-base-patch16-224", "me/x"):
        slips.check_repository(name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("siglip-base-patch16-224", "google/siglip-base-patch16-224"),
        ("clip-vit-base-patch32", "openai/clip-vit-base-patch32"),
        ("SiglipModel", "a model of that class, such as google/siglip-base-patch16-224"),
        ("vit_small_patch14_dinov2.lvd142m", "timm:vit_small_patch14_dinov2.lvd142m"),
    ],
)
def test_a_name_without_its_owner_or_prefix_is_answered_with_it(name: str, meant: str) -> None:
    assert f"names no weights; did you mean {meant}? Otherwise give" in refused(name)

"""Claims about layouts: the same weights give the same vectors by open_clip and transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from samples import load, slow_except, write_image
from samples.extract.both_layouts import KINDS, both_layouts, register_timm_tower
from samples.extract.transformers_folders import IMAGE

from oodcache.extract.model.transformers.prompts import load_prompts

NAMES = ("cat", "small red digit", "old house by the sea", "Dog")


def images_by_hand(model: Any, folder: Path, paths: Sequence[Path]) -> torch.Tensor:
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(folder)
    pixels = processor([Image.open(path) for path in paths], return_tensors="pt")
    with torch.no_grad():
        return unit(model.get_image_features(**pixels).pooler_output)


def texts_by_hand(model: Any, folder: Path, texts: Sequence[str]) -> torch.Tensor:
    prompts = load_prompts(folder, model.config, where="x", note=print)
    with torch.no_grad():
        return unit(model.get_text_features(**prompts.inputs(prompts(texts))).pooler_output)


def unit(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


@pytest.mark.parametrize("kind", slow_except(("siglip", "siglip2"), KINDS))
def test_the_same_weights_give_the_same_vectors(tmp_path: Path, kind: str) -> None:
    """The images have the model's size: resizing is each library's own."""
    from transformers import AutoModel

    register_timm_tower()
    ours, theirs = both_layouts(tmp_path, kind)
    paths = [write_image(tmp_path / f"{n}.png", n, size=(IMAGE, IMAGE)) for n in range(4)]
    texts = [f"a photo of a {name}" for name in NAMES]
    model, other = load(f"local-dir:{ours}"), AutoModel.from_pretrained(theirs).eval()
    prepared = [model.preprocessing.prepared(path.read_bytes()).pixels for path in paths]
    images = model.images(torch.stack(prepared)).vectors
    torch.testing.assert_close(images, images_by_hand(other, theirs, paths), atol=1e-5, rtol=0)
    found = model.prompts(model.tokens(texts)).vectors
    torch.testing.assert_close(found, texts_by_hand(other, theirs, texts), atol=1e-5, rtol=0)
    for vectors in (images, found):  # Else anything equals anything.
        assert (vectors @ vectors.T - torch.eye(4)).abs().max() < 0.999


def test_the_twins_of_siglip_differ_in_their_gelu() -> None:
    """Why docs/models.md says that caches of twins are not equal; a library may change it."""
    import open_clip
    import timm
    from transformers import SiglipTextConfig, SiglipVisionConfig

    with torch.device("meta"):
        tower = timm.create_model("vit_base_patch16_siglip_224", depth=1)
    assert tower.blocks[0].mlp.act.approximate == "none"
    texts = [
        open_clip.get_model_config(name)["text_cfg"].get("act_kwargs")
        for name in ("ViT-B-16-SigLIP", "ViT-B-16-SigLIP2")
    ]
    assert texts == [None, {"approximate": "tanh"}]
    for config in (SiglipTextConfig(), SiglipVisionConfig()):
        assert config.hidden_act == "gelu_pytorch_tanh"

"""Claims about layouts: the same weights give the same vectors by open_clip and transformers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image
from samples import Run, load, slow_except, write_image
from samples.extract.both_layouts import KINDS, both_layouts, register_timm_tower
from samples.extract.transformers_folders import (
    IMAGE,
    LAYOUTS,
    LENGTH,
    PATCH,
    transformers_folder,
)

from oodcache.extract.model.encoder import Encoder

NAMES = ("cat", "small red digit", "old house by the sea", "Dog")
TEXTS = [f"a photo of a {name}" for name in NAMES]


def noise(folder: Path) -> list[Path]:
    """Write images of the model's size: resizing is each library's own."""
    return [write_image(folder / f"{n}.png", n, size=(IMAGE, IMAGE)) for n in range(4)]


def images_of(model: Encoder, paths: Sequence[Path]) -> torch.Tensor:
    prepared = [model.preprocessing.prepared(path.read_bytes()).pixels for path in paths]
    return model.images(torch.stack(prepared)).vectors


@pytest.mark.parametrize("kind", slow_except(("siglip2",), KINDS))
def test_the_same_weights_give_the_same_vectors(tmp_path: Path, kind: str) -> None:
    register_timm_tower()
    ours, theirs = both_layouts(tmp_path, kind)
    models = [load(f"local-dir:{ours}"), load(f"transformers:{theirs}")]
    paths = noise(tmp_path)
    images = [images_of(model, paths) for model in models]
    texts = [model.prompts(model.tokens(TEXTS)).vectors for model in models]
    for found, other in (images, texts):
        torch.testing.assert_close(found, other, atol=1e-5, rtol=0)
        # Else anything equals anything.
        assert (found @ found.T - torch.eye(4)).abs().max() < 0.999
    identities = [model.signature.identity for model in models]
    assert identities[0].logit_scale == pytest.approx(identities[1].logit_scale, rel=1e-6)
    assert identities[0].logit_bias == identities[1].logit_bias


@pytest.mark.parametrize("kind", slow_except(("siglip2",), (*KINDS, "metaclip_2")))
def test_logits_are_those_of_transformers_by_hand(
    folders: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    """And so are predictions and accuracy; NaFlex's images have a test of their own."""
    from transformers import AutoModel, AutoProcessor

    folder = folders[kind]
    paths, texts = noise(tmp_path), TEXTS
    if kind.startswith("siglip"):
        texts = [text.lower() for text in TEXTS]
    given = AutoProcessor.from_pretrained(folder)(
        text=texts,
        images=[Image.open(path) for path in paths],
        **{"padding": "max_length", "truncation": True, "max_length": LENGTH},
        return_tensors="pt",
    )
    if kind.startswith("siglip"):  # Of Gemma's tokenizer; Google's cards have none.
        given.pop("attention_mask", None)
    with torch.no_grad():
        expected = AutoModel.from_pretrained(folder).eval()(**given).logits_per_image
    model = load(f"transformers:{folder}")
    identity = model.signature.identity
    cosine = images_of(model, paths) @ model.prompts(model.tokens(TEXTS)).vectors.T
    logits = identity.logit_scale * cosine + (identity.logit_bias or 0)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    assert logits.argmax(dim=1).tolist() == expected.argmax(dim=1).tolist()


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


@pytest.mark.slow
@pytest.mark.parametrize("kind", LAYOUTS)
def test_accuracy_is_that_of_transformers_by_hand(kind: str, oodcache: Run, tmp_path: Path) -> None:
    from transformers import AutoModel, AutoProcessor

    folder, names = transformers_folder(tmp_path / kind, kind), ("cat", "dog", "house")
    for number in range(30):
        label = names[number % 3]
        write_image(tmp_path / "id" / label / f"{number}.png", number, size=(IMAGE, IMAGE))
        write_image(tmp_path / "ood" / f"{number}.png", 100 + number, size=(IMAGE, IMAGE))
    # Siglip2Processor has numbers of its own, those of Google's checkpoints.
    patches = {"patch_size": PATCH, "max_num_patches": (IMAGE // PATCH) ** 2}
    given = AutoProcessor.from_pretrained(folder)(
        text=[f"a photo of a {name}" for name in names],
        **(patches if kind == "siglip2-naflex" else {}),
        images=[Image.open(tmp_path / "id" / names[n % 3] / f"{n}.png") for n in range(30)],
        **{"padding": "max_length", "truncation": True, "max_length": LENGTH},
        return_tensors="pt",
    )
    if kind.startswith("siglip"):
        given.pop("attention_mask", None)
    with torch.no_grad():
        predicted = AutoModel.from_pretrained(folder).eval()(**given).logits_per_image.argmax(dim=1)
    right = int((predicted == torch.arange(30) % 3).sum())
    made = oodcache(
        *("extract", "--model", f"transformers:{folder}", "id=id", "ood=ood", "--workers", 0),
        *("--classes", "c=id", "--template", "a photo of a {}"),
    )
    assert made.status == 0, made.err
    scored = oodcache(
        *("score", "--model", f"local/{kind}", "--classes", "c", "--id", "id", "--ood", "ood"),
        *("--score", "mcm", "--format", "csv"),
    )
    assert scored.status == 0, scored.err
    (row,) = csv.DictReader(scored.out.splitlines())
    assert float(row["id_accuracy"]) == pytest.approx(right / 30)

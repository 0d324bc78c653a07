"""Claims about open_clip's families: the smallest architecture of each, with random weights."""

from __future__ import annotations

import csv
import gc
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import save_file
from samples import Run, write_image
from samples.extract.siglip_models import Kind, write_tokenizer

NAMES = ("cat", "small red digit", "zebra crossing")
MT5, GEMMA = Kind("T5Tokenizer", "<pad>", "</s>"), Kind("GemmaTokenizer", "<pad>", "<eos>")


@dataclass(frozen=True)
class Family:
    """An architecture, a tag of it or of a larger one, and a tokenizer that is not CLIP's."""

    architecture: str
    tagged: tuple[str, str]
    tokenizer: Kind | None = None


FAMILIES = {
    "OpenCLIP": Family("ViT-B-32", ("ViT-B-32", "laion2b_s34b_b79k")),
    "ResNet": Family("RN50", ("RN50", "openai")),
    "ConvNeXt": Family("convnext_base", ("convnext_base", "laion400m_s13b_b51k")),
    "CoCa": Family("coca_ViT-B-32", ("coca_ViT-B-32", "laion2b_s13b_b90k")),
    "ViTamin": Family("ViTamin-S", ("ViTamin-S", "datacomp1b")),
    "EVA": Family("EVA02-B-16", ("EVA02-B-16", "merged2b_s8b_b131k")),
    "DFN": Family("ViT-B-16-quickgelu", ("ViT-B-16", "dfn2b")),
    "MobileCLIP2": Family("MobileCLIP2-S0", ("MobileCLIP2-S0", "dfndr2b")),
    "PE-Core": Family("PE-Core-T-16-384", ("PE-Core-T-16-384", "meta")),
    "SigLIP 2": Family("ViT-B-32-SigLIP2-256", ("ViT-B-32-SigLIP2-256", "webli"), GEMMA),
    "MetaCLIP 2": Family("ViT-L-14-worldwide", ("ViT-H-14-worldwide", "metaclip2_worldwide"), MT5),
}


@dataclass(frozen=True)
class ByHand:
    """Unit vectors by open_clip alone: (3, D) of images and of prompts."""

    images: npt.NDArray[np.float64]
    prompts: npt.NDArray[np.float64]


def write_folder(folder: Path, family: Family) -> dict[str, Any]:
    """Write configuration and tokenizer as a repository has them; return the preprocessing."""
    config = open_clip.get_model_config(family.architecture)
    tagged = open_clip.get_pretrained_cfg(*family.tagged)
    keys = ("mean", "std", "interpolation", "resize_mode")
    prepared = {"size": config["vision_cfg"]["image_size"], **{key: tagged[key] for key in keys}}
    folder.mkdir()
    if family.tokenizer is not None:
        write_tokenizer(folder, family.tokenizer)
    both = {"model_cfg": config, "preprocess_cfg": prepared}
    (folder / "open_clip_config.json").write_text(json.dumps(both))
    return prepared


def write_weights(folder: Path, prepared: dict[str, Any], images: list[Path]) -> ByHand:
    """Write random weights; return what open_clip computes with them."""
    torch.manual_seed(0)
    model = open_clip.create_model(f"local-dir:{folder}").eval()
    weights = {key: tensor.contiguous() for key, tensor in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    transform = image_transform_v2(PreprocessCfg(**prepared), is_train=False)
    batch = torch.stack([transform(Image.open(path)) for path in images])
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")([f"a photo of a {n}" for n in NAMES])
    with torch.no_grad():
        return ByHand(unit(model.encode_image(batch)), unit(model.encode_text(tokens)))


def unit(features: torch.Tensor) -> npt.NDArray[np.float64]:
    array = features.double().numpy()
    return array / np.linalg.norm(array, axis=1, keepdims=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_goes_through_extract_and_score_as_by_open_clip(
    name: str, oodcache: Run, tmp_path: Path
) -> None:
    family, folder = FAMILIES[name], tmp_path / "model"
    pictures = [tmp_path / "i" / f"{one}.png" for one in range(3)]
    for number, path in enumerate(pictures):
        write_image(path, number, size=(60 + 9 * number, 50))
    write_image(tmp_path / "o" / "0.png", 9, size=(40, 70))
    (tmp_path / "names.txt").write_text("\n".join(NAMES) + "\n")
    expected = write_weights(folder, write_folder(folder, family), pictures)
    gc.collect()  # The largest models are gigabytes, and `extract` loads another one.

    typed = ("extract", "--model", f"local-dir:{folder}", "--classes", "c=names.txt")
    made = oodcache(*typed, "--workers", 0, f"i={tmp_path / 'i'}", f"o={tmp_path / 'o'}")
    assert made.status == 0, made.err
    (label,) = (tmp_path / "embeddings" / "local").iterdir()
    scored = oodcache(
        *("score", "--model", f"local/{label.name}", "--id", "i", "--ood", "o"),
        *("--score", "max-logit", "--score", "mcm", "--save-scores", "all.csv"),
    )
    assert scored.status == 0, scored.err
    with (tmp_path / "all.csv").open(newline="") as text:
        rows = [row for row in csv.DictReader(text) if row["data_set"] == "i"]
    cosines = expected.images @ expected.prompts.T
    found = [float(row["max-logit"]) for row in rows]
    np.testing.assert_allclose(found, cosines.max(axis=1), atol=1e-5)


def test_every_family_and_tag_is_in_open_clips_list() -> None:
    for one in FAMILIES.values():
        assert one.architecture in open_clip.list_models()
        assert one.tagged[1] in open_clip.list_pretrained_tags_by_model(one.tagged[0])

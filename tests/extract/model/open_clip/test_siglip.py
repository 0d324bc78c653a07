"""Claims about SigLIP and SigLIP 2: real architectures with random weights, by the command line."""

from __future__ import annotations

import csv
import filecmp
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from samples import Run
from samples.extract.local_hub import LocalHub, local_hub
from samples.extract.siglip_models import KINDS, write_repository
from tokenizers import Tokenizer

SCALE, BIAS = 112.7, -12.25
NAMES = ("cat", "CAT!", "small red digit", "zebra_crossing")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Repository:
    """The real architecture `name` with random weights, as its repository on the hub holds it."""

    name: str
    folder: Path


@pytest.fixture(scope="module")
def repository(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Repository]:
    """Gigabytes, so that there is only one at a time."""
    name = request.param
    folder = tmp_path_factory.mktemp("hub") / name
    write_repository(
        folder, name, config=open_clip.get_model_config(name), scale=math.log(SCALE), bias=BIAS
    )
    yield Repository(name, folder)
    shutil.rmtree(folder)


def write_images(folder: Path) -> list[Path]:
    """Write three pictures that are no squares: a slope of colours, blots, noise."""
    folder.mkdir()
    row, column = np.mgrid[0:300, 0:200]
    slope = np.stack([row % 256, column, 255 - column], axis=-1)
    blots = np.stack([128 + 100 * np.sin(row / k) * np.cos(column / 30) for k in (9, 20, 50)], -1)
    noise = np.random.default_rng(0).integers(0, 256, (150, 400, 3))
    paths = []
    for name, pixels in (("a.png", slope), ("b.png", blots), ("c.jpg", noise)):
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name)
        paths.append(folder / name)
    return paths


def by_hand(found: Repository, images: list[Path], prompts: list[str]) -> tuple[Floats, Floats]:
    """Return unit vectors of images and prompts, by open_clip's class and nothing of ours."""
    with torch.device("meta"):  # Spares the seconds that random numbers take.
        model = open_clip.create_model(found.name, device="meta")
    model.load_state_dict(load_file(found.folder / "open_clip_model.safetensors"), assign=True)
    model.eval()
    kind = KINDS[found.name]
    tokenizer = Tokenizer.from_file(str(found.folder / "tokenizer.json"))
    padding = tokenizer.token_to_id(kind.padding)
    rows = [tokenizer.encode(canonical(prompt)).ids for prompt in prompts]
    tokens = torch.tensor([row + [padding] * (64 - len(row)) for row in rows])
    pixels = np.stack(
        [
            np.asarray(Image.open(path).convert("RGB").resize((224, 224), Image.Resampling.BICUBIC))
            for path in images
        ]
    )
    batch = torch.from_numpy(pixels.astype(np.float32) / 255).permute(0, 3, 1, 2) * 2 - 1
    with torch.no_grad():
        return unit(model.encode_image(batch)), unit(model.encode_text(tokens))


def canonical(text: str) -> str:
    """Lower case, _ a space, no punctuation."""
    return re.sub(r"[^a-z ]", "", text.lower().replace("_", " "))


def unit(features: torch.Tensor) -> Floats:
    array = features.double().numpy()
    return array / np.linalg.norm(array, axis=1, keepdims=True)


@pytest.mark.slow
@pytest.mark.parametrize("repository", KINDS, indirect=True)
def test_siglip_goes_from_a_folder_to_scores_as_by_hand(
    repository: Repository, oodcache: Run, tmp_path: Path
) -> None:
    images = write_images(tmp_path / "images")
    write_images(tmp_path / "others")[0].unlink()
    (tmp_path / "names.txt").write_text("\n".join(NAMES) + "\n")
    model = f"local-dir:{repository.folder}"
    made = oodcache(
        *("extract", "--model", model, "--classes", "c=names.txt"),
        *("i=images", "o=others", "--workers", 0),
    )
    assert made.status == 0, made.err
    (folder,) = (tmp_path / "embeddings" / "local").iterdir()
    assert re.fullmatch(rf"{repository.name}-[0-9a-f]{{8}}", folder.name)
    with h5py.File(folder / "images" / "i.h5") as file, h5py.File(folder / "texts" / "c.h5") as c:
        ours, texts = file["embeddings"][:], c["embeddings"][0]
        preprocessing = json.loads(file["identity"][()])["encoding"]
        tokenizing = json.loads(c["identity"][()])["encoding"]
        stored = (file.attrs["logit_scale"], file.attrs["logit_bias"])
    assert stored == (pytest.approx(SCALE, rel=1e-6), BIAS)
    assert (preprocessing["size"], preprocessing["resize_mode"]) == ([224, 224], "squash")
    assert preprocessing["mean"] == preprocessing["std"] == [0.5] * 3
    assert preprocessing["interpolation"] == "bicubic"
    assert (tokenizing["context_length"], tokenizing["clean"]) == (64, "_clean_canonicalize")
    np.testing.assert_allclose(texts[0], texts[1], atol=1e-6)  # "cat" and "CAT!".
    expected = by_hand(repository, images, [f"a photo of a {name}" for name in NAMES])
    np.testing.assert_allclose(ours, expected[0], atol=1e-5)
    np.testing.assert_allclose(texts, expected[1], atol=1e-5)

    scored = oodcache(
        *("score", "--model", f"local/{folder.name}", "--classes", "c", "--id", "i", "--ood", "o"),
        *("--score", "mcm:temperature=1|learned", "--score", "sigmoid-mcm"),
        *("--save-scores", "all.csv"),
    )
    assert scored.status == 0, scored.err
    with (tmp_path / "all.csv").open(newline="") as text:
        rows = [row for row in csv.DictReader(text) if row["data_set"] == "i"]
    cosine = ours.astype(np.float64) @ texts.astype(np.float64).T
    logits = stored[0] * cosine
    shown = {
        "sigmoid-mcm": (1 / (1 + np.exp(-(logits + BIAS)))).max(axis=1),
        "mcm": softmax(cosine).max(axis=1),
        "mcm:temperature=learned": softmax(logits).max(axis=1),  # No bias is in it.
    }
    for name, values in shown.items():
        found = [float(row[f"{name} shown"]) for row in rows]
        np.testing.assert_allclose(found, values, rtol=1e-5)


def softmax(logits: Floats) -> Floats:
    exponentials = np.exp(logits)
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


PLACING = re.compile(
    r"run  (hf download .*?)  and copy (\S+) from its ~/\.cache/huggingface/hub into (.*?); "
    r"or add  --local-dir DIR  there, copy DIR, and use  --model local-dir:DIR$"
)


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["ViT-B-16-SigLIP"], indirect=True)
def test_what_the_error_says_to_type_gives_the_model(
    repository: Repository, oodcache: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(here / "hub"))
    write_images(tmp_path / "images")
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    rest = ("--classes", "c=names.txt", "i=images", "--workers", 0)

    refused = oodcache("extract", "--model", "siglip", *rest)
    said = PLACING.search(refused.err.rstrip())
    assert refused.status == 1
    assert said is not None, refused.err
    assert said[3] == str(here / "hub")
    (here / "hub").mkdir(parents=True)
    with local_hub({"timm/ViT-B-16-SigLIP": repository.folder}) as hub:
        typed(said[1], elsewhere, hub)
        typed(f"{said[1]} --local-dir {tmp_path / 'DIR'}", elsewhere, hub)
        shutil.move(elsewhere / "hub" / said[2], said[3])
    made = oodcache("extract", "--model", "siglip", *rest)
    assert made.status == 0, made.err
    for file in ("images/i.h5", "texts/c.h5"):
        assert (tmp_path / "embeddings" / "ViT-B-16-SigLIP" / "webli" / file).is_file()
    # The folder is the one that goes to scores above.
    files = sorted(path.name for path in repository.folder.iterdir())
    equal, _, _ = filecmp.cmpfiles(repository.folder, tmp_path / "DIR", files, shallow=False)
    assert equal == files


def typed(command: str, home: Path, hub: LocalHub) -> None:
    """Run a command of the hub's client, as on a machine that reaches a hub."""
    program, *arguments = command.split()
    environment = {**os.environ, "HF_HOME": str(home), "HF_ENDPOINT": hub.endpoint}
    subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        env={**environment, "HF_HUB_DISABLE_TELEMETRY": "1"},
        check=True,
        capture_output=True,
    )

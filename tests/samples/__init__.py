"""Samples that tests of several rooms use: what a command gave, random models, images of noise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, fields
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from oodcache.cache.watch import Watch
from oodcache.extract.model.request import ModelRequest, resolve
from oodcache.extract.run import plan

if TYPE_CHECKING:
    from oodcache.extract.model.encoder import Encoder


@dataclass(frozen=True)
class Outcome:
    """What a command gave: its exit status and what it printed."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


def slow_except(fast: Collection[Any], values: Iterable[Any]) -> list[Any]:
    """Return parameters of a test, of which only the fast ones are left to `make test`."""
    return [one if one in fast else pytest.param(one, marks=pytest.mark.slow) for one in values]


def _permissions_bind() -> bool:
    """Return whether a folder without write permission refuses this user; root's does not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o500)
        return not os.access(folder, os.W_OK)


permissions_bind = pytest.mark.skipif(
    not _permissions_bind(), reason="this user may read and write everywhere"
)


CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {
        "image_size": 16,
        "layers": 1,
        "width": 32,
        "head_width": 16,
        "patch_size": 8,
    },
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 16,
        "heads": 2,
        "layers": 1,
    },
}


@dataclass(frozen=True)
class SmallModel:
    """An architecture as JSON and weights for it, random but fixed."""

    config: Path
    checkpoint: Path

    @property
    def arguments(self) -> list[str]:
        """Return what `extract` wants of it."""
        return [
            *("--model", self.config.stem),
            *("--model-config", str(self.config)),
            *("--checkpoint", str(self.checkpoint)),
        ]


def make_small_model(folder: Path, name: str, seed: int = 0, **changes: object) -> SmallModel:
    """Write a model with random weights; `changes` go into its configuration."""
    import open_clip
    import torch

    config = folder / f"{name}.json"
    config.write_text(json.dumps({**CONFIG, **changes}))
    open_clip.add_model_config(config)
    torch.manual_seed(seed)
    model = open_clip.create_model(name)
    checkpoint = folder / f"{name}.pt"
    torch.save(model.state_dict(), checkpoint)
    return SmallModel(config, checkpoint)


def write_image(path: Path, seed: int, *, size: tuple[int, int] = (24, 20)) -> Path:
    """Write random pixels in the format of the path's ending, making its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def write_photos(folder: Path) -> None:
    """Write 12 images in the class folders cat and dog."""
    for number in range(6):
        write_image(folder / "cat" / f"{number}.png", number)
        write_image(folder / "dog" / f"{number}.png", 100 + number)


def write_strays(folder: Path) -> None:
    """Write 5 images without class folders."""
    for number in range(5):
        write_image(folder / f"{number}.jpg", 1000 + number)


@contextmanager
def silent(description: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """Count what is done; assert that it comes to the total."""
    done: list[int] = []
    yield done.append
    assert sum(done) == total


def planned(tmp_path: Path, request: ModelRequest, notes: list[str], **given: Any) -> plan.Plan:
    """Return a plan; `given` goes into its settings, or into what else is asked for."""
    names = {field.name for field in fields(plan.Settings)}
    settings = {name: given.pop(name) for name in list(given) if name in names}
    asked = plan.Extraction(
        model=request,
        settings=plan.Settings(**{"batch_size": 4, **settings}),
        **{"data_root": tmp_path, "cache": tmp_path / "embeddings", **given},
    )
    return plan.plan(asked, Watch(notes.append, silent))


SIGLIP_LIKE = {
    "mean": [0.5] * 3,
    "std": [0.5] * 3,
    "interpolation": "bicubic",
    "resize_mode": "squash",
}


def load(requested: str, notes: list[str] | None = None, **given: Any) -> Encoder:
    """Load a model; `given` goes into its request."""
    from oodcache.extract.model import loading

    return loading.load(
        resolve(ModelRequest(requested, **given)), ([] if notes is None else notes).append
    )


def load_small(model: SmallModel, notes: list[str] | None = None, **given: Any) -> Encoder:
    """Load a small model from its files; `given` goes into its request."""
    settings = {"checkpoint": model.checkpoint, "config": model.config, **given}
    return load(model.config.stem, notes, **settings)


def local_folder(folder: Path, model: SmallModel, preprocess: dict[str, Any] | None) -> Path:
    """Write a model as open_clip's `local-dir:` takes it."""
    folder.mkdir()
    config: dict[str, Any] = {"model_cfg": json.loads(model.config.read_text())}
    if preprocess is not None:
        config["preprocess_cfg"] = preprocess
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    import torch
    from safetensors.torch import save_file

    state = torch.load(model.checkpoint, weights_only=True)
    save_file(
        {name: tensor.contiguous() for name, tensor in state.items()}, folder / "model.safetensors"
    )
    return folder


def extract_demo(folder: Path) -> None:
    """Extract the demo's classes and images, but for its textures, with both its models."""
    from oodcache.extract.demo import embedded
    from oodcache.extract.run import run

    images, names = folder / "data", ("digits", "eight-nine", "photos", "digits-train")
    embedded.write_images(images)
    for model in embedded.MODELS:
        wanted = planned(
            folder,
            ModelRequest(model),
            [],
            sources=[f"{name}={images / name}" for name in names],
            classes=f"digits={images / 'digits'}",
            batch_size=256,
            workers=0,
        )
        run.run(wanted, Watch(lambda text: None, silent))


def run_in(folder: Path, *arguments: str) -> None:
    """Run `oodcache` in a folder, in this process, without its output."""
    from oodcache.cli.main import main

    typed, unread = patch("sys.argv", ["oodcache", *arguments]), StringIO()
    silenced = redirect_stdout(unread), redirect_stderr(unread)
    with chdir(folder), typed, silenced[0], silenced[1], suppress(SystemExit):
        main()


def run_demo(folder: Path) -> None:
    """Run `oodcache demo` in a folder."""
    command = [sys.executable, "-m", "oodcache", "demo"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)

"""What model was asked for, made sense of before torch is imported."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.names import SHORT_NAMES
from oodcache.extract.demo import embedded

LOCAL_DIR = "local-dir:"
HUB = "hf-hub:"
CONFIG = "open_clip_config.json"
PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")
PILLOW, TORCHVISION = "pillow", "torchvision"  # What decodes, as an identity names it.
ARITHMETIC = ("channels_last", "compile")
NEEDS = ("torch", "torchvision", "open_clip", "transformers", "PIL")
WEIGHTS = ("*.safetensors", "*.bin", "*.pth")


def check_torch() -> None:
    """Refuse to go on without the libraries of stage 1, with the line that installs them."""
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        raise InputError(
            f"extraction needs {', '.join(missing)}: type  pip install 'oodcache[extract]'"
        )


@dataclass(frozen=True)
class ModelRequest:
    """A model as it was asked for on the command line.

    `preprocessing` holds what overrides the model's own: some of the keys of PREPROCESSING.
    `fast_decode` changes the pixels that the model is given; `channels_last` and `compile` how it
    computes, and so the last digits of its vectors.
    """

    requested: str
    checkpoint: Path | None = None
    config: Path | None = None
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    precision: str = "float32"
    device: str | None = None
    fast_decode: bool = False
    channels_last: bool = False
    compile: bool = False

    @property
    def arithmetic(self) -> dict[str, bool]:
        """Return which of ARITHMETIC are asked for, as an identity's precision holds them."""
        return {name: True for name in ARITHMETIC if getattr(self, name)}


@dataclass(frozen=True)
class Resolved:
    """A request made sense of: what open_clip is to load, and where its embeddings belong.

    `architecture` and `tag` are open_clip's two arguments (a tag may be a file's path).
    `label` is `name/pretrained`; for weights of the user's own it is `local/NAME`, to which the
    hash of the weights is added once they are loaded. `weights_file` is None for fetched weights;
    `local_files` are all files of the user's, or of this package, that decide what is loaded.
    """

    request: ModelRequest
    architecture: str
    tag: str | None
    label: str
    weights_file: Path | None
    local_files: tuple[Path, ...] = ()

    @cached_property
    def checkpoint(self) -> str | None:
        """Return a SHA-256 over the names and contents of `local_files`, None for none."""
        if not self.local_files:
            return None
        digest = hashlib.sha256()
        for path in self.local_files:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
            digest.update(path.name.encode(errors="surrogateescape") + b"\0" + content)
        return digest.hexdigest()

    @property
    def is_local(self) -> bool:
        """Whether the weights are the user's own, named by their hash."""
        return self.label.startswith("local/")


def resolve(request: ModelRequest) -> Resolved:
    """Return what to load; refuse what can be seen to be wrong without torch."""
    name = SHORT_NAMES.get(request.requested, request.requested)
    for file, option in ((request.checkpoint, "--checkpoint"), (request.config, "--model-config")):
        if file is not None and not file.is_file():
            raise InputError(f"{option} {file}: no such file")
    bundled = embedded.MODELS.get(name.removesuffix("/demo"))
    if request.checkpoint is not None:
        return _from_checkpoint(request, name)
    if bundled is not None:
        return _from_folder(request, bundled, f"{bundled.name}/demo")
    if name.startswith(LOCAL_DIR):
        folder = Path(name.removeprefix(LOCAL_DIR))
        return _from_folder(request, folder, f"local/{_file_name(folder.resolve().name)}")
    if name.startswith(HUB):
        repository = name.removeprefix(HUB).replace("/", "--")
        return Resolved(request, name, None, f"hf-hub/{_file_name(repository)}", None)
    architecture, slash, tag = name.rpartition("/")
    if not slash:
        near = get_close_matches(name, SHORT_NAMES, n=1) or [f"one of {', '.join(SHORT_NAMES)}"]
        raise InputError(
            f"--model {name}: says no weights; did you mean {near[0]}? Otherwise type {name}/TAG, "
            f"or {name} with --checkpoint FILE"
        )
    # Written as open_clip takes them too: ViT-B/32, laion2b-s34b-b79k.
    architecture, tag = architecture.replace("/", "-"), tag.lower().replace("-", "_")
    own = (request.config,) if request.config else ()
    return Resolved(request, architecture, tag, f"{architecture}/{tag}", None, own)


def _from_checkpoint(request: ModelRequest, name: str) -> Resolved:
    assert request.checkpoint is not None
    if name.startswith((LOCAL_DIR, HUB)):
        raise InputError(f"--model {name}: brings its own weights; leave --checkpoint out")
    own = (request.checkpoint, *((request.config,) if request.config else ()))
    label = f"local/{_file_name(name)}"
    return Resolved(request, name, str(request.checkpoint), label, request.checkpoint, own)


def _from_folder(request: ModelRequest, folder: Path, label: str) -> Resolved:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; local-dir:PATH wants a model's folder")
    if not (folder / CONFIG).is_file():
        raise InputError(f"{folder}: holds no {CONFIG}; {_placed(CONFIG, folder)}")
    weights = [path for pattern in WEIGHTS for path in sorted(folder.glob(pattern))]
    if not weights:
        raise InputError(
            f"{folder}: holds no weights ({', '.join(WEIGHTS)}), and a model without would be "
            f"random; {_placed('open_clip_model.safetensors', folder)}"
        )
    only = weights[0] if len(weights) == 1 else None
    own = tuple(sorted(one for one in folder.iterdir() if one.is_file()))
    return Resolved(request, f"{LOCAL_DIR}{folder}", None, label, only, own)


def _placed(file: str, folder: Path) -> str:
    """Return how a file of the hub gets into a folder."""
    return (
        f"put {file} there; on a machine with a network  "
        f"hf download REPO {file} --local-dir {folder}  fetches it from the hub"
    )


def _file_name(name: str) -> str:
    """Return `name` with whatever a folder should not be called replaced by '-'."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip(".") or "model"


def sleep_while_waiting() -> None:
    """Let them sleep where they would spin, unless the environment says otherwise.

    OpenMP reads it once, when torch is imported. On processors that also decode, a thread that
    spins keeps the very process from running that it, in the end, waits for.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

"""A model request, resolved before torch is imported."""

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
from oodcache.cache.names import SHORT_NAMES, check_model_name
from oodcache.extract.demo import embedded
from oodcache.extract.model import twins

LOCAL_DIR = "local-dir:"
HUB = "hf-hub:"
TRANSFORMERS = "transformers:"
CONFIG = "open_clip_config.json"
PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")
PILLOW, TORCHVISION = "pillow", "torchvision"  # The decoder, as an identity names it.
ARITHMETIC = ("channels_last", "compile")
NEEDS = ("torch", "torchvision", "open_clip", "transformers", "PIL")
WEIGHTS = ("*.safetensors", "*.bin", "*.pth")
REPOSITORY = re.compile(r"(?!.*(--|\.\.))\w[\w.-]{0,95}(/\w[\w.-]{0,95})?", re.ASCII)


def check_torch() -> None:
    """Raise InputError with the install command if stage 1's libraries are missing."""
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        raise InputError(
            f"extraction needs {', '.join(missing)}: type  pip install 'oodcache[extract]'"
        )


@dataclass(frozen=True)
class ModelRequest:
    """A model as requested on the command line.

    `preprocessing` overrides the model's own, by some of the keys of PREPROCESSING. `fast_decode`
    changes the pixels slightly, `exif` turns images as their EXIF says; `channels_last`
    and `compile` change the last digits of the vectors. `name` is what the user calls weights of
    their own.
    """

    requested: str
    checkpoint: Path | None = None
    config: Path | None = None
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    precision: str = "float32"
    device: str | None = None
    fast_decode: bool = False
    exif: bool = False
    channels_last: bool = False
    compile: bool = False
    name: str | None = None

    @property
    def is_own(self) -> bool:
        """Whether the weights are the user's own: a checkpoint or a folder."""
        is_folder = self.requested.startswith(LOCAL_DIR) or folder_of(self.requested) is not None
        return self.checkpoint is not None or is_folder

    @property
    def arithmetic(self) -> dict[str, bool]:
        """Return the options of ARITHMETIC that are set, as an identity's precision has them."""
        return {name: True for name in ARITHMETIC if getattr(self, name)}


@dataclass(frozen=True)
class Resolved:
    """A resolved request: what open_clip loads, and where its embeddings belong.

    `architecture` and `tag` are open_clip's two arguments (a tag may be a file's path).
    `label` is `name/pretrained`; for local weights `local/NAME`, to which the hash of the weights
    is added once they are loaded. `weights_file` is None for fetched weights; `local_files` are all
    local files that decide what is loaded.
    """

    request: ModelRequest
    architecture: str
    tag: str | None
    label: str
    weights_file: Path | None
    local_files: tuple[Path, ...] = ()

    @cached_property
    def checkpoint(self) -> str | None:
        """Return a SHA-256 over the names and contents of `local_files`, None without any."""
        if not self.local_files:
            return None
        digest = hashlib.sha256()
        for path in self.local_files:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
            digest.update(path.name.encode(errors="surrogateescape") + b"\0" + content)
        return digest.hexdigest()

    @property
    def places(self) -> dict[str, str]:
        """Return the absolute paths of the user's own checkpoint, configuration or folder."""
        given = {"checkpoint": self.request.checkpoint, "model_config": self.request.config}
        if self.architecture.startswith((LOCAL_DIR, TRANSFORMERS)) and self.is_local:
            given["folder"] = Path(self.architecture.partition(":")[2])
        found = {name: str(path.absolute()) for name, path in given.items() if path is not None}
        # JSON holds no other bytes than UTF-8.
        return {name: path for name, path in found.items() if path == printed(path)}

    @property
    def is_local(self) -> bool:
        """Whether the weights are local, named by their hash."""
        return self.label.startswith("local/")


def resolve(request: ModelRequest) -> Resolved:
    """Return what to load; raise InputError for mistakes that show without torch."""
    name = SHORT_NAMES.get(request.requested, request.requested)
    _check_name(name)
    if request.name is not None:
        check_model_name(request.name)
        if not request.is_own:
            raise InputError(
                f"model name {request.name!r}: {request.requested} has a name; only weights of "
                f"your own (a checkpoint, or {LOCAL_DIR}FOLDER) take another"
            )
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
        called = request.name or _file_name(folder.resolve().name)
        return _from_folder(request, folder, f"local/{called}")
    if name.startswith(TRANSFORMERS):
        return _from_transformers(request, name)
    if name.startswith(HUB):
        repository = name.removeprefix(HUB).replace("/", "--")
        return Resolved(request, name, None, f"hf-hub/{_file_name(repository)}", None)
    architecture, slash, tag = name.rpartition("/")
    if not (slash and tag and architecture):
        name = name.strip("/")
        near = get_close_matches(name, SHORT_NAMES, n=1) or [f"one of {', '.join(SHORT_NAMES)}"]
        raise InputError(
            f"--model {name}: names no weights; did you mean {near[0]}? Otherwise give {name}/TAG, "
            f"or {name} with --checkpoint FILE"
        )
    # As in open_clip, ViT-B/32 and laion2b-s34b-b79k are accepted too.
    architecture, tag = architecture.replace("/", "-"), tag.lower().replace("-", "_")
    own = (request.config,) if request.config else ()
    return Resolved(request, architecture, tag, f"{architecture}/{tag}", None, own)


def _check_name(name: str) -> None:
    """Raise InputError for a name that is empty, in part or whole, or has an unknown prefix."""
    prefix = re.match(r"[^/]*?:", name)
    if not name.strip(" /"):
        raise InputError(f"--model {name!r}: names no model; for example: --model siglip2")
    if prefix and prefix[0] not in (LOCAL_DIR, HUB, TRANSFORMERS):
        raise InputError(
            f"--model {name}: unknown prefix {prefix[0]!r}; give NAME/TAG of open_clip, "
            f"{HUB}REPO, {LOCAL_DIR}FOLDER or {TRANSFORMERS}PATH-or-REPO"
        )
    if name == LOCAL_DIR:
        raise InputError(f"--model {name}: names no folder; for the current one: {LOCAL_DIR}.")
    if name.startswith(HUB) and not REPOSITORY.fullmatch(name.removeprefix(HUB)):
        raise InputError(f"--model {name}: is no repository of the hub; expected {HUB}OWNER/NAME")


def _from_checkpoint(request: ModelRequest, name: str) -> Resolved:
    assert request.checkpoint is not None
    if name.startswith((LOCAL_DIR, HUB, TRANSFORMERS)):
        raise InputError(f"--model {name}: has its own weights; omit --checkpoint")
    own = (request.checkpoint, *((request.config,) if request.config else ()))
    label = f"local/{request.name or _file_name(name)}"
    return Resolved(request, name, str(request.checkpoint), label, request.checkpoint, own)


def _from_folder(request: ModelRequest, folder: Path, label: str) -> Resolved:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; local-dir:PATH needs a model's folder")
    if not (folder / CONFIG).is_file():
        if (foreign := twins.of_folder(folder)) is not None:
            raise InputError(f"{folder}: {foreign}")
        raise InputError(f"{folder}: contains no {CONFIG}; {_placed(CONFIG, folder)}")
    weights = [path for pattern in WEIGHTS for path in sorted(folder.glob(pattern))]
    if not weights:
        raise InputError(
            f"{folder}: contains no weights ({', '.join(WEIGHTS)}); "
            f"{_placed('open_clip_model.safetensors', folder)}"
        )
    only = weights[0] if len(weights) == 1 else None
    own = tuple(sorted(one for one in folder.iterdir() if one.is_file()))
    return Resolved(request, f"{LOCAL_DIR}{folder}", None, label, only, own)


def _from_transformers(request: ModelRequest, name: str) -> Resolved:
    """Return a folder in transformers' layout, or a repository of the hub if there is none."""
    if request.config is not None:
        raise InputError(f"--model {name}: has its own configuration; omit --model-config")
    folder, place = folder_of(name), name.removeprefix(TRANSFORMERS)
    if folder is None:
        if not REPOSITORY.fullmatch(place):
            raise InputError(
                f"--model {name}: is no folder, and no repository of the hub; expected "
                f"{TRANSFORMERS}FOLDER or {TRANSFORMERS}OWNER/NAME"
            )
        return Resolved(request, name, None, f"transformers/{place.replace('/', '--')}", None)
    called = request.name or _file_name(folder.resolve().name)
    weights = [path for pattern in WEIGHTS for path in sorted(folder.glob(pattern))]
    only = weights[0] if len(weights) == 1 else None
    own = tuple(sorted(one for one in folder.iterdir() if one.is_file()))
    return Resolved(request, name, None, f"local/{called}", only, own)


def folder_of(name: str) -> Path | None:
    """Return the folder that a name with TRANSFORMERS before it means, None if there is none."""
    place = name.removeprefix(TRANSFORMERS)
    return Path(place) if name.startswith(TRANSFORMERS) and Path(place).is_dir() else None


def _placed(file: str, folder: Path) -> str:
    """Return how to put a file from the hub into a folder."""
    return (
        f"put {file} there; on a machine with network access run  "
        f"hf download REPO {file} --local-dir {folder}"
    )


def _file_name(name: str) -> str:
    """Return `name` with characters unfit for a folder name replaced by '-'."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip(".") or "model"


def printed(path: str) -> str:
    """Return a path with bytes that are not UTF-8 replaced."""
    return path.encode(errors="replace").decode()


def sleep_while_waiting() -> None:
    """Make OpenMP's idle threads sleep, unless the environment sets their policy.

    Call this before torch is imported. A spinning thread takes the processor from the decoding
    process that it waits for.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

"""A model request, resolved before torch is imported."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.names import SHORT_NAMES, check_model_name
from oodcache.extract.demo import embedded
from oodcache.extract.model.names import layouts, slips, typed
from oodcache.extract.model.names.layouts import OPEN_CLIP
from oodcache.extract.model.names.typed import PREFIXES, file_name, folder_of

LOCAL_DIR, HUB, TRANSFORMERS, TIMM = typed.LOCAL_DIR, typed.HUB, typed.TRANSFORMERS, typed.TIMM
CONFIG = OPEN_CLIP
PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")
PILLOW, TORCHVISION = "pillow", "torchvision"  # The decoder, as an identity names it.
NO_TEXTS = (
    "--classes: {model} is image-only and embeds no class names; omit it: scores take the classes "
    "of --bank"
)
ARITHMETIC = ("channels_last", "compile")
NEEDS = ("torch", "torchvision", "open_clip", "transformers", "PIL")
SMALL_DINO = "vit_small_patch14_dinov2.lvd142m"
WEIGHTS = ("*.safetensors", "*.bin", "*.pth")


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
        return self.checkpoint is not None or folder_of(self.requested) is not None

    @property
    def is_image_only(self) -> bool:
        """Whether the model has no texts."""
        return self.requested.startswith(TIMM)

    def check_texts(self, classes: object) -> None:
        """Raise InputError for the class names of an image-only model."""
        if self.is_image_only and classes is not None:
            raise InputError(NO_TEXTS.format(model=self.requested))

    @property
    def arithmetic(self) -> dict[str, bool]:
        """Return the options of ARITHMETIC that are set, as an identity's precision has them."""
        return {name: True for name in ARITHMETIC if getattr(self, name)}


@dataclass(frozen=True)
class Resolved:
    """A resolved request: what open_clip or transformers loads, and where its embeddings belong.

    `architecture` and `tag` are open_clip's two arguments (a tag may be a file's path), or
    `architecture` is TRANSFORMERS and a folder or a repository. The request is as it was read: a
    plain path and `org/name` have the prefix of what was found there.
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

    @property
    def is_of_open_clip(self) -> bool:
        """Whether open_clip loads it, neither transformers nor timm."""
        return not self.architecture.startswith((TRANSFORMERS, TIMM))

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
        if self.is_local:
            given["folder"] = folder_of(self.architecture)
        found = {name: str(path.absolute()) for name, path in given.items() if path is not None}
        # JSON holds no other bytes than UTF-8.
        return {name: path for name, path in found.items() if path == printed(path)}

    @property
    def is_local(self) -> bool:
        """Whether the weights are local, named by their hash."""
        return self.label.startswith("local/")


def resolve(request: ModelRequest) -> Resolved:
    """Return what to load; raise InputError for mistakes that show without torch.

    A name is read as a short name, as open_clip's NAME/TAG, as a folder, and as a repository of
    the hub, which is asked for its layout if its files are not here.
    """
    name = SHORT_NAMES.get(request.requested, request.requested)
    typed.check(name)
    if request.name is not None:
        check_model_name(request.name)
    for file, option in ((request.checkpoint, "--checkpoint"), (request.config, "--model-config")):
        if file is not None and not file.is_file():
            raise InputError(f"{option} {file}: no such file")
    found = _resolved(request, name)
    if request.name is not None and not found.is_local:
        raise InputError(
            f"model name {request.name!r}: {request.requested} has a name; only weights of your "
            f"own (a checkpoint, or a folder) take another"
        )
    return found


def _resolved(request: ModelRequest, name: str) -> Resolved:
    if name.startswith(TIMM):
        return _from_timm(request, name)
    bundled = embedded.MODELS.get(name.removesuffix("/demo"))
    if request.checkpoint is not None:
        return _from_checkpoint(request, name)
    if bundled is not None:
        return _from_open_clip_folder(request, bundled, f"{bundled.name}/demo")
    if name.startswith(TRANSFORMERS) and request.config is not None:
        raise InputError(f"--model {name}: has its own configuration; omit --model-config")
    if name.startswith(HUB):
        repository = name.removeprefix(HUB).replace("/", "--")
        return Resolved(request, name, None, f"hf-hub/{file_name(repository)}", None)
    if (folder := folder_of(name)) is not None:
        return _from_folder(request, name, folder)
    if name.startswith(TRANSFORMERS):
        repository = name.removeprefix(TRANSFORMERS).replace("/", "--")
        return Resolved(request, name, None, f"transformers/{file_name(repository)}", None)
    if request.config is None and not typed.is_known(name):
        return _from_hub(request, name)
    # As in open_clip, ViT-B/32 and laion2b-s34b-b79k are accepted too.
    architecture, tag = typed.architecture(name), name.rpartition("/")[2].lower().replace("-", "_")
    own = (request.config,) if request.config else ()
    return Resolved(request, architecture, tag, f"{architecture}/{tag}", None, own)


def _from_checkpoint(request: ModelRequest, name: str) -> Resolved:
    assert request.checkpoint is not None
    if name.startswith(PREFIXES):
        raise InputError(f"--model {name}: has its own weights; omit --checkpoint")
    own = (request.checkpoint, *((request.config,) if request.config else ()))
    label = f"local/{request.name or file_name(name)}"
    return Resolved(request, name, str(request.checkpoint), label, request.checkpoint, own)


def _from_timm(request: ModelRequest, name: str) -> Resolved:
    """Return a model of timm: its label has the tag, or the owner of a repository."""
    bare = name.removeprefix(TIMM)
    if not bare.strip(" /"):
        raise InputError(f"--model {name}: names no model; for example: {TIMM}{SMALL_DINO}")
    if request.config is not None:
        raise InputError(f"--model-config {request.config}: is open_clip's; omit it with {TIMM}")
    repository = bare.removeprefix(HUB)
    if bare.startswith(HUB) or "/" in bare:
        if not typed.REPOSITORY.fullmatch(repository):
            raise InputError(f"--model {name}: is no repository of the hub: {TIMM}OWNER/NAME")
        if request.checkpoint is not None:
            raise InputError(f"--model {name}: has its own weights; omit --checkpoint")
        label = f"timm/{file_name(repository.replace('/', '--'))}"
        return Resolved(request, f"{TIMM}{HUB}{repository}", None, label, None)
    file = request.checkpoint
    if file is not None:
        label = f"local/{request.name or file_name(bare)}"
        return Resolved(request, name, str(file), label, file, (file,))
    whole = bare if "." in bare else _with_default_tag(bare)
    return Resolved(request, f"{TIMM}{whole}", None, f"timm/{file_name(whole)}", None)


def _with_default_tag(name: str) -> str:
    """Return a model's name with timm's default tag, or as it is if there is none."""
    from timm.models import get_pretrained_cfg  # Imports torch: only where no tag is typed.

    found = get_pretrained_cfg(name)
    return f"{name}.{found.tag}" if found is not None and found.tag else name


def _from_hub(request: ModelRequest, name: str) -> Resolved:
    """Return what a repository without a prefix is; raise InputError if it can be none."""
    slips.check_repository(name)
    from oodcache.extract.model.names import repositories  # Its import takes a moment.

    is_open_clip = repositories.layout(name, request.requested) == OPEN_CLIP
    requested = f"{HUB if is_open_clip else TRANSFORMERS}{name}"
    return _resolved(replace(request, requested=requested), requested)


def _from_folder(request: ModelRequest, name: str, folder: Path) -> Resolved:
    """Return the model of a folder, in the layout of its prefix or else in the one that it has."""
    layouts.check_folder(folder, name)
    label = f"local/{request.name or file_name(folder.resolve().name)}"
    if not name.startswith(PREFIXES):
        prefix = LOCAL_DIR if layouts.of_folder(folder) == OPEN_CLIP else TRANSFORMERS
        name = f"{prefix}{folder}"
        request = replace(request, requested=name)
    if name.startswith(LOCAL_DIR):
        return _from_open_clip_folder(request, folder, label)
    layouts.check_transformers(folder)
    weights = layouts.weights(folder)
    only = weights[0] if len(weights) == 1 else None
    return Resolved(request, f"{TRANSFORMERS}{folder}", None, label, only, _files(folder))


def _from_open_clip_folder(request: ModelRequest, folder: Path, label: str) -> Resolved:
    if layouts.of_folder(folder) != OPEN_CLIP:
        layouts.check_transformers(folder)
        raise InputError(
            f"{folder}: contains no {OPEN_CLIP} of open_clip but the config.json of transformers: "
            f"use --model {TRANSFORMERS}{folder}"
        )
    weights = [path for pattern in WEIGHTS for path in sorted(folder.glob(pattern))]
    if not weights:
        raise InputError(
            f"{folder}: contains no weights ({', '.join(WEIGHTS)}); "
            f"{_placed('open_clip_model.safetensors', folder)}"
        )
    only = weights[0] if len(weights) == 1 else None
    return Resolved(request, f"{LOCAL_DIR}{folder}", None, label, only, _files(folder))


def _files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(one for one in folder.iterdir() if one.is_file()))


def _placed(file: str, folder: Path) -> str:
    """Return how to put a file from the hub into a folder."""
    return (
        f"put {file} there; on a machine with network access run  "
        f"hf download REPO {file} --local-dir {folder}"
    )


def printed(path: str) -> str:
    """Return a path with bytes that are not UTF-8 replaced."""
    return path.encode(errors="replace").decode()


def sleep_while_waiting() -> None:
    """Make OpenMP's idle threads sleep, unless the environment sets their policy.

    Call this before torch is imported. A spinning thread takes the processor from the decoding
    process that it waits for.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

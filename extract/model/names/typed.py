"""A typed `--model`: its prefix, the folder or repository that it names, and mistakes in it."""

from __future__ import annotations

import re
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.names import SHORT_NAMES
from oodcache.extract.model.names import architectures

LOCAL_DIR = "local-dir:"
HUB = "hf-hub:"
TRANSFORMERS = "transformers:"
TIMM = "timm:"
UNNAMED = "model"
PREFIXES = (LOCAL_DIR, HUB, TRANSFORMERS)
REPOSITORY = re.compile(r"(?!.*(--|\.\.))\w[\w.-]{0,95}(/\w[\w.-]{0,95})?", re.ASCII)


def folder_of(requested: str) -> Path | None:
    """Return the folder that a `--model` names, None if it names another thing.

    A file is returned as well: it is no folder, and no name of another thing.

    >>> folder_of("local-dir:mine"), folder_of("siglip2"), folder_of("transformers:org/name")
    (PosixPath('mine'), None, None)
    """
    prefix = next((one for one in PREFIXES if requested.startswith(one)), "")
    rest = requested.removeprefix(prefix)
    folder = _path(rest)
    if prefix == LOCAL_DIR or (prefix != HUB and _exists(folder)):
        return folder if prefix or not is_known(rest) else None
    is_path = rest.startswith(("/", "./", "../", "~/")) or rest in (".", "..")
    return folder if is_path and prefix in ("", TRANSFORMERS) else None


def _path(typed: str) -> Path:
    return Path(typed).expanduser() if typed.startswith("~/") else Path(typed)  # Not by a shell.


def _exists(path: Path) -> bool:
    """Return whether there is a file or folder; one that is too long, or closed to us, is none."""
    try:
        return path.exists()
    except OSError:
        return False


def recorded_folder(requested: str) -> Path | None:
    """Return the folder of a `--model` as a file records it: one without a prefix is none."""
    return folder_of(requested) if requested.startswith((LOCAL_DIR, TRANSFORMERS)) else None


def own_folder(requested: str) -> Path | None:
    """Return the folder of weights of the user's own, recorded by its `--model`, there or not.

    None is a checkpoint's. Once it has moved, `transformers:a/b` looks like a repository.

    >>> own_folder("transformers:models/mine"), own_folder("ViT-B-32")
    (PosixPath('models/mine'), None)
    """
    prefix = next((one for one in (LOCAL_DIR, TRANSFORMERS) if requested.startswith(one)), None)
    return None if prefix is None else _path(requested.removeprefix(prefix))


def file_name(name: str) -> str:
    """Return `name` with characters unfit for a folder name replaced by '-'.

    UNNAMED if no letter or digit is left, as of a name in another script.

    >>> file_name("my model"), file_name("模型")
    ('my-model', 'model')
    """
    found = re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip(".")
    return found if any(map(str.isalnum, found)) else UNNAMED


def architecture(name: str) -> str:
    """Return the architecture in NAME/TAG, "" without a slash."""
    return name.rpartition("/")[0].replace("/", "-")


def is_known(name: str) -> bool:
    """Return whether a name is a short one, or NAME/TAG with an architecture of open_clip."""
    if name in SHORT_NAMES or name in SHORT_NAMES.values():
        return True
    return bool(name.rpartition("/")[2]) and architecture(name) in architectures.known()


def check(name: str) -> None:
    """Raise InputError for a name that is empty, in part or whole, or has an unknown prefix."""
    prefix = re.match(r"[^/]*?:", name)
    if not name.strip(" /"):
        raise InputError(f"--model {name!r}: names no model; for example: --model siglip2")
    if prefix and prefix[0] not in (*PREFIXES, TIMM):
        raise InputError(
            f"--model {name}: unknown prefix {prefix[0]!r}; give NAME/TAG of open_clip, "
            f"{HUB}REPO, {LOCAL_DIR}FOLDER, {TRANSFORMERS}REPO, {TRANSFORMERS}FOLDER or {TIMM}NAME"
        )
    if name in (LOCAL_DIR, TRANSFORMERS):
        raise InputError(f"--model {name}: names no folder; for the current one: {name}.")
    for one in (HUB, TRANSFORMERS):
        rest = name.removeprefix(one)
        if name.startswith(one) and not (REPOSITORY.fullmatch(rest) or folder_of(name)):
            what = "is no repository of the hub" + ("" if one == HUB else " and no folder")
            raise InputError(f"--model {name}: {what}; expected {one}OWNER/NAME")

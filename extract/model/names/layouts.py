"""The layout of a model's folder: open_clip's or transformers', and files that it lacks."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.json_text import read_object
from oodcache.cache.text import counted, listed
from oodcache.extract.model.names import configs
from oodcache.extract.model.names.configs import CONFIG

OPEN_CLIP = "open_clip_config.json"
ADAPTER = "adapter_config.json"
INDEX = ".index.json"
# In the order of transformers, each alone or with an index of shards.
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
FOREIGN = {
    ".msgpack": "Flax",
    ".h5": "TensorFlow",
    ".gguf": "llama.cpp",
    ".onnx": "ONNX",
    ".ckpt": "a training program",
}
LARGEST_INDEX = 2**24
MERGE = "load it on its model with peft, merge_and_unload() it and save that by save_pretrained"


def of_folder(folder: Path) -> str:
    """Return the file that describes a folder's model: open_clip's, or else transformers'.

    Raises InputError if it has neither.
    """
    for name in (OPEN_CLIP, CONFIG):
        if (folder / name).is_file():
            return name
    check_no_adapter(folder, str(folder))
    raise InputError(
        f"{folder}: contains neither {OPEN_CLIP} (open_clip) nor {CONFIG} (transformers) "
        f"{_found_instead(folder)}"
    )


def check_folder(folder: Path, typed: str) -> None:
    """Raise InputError unless there is a folder; `typed` is what `--model` names."""
    if folder.is_file():
        whole = f"a model's folder, or the name of an architecture with --checkpoint {folder}"
        for name in (OPEN_CLIP, CONFIG):
            if (folder.parent / name).is_file():
                whole = f"its folder, which has a {name}: --model {folder.parent}"
                break
        raise InputError(f"{folder}: is a file; --model takes {whole}")
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; --model {typed} needs a model's folder")


def check_transformers(folder: Path) -> dict[str, Any]:
    """Return the configuration of a folder in transformers' layout, with all of its weights.

    Raises InputError for a model that is not loaded, an adapter, and weights that are not there.
    """
    path = folder / CONFIG
    check_no_adapter(folder, str(folder))
    if not path.is_file():
        other = f"; for its {OPEN_CLIP}: --model local-dir:{folder}"
        has_other = (folder / OPEN_CLIP).is_file()
        raise InputError(f"{folder}: contains no {CONFIG} of transformers{other * has_other}")
    found = configs.read(path, str(path))
    configs.check(found, str(path))
    weights(folder)
    return found


def weights(folder: Path) -> tuple[Path, ...]:
    """Return the files of weights that transformers reads: one, or every shard of an index.

    Raises InputError if there are none, or a shard is missing.
    """
    for name in WEIGHTS:
        if (folder / name).is_file():
            return (folder / name,)
        if (folder / f"{name}{INDEX}").is_file():
            return _shard_files(folder / f"{name}{INDEX}")
    raise InputError(f"{folder}: contains no weights ({' or '.join(WEIGHTS)}){_instead(folder)}")


def _found_instead(folder: Path) -> str:
    """Return what a folder of no layout contains: models further down, or what to fetch."""
    described = (path for name in (OPEN_CLIP, CONFIG) for path in folder.glob(f"*/{name}"))
    if models := sorted({path.parent for path in described}, key=_step):
        is_run = all(_step(one)[0] >= 0 for one in models)
        which = "the last of them:" if is_run else "one of them, such as"
        names = listed(one.name for one in models)
        return f"but models further down, {names}: give {which} --model {models[-1]}"
    inside = listed(sorted(one.name for one in folder.iterdir()))
    return (
        f"but {inside or 'nothing'}; on a machine with network access run  hf download REPO "
        f"--local-dir {folder}  and copy that here"
    )


def _step(folder: Path) -> tuple[int, str]:
    """Return the sort key of a folder of checkpoints: `checkpoint-500` before `checkpoint-1000`."""
    _, _, number = folder.name.rpartition("-")
    return (int(number) if number.isdecimal() and len(number) < 19 else -1), folder.name


def shards(index: Path, what: str) -> list[str]:
    """Return the names of the files beside an index that it names, each once.

    Raises InputError, beginning with `what`, if it is no index, or names other places.
    """
    try:
        of_each = read_object(index, LARGEST_INDEX).get("weight_map")
    except ValueError as error:
        raise InputError(f"{what}: is no index of weights: {str(error)[:200]}") from None
    if not isinstance(of_each, dict) or not of_each:
        raise InputError(f"{what}: has no weight_map, an object with the file of each tensor")
    if outside := [one for one in of_each.values() if not _is_plain(one)]:
        raise InputError(f"{what}: names {listed(outside)}, which is no file of its folder")
    return sorted(set(of_each.values()))


def _shard_files(index: Path) -> tuple[Path, ...]:
    names = shards(index, str(index))
    if lacking := [one for one in names if not (index.parent / one).is_file()]:
        raise InputError(
            f"{index}: names {counted(len(names), 'file')} of weights, {len(lacking):,} not there: "
            f"{listed(lacking)}; copy or download the folder again"
        )
    return tuple(index.parent / one for one in names)


def _is_plain(name: object) -> bool:
    """Return whether a value in an index is the name of a file beside it."""
    return isinstance(name, str) and name not in ("", "..") and Path(name).name == name


def _instead(folder: Path) -> str:
    """Return what a folder without weights has in their place, and what to do."""
    inside = sorted(one.name for one in folder.iterdir() if one.is_file())
    if others := [one for one in inside if one.endswith((".safetensors", ".bin"))]:
        return f" but {listed(others)}: give the weights that name"
    for name in inside:
        if (kind := FOREIGN.get(Path(name).suffix)) is not None:
            return f" but {name}, of {kind}, which is not read: save it by save_pretrained"
    return "; copy or download the folder again"


def check_no_adapter(folder: Path, what: str) -> None:
    """Raise InputError, beginning with `what`, if a folder has an adapter, which is not applied."""
    if not (folder / ADAPTER).is_file():
        return
    base = None
    with suppress(ValueError):  # What it is for is a hint.
        base = read_object(folder / ADAPTER, configs.LARGEST).get("base_model_name_or_path")
    of = f" of {base[:80]}" if isinstance(base, str) else ""
    adapter = f"has an adapter of peft ({ADAPTER}){of}, which is not applied"
    raise InputError(f"{what}: {adapter}: {MERGE}")

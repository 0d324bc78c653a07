"""Claims about a model's folder: whose layout it has, and what it lacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.model.names import layouts

SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in transformers' layout, without weights."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip"}))
    return tmp_path


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        layouts.check_transformers(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(folder), "F")


def write_index(folder: Path, content: Any) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps(content))


def test_open_clips_layout_comes_first(folder: Path) -> None:
    assert layouts.of_folder(folder) == "config.json"
    (folder / "open_clip_config.json").write_text("{}")
    assert layouts.of_folder(folder) == "open_clip_config.json"


def test_a_folder_with_neither_layout_names_both(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError) as caught:
        layouts.of_folder(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: contains neither open_clip_config.json (open_clip) nor config.json "
        "(transformers) but 'notes.txt'; on a machine with network access run  hf download REPO "
        f"--local-dir {tmp_path}  and copy that here"
    )


def write_checkpoints(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text("{}")


def test_a_trainers_folder_names_its_last_checkpoint(tmp_path: Path) -> None:
    write_checkpoints(tmp_path, "checkpoint-500", "checkpoint-1000")
    with pytest.raises(InputError) as caught:
        layouts.of_folder(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: contains neither open_clip_config.json (open_clip) nor config.json "
        "(transformers) but models further down, 'checkpoint-500', 'checkpoint-1000': give the "
        f"last of them: --model {tmp_path}/checkpoint-1000"
    )
    write_checkpoints(tmp_path, "best")
    with pytest.raises(InputError, match="give one of them, such as --model "):
        layouts.of_folder(tmp_path)


def test_a_file_of_a_models_folder_names_the_folder(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(b"")
    with pytest.raises(InputError) as caught:
        layouts.check_folder(file, str(file))
    assert str(caught.value) == (
        f"{file}: is a file; --model takes its folder, which has a config.json: --model {folder}"
    )
    layouts.check_folder(folder, str(folder))


def test_safetensors_are_read_before_bin(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"")
    assert layouts.weights(folder) == (folder / "pytorch_model.bin",)
    (folder / "model.safetensors").write_bytes(b"")
    assert layouts.weights(folder) == (folder / "model.safetensors",)
    assert layouts.check_transformers(folder) == {"model_type": "clip"}


def test_every_shard_of_an_index_must_be_there(folder: Path) -> None:
    write_index(folder, {"weight_map": {"a": SHARDS[0], "b": SHARDS[1], "c": SHARDS[1]}})
    (folder / SHARDS[0]).write_bytes(b"")
    assert refused(folder) == (
        "F/model.safetensors.index.json: names 2 files of weights, 1 not there: "
        f"'{SHARDS[1]}'; copy or download the folder again"
    )
    (folder / SHARDS[1]).write_bytes(b"")
    assert layouts.weights(folder) == tuple(folder / one for one in SHARDS)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "it contains a list, expected an object"),
        ({"weight_map": ["a"]}, "has no weight_map, an object with the file of each tensor"),
        ({"weight_map": {}}, "has no weight_map"),
        ({"weight_map": {"a": "../b/model.safetensors"}}, "'../b/model.safetensors', which"),
        ({"weight_map": {"a": "/etc/passwd"}}, "names '/etc/passwd', which is no file of its fold"),
        ({"weight_map": {"a": ".."}}, "names '..', which is no file of its folder"),
        ({"weight_map": {"a": [3]}}, "names [3], which is no file of its folder"),
        ({"weight_map": {"a": 3}}, "names 3, which is no file of its folder"),
        ({"weight_map": {"a": ""}}, "names '', which is no file of its folder"),
    ],
)
def test_a_hostile_index_reaches_no_other_file(folder: Path, content: Any, words: str) -> None:
    write_index(folder, content)
    assert words in refused(folder)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (None, "F: contains no weights (model.safetensors or pytorch_model.bin); copy or downl"),
        ("mine.safetensors", "but 'mine.safetensors': give the weights that name"),
        ("flax_model.msgpack", "but flax_model.msgpack, of Flax, which is not read: save it by"),
        ("tf_model.h5", "but tf_model.h5, of TensorFlow"),
    ],
)
def test_a_folder_without_weights_says_what_it_has(
    folder: Path, file: str | None, words: str
) -> None:
    if file is not None:
        (folder / file).write_bytes(b"")
    assert words in refused(folder)


@pytest.mark.parametrize("has_config", [True, False])
def test_an_adapter_is_never_applied(folder: Path, has_config: bool) -> None:
    (folder / "model.safetensors").write_bytes(b"")
    adapter = {"base_model_name_or_path": "openai/clip-vit-base-patch32"}
    (folder / "adapter_config.json").write_text(json.dumps(adapter))
    if not has_config:
        (folder / "config.json").unlink()
        with pytest.raises(InputError, match="has an adapter of peft"):
            layouts.of_folder(folder)
    assert refused(folder) == (
        "F: has an adapter of peft (adapter_config.json) of openai/clip-vit-base-patch32, which "
        "is not applied: load it on its model with peft, merge_and_unload() it and save that by "
        "save_pretrained"
    )


def test_a_damaged_adapter_is_still_one(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{")
    assert refused(folder).startswith("F: has an adapter of peft (adapter_config.json), which")

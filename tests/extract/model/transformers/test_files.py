"""Claims about a checkpoint's files: all that is needed is found, or fetched, or named."""

from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub.constants
import pytest
from samples.extract.local_hub import local_hub
from samples.extract.transformers_folders import transformers_folder

from oodcache.cache.errors import InputError
from oodcache.extract.model.request import ModelRequest, resolve
from oodcache.extract.model.transformers.files import CheckpointFiles, files_of


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        CheckpointFiles(folder, "--model x").weights()
    assert "\n" not in str(error.value)
    return str(error.value)


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("{}")


def test_safetensors_come_before_pickles(tmp_path: Path) -> None:
    write(tmp_path, "pytorch_model.bin", "flax_model.msgpack")
    files = CheckpointFiles(tmp_path, "--model x")
    assert files.weights() == [tmp_path / "pytorch_model.bin"]
    write(tmp_path, "model.safetensors")
    assert files.weights() == [tmp_path / "model.safetensors"]


def test_weights_in_several_files_are_all_found(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "2.safetensors", "b": "1.safetensors", "c": "2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    write(tmp_path, "1.safetensors")
    said = "model.safetensors.index.json names 2 files, and these are not there: '2.safetensors"
    assert said in refusal(tmp_path)
    write(tmp_path, "2.safetensors")
    found = CheckpointFiles(tmp_path, "--model x").weights()
    assert [path.name for path in found] == ["1.safetensors", "2.safetensors"]


@pytest.mark.parametrize("index", [{}, {"weight_map": {"a": "../b"}}, {"weight_map": ["a"]}])
def test_an_index_names_files_beside_it_alone(tmp_path: Path, index: object) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "weight_map does not name files beside it" in refusal(tmp_path)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    assert "contains no weights (looked for model.safetensors, " in refusal(tmp_path)


def test_the_nested_image_processor_counts(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text('{"size": 1}')
    (tmp_path / "processor_config.json").write_text('{"image_processor": {"size": 2}}')
    files = CheckpointFiles(tmp_path, "--model x")
    assert files.processor() == {"size": 2}
    (tmp_path / "processor_config.json").write_text('{"processor_class": "CLIPProcessor"}')
    assert files.processor() == {"size": 1}


def test_a_repository_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = transformers_folder(tmp_path / "model", "siglip")
    resolved = resolve(ModelRequest("transformers:org/name"))
    assert resolved.label == "transformers/org--name"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    with local_hub({"org/name": folder}) as hub:
        template = huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE.removeprefix(
            huggingface_hub.constants.ENDPOINT
        )
        monkeypatch.setattr(
            huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.endpoint + template
        )
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.endpoint)
        first = files_of(resolved, lambda text: None, with_texts=True)
        asked = len(hub.asked)
    again = files_of(resolved, lambda text: None, with_texts=True)
    assert first == again and asked == len(hub.asked)
    names = {path.name for path in first.folder.iterdir()}
    assert {path.name for path in folder.iterdir() if path.name != "README.md"} == names

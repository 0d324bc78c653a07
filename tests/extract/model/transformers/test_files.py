"""Claims about a checkpoint's files: all that is needed is found, or fetched, or named."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub import constants
from samples.extract.local_hub import LocalHub, local_hub
from transformers import AutoModel

from oodcache.cache.errors import InputError
from oodcache.extract.model.checkpoint import State
from oodcache.extract.model.request import ModelRequest, Resolved
from oodcache.extract.model.transformers.files import CheckpointFiles, files_of
from oodcache.extract.model.transformers.weights import loaded_model


def test_the_nested_image_processor_counts(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text('{"size": 1}')
    (tmp_path / "processor_config.json").write_text('{"image_processor": {"size": 2}}')
    files = CheckpointFiles(tmp_path, "--model x")
    assert files.processor() == {"size": 2}
    (tmp_path / "processor_config.json").write_text('{"processor_class": "CLIPProcessor"}')
    assert files.processor() == {"size": 1}


RESOLVED = Resolved(ModelRequest("x"), "transformers:org/name", None, "transformers/x", None)


def loaded_state(folder: Path) -> State:
    files = CheckpointFiles(folder, "--model x")
    found: State = loaded_model(files, files.config(), lambda text: None).state_dict()
    return found


@contextmanager
def served(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """Serve a folder as org/name, with an empty cache."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with local_hub({"org/name": folder}) as hub:
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.removeprefix(constants.ENDPOINT)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.endpoint + template)
        monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
        yield hub


def test_a_repository_is_fetched_once(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folders["siglip"]
    with served(folder, tmp_path, monkeypatch) as hub:
        first = files_of(RESOLVED, lambda text: None, with_texts=True)
        asked = len(hub.asked)
    again = files_of(RESOLVED, lambda text: None, with_texts=True)
    assert first == again and asked == len(hub.asked)
    names = {path.name for path in first.folder.iterdir()}
    assert {path.name for path in folder.iterdir() if path.name != "README.md"} == names


def test_an_adapter_beside_the_weights_of_a_repository_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the weights, which would be loaded without it, is fetched."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "org/of"}')
    for name in ("config.json", "preprocessor_config.json"):
        (folder / name).write_text("{}")
    with (
        served(folder, tmp_path, monkeypatch),
        pytest.raises(InputError, match=r"--model x: has an adapter of peft .* of org/of, which"),
    ):
        files_of(RESOLVED, lambda text: None, with_texts=False)


def test_weights_in_several_files_are_fetched_and_loaded(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(folders["siglip"], tmp_path / "model"))
    whole = loaded_state(folder)
    AutoModel.from_pretrained(folder).save_pretrained(folder, max_shard_size="50KB")
    (folder / "model.safetensors").unlink()
    assert len(list(folder.glob("*.safetensors"))) > 1
    with served(folder, tmp_path, monkeypatch):
        fetched = files_of(RESOLVED, lambda text: None, with_texts=False)
    found = loaded_state(fetched.folder)
    assert found.keys() == whole.keys()
    assert all(found[name].equal(value) for name, value in whole.items())

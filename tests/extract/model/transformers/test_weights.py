"""Claims about weights of transformers: they are loaded whole and as they are, or refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from samples.extract.transformers_folders import LAYOUTS

from oodcache.cache.errors import InputError
from oodcache.extract.model.checkpoint import State
from oodcache.extract.model.transformers.files import CheckpointFiles
from oodcache.extract.model.transformers.weights import loaded_model, quiet


def loaded(folder: Path, notes: list[str] | None = None) -> Any:
    files = CheckpointFiles(folder, "--model x")
    with quiet():
        return loaded_model(files, files.config(), ([] if notes is None else notes).append)


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        loaded(folder)
    text = str(error.value)
    assert "\n" not in text and len(text.encode()) < 600
    return text


def changed(folder: Path, tmp_path: Path, change: Callable[[State], State | None]) -> Path:
    """Copy a folder with other weights."""
    copy = Path(shutil.copytree(folder, tmp_path / "changed"))
    state = load_file(copy / "model.safetensors")
    save_file(change(state) or state, copy / "model.safetensors")
    return copy


def configured(folder: Path, tmp_path: Path, **values: Any) -> Path:
    """Copy a folder with another configuration; those of towers are merged into them."""
    copy = Path(shutil.copytree(folder, tmp_path / "changed"))
    config = json.loads((copy / "config.json").read_text())
    for name, value in values.items():
        config[name] = {**config[name], **value} if name in config and "_config" in name else value
    (copy / "config.json").write_text(json.dumps(config))
    return copy


def without(*starts: str) -> Callable[[State], State]:
    return lambda state: {name: one for name, one in state.items() if not name.startswith(starts)}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_every_weight_of_the_file_is_in_the_model(folders: dict[str, Path], kind: str) -> None:
    notes: list[str] = []
    model = loaded(folders[kind], notes)
    stored, found = load_file(folders[kind] / "model.safetensors"), model.state_dict()
    assert found.keys() == stored.keys() and notes == [] and not model.training
    assert all(found[name].equal(value) for name, value in stored.items())


def test_half_precision_is_loaded_as_float32_and_said(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    def halved(state: State) -> State:
        return {name: one.bfloat16() for name, one in state.items()}

    notes: list[str] = []
    folder = changed(folders["siglip"], tmp_path, halved)
    model = loaded(folder, notes)
    assert notes == ["--model x: its weights are bfloat16; computing in float32"]
    assert {one.dtype for one in model.parameters()} == {torch.float32}
    stored = load_file(folder / "model.safetensors")
    found = model.state_dict()
    assert all(found[name].equal(value.float()) for name, value in stored.items())


def test_a_stated_dtype_does_not_round_the_weights(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    model = loaded(configured(folders["clip"], tmp_path, dtype="float16", torch_dtype="float16"))
    name = "visual_projection.weight"
    assert model.state_dict()[name].equal(load_file(folders["clip"] / "model.safetensors")[name])


@pytest.mark.parametrize("kind", LAYOUTS)
def test_a_configuration_that_asks_for_tuples_loads_the_same_model(
    folders: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    tuples = {"return_dict": False}
    folder = configured(folders[kind], tmp_path, text_config=tuples, vision_config=tuples, **tuples)
    tokens = torch.tensor([[1, 2, 3]])
    found, own = (loaded(one).get_text_features(tokens) for one in (folder, folders[kind]))
    assert found.pooler_output.equal(own.pooler_output)


def test_pickled_weights_are_loaded_and_their_code_is_not_run(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(folders["siglip"], tmp_path / "pickled"))
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    assert loaded(folder).logit_scale.equal(state["logit_scale"])
    torch.save({**state, "code": Path("x")}, folder / "pytorch_model.bin")
    assert "pytorch_model.bin: rejected: it contains pickled objects" in refusal(folder)


def test_positions_that_older_versions_saved_are_no_weights(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    def older(state: State) -> State:
        return {**state, "text_model.embeddings.position_ids": torch.arange(32)[None]}

    loaded(changed(folders["clip"], tmp_path, older))


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("siglip", without("logit_bias"), "lacks 1 weight: 'logit_bias'; use a checkpoint saved"),
        ("clip", without("visual_proj"), "its image tower has no projection ('visual_projection"),
        ("clip", without("text_proj"), "its text tower has no projection ('text_projection.wei"),
        ("siglip", without("text_model", "logit_"), "has no weights of its text tower ("),
        ("clip", without("vision_model", "visual_"), "has no weights of its image tower ("),
        ("siglip", without("vision_model.head.probe"), "lacks 1 weight: 'vision_model.head.pro"),
    ],
)
def test_missing_weights_are_refused(
    folders: dict[str, Path], tmp_path: Path, kind: str, change: Any, said: str
) -> None:
    assert refusal(changed(folders[kind], tmp_path, change)).startswith(f"--model x: {said}")


def test_weights_without_a_place_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = changed(folders["siglip"], tmp_path, lambda state: {**state, "x": torch.zeros(1)})
    assert "has 1 weight that its config.json has no place for: 'x'" in refusal(folder)


def test_weights_of_another_shape_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = configured(folders["siglip"], tmp_path, vision_config={"patch_size": 16})
    said = "vision_model.embeddings.patch_embedding.weight is (32, 3, 8, 8), and by its config.json"
    assert said in refusal(folder)


def test_quantised_weights_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    def quantised(state: State) -> None:
        state["text_model.head.weight"] = state["text_model.head.weight"].to(torch.int8)

    said = "text_model.head.weight is int8, expected floating-point weights; quantised ones"
    assert said in refusal(changed(folders["siglip"], tmp_path, quantised))


def test_weights_that_are_not_finite_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    def broken(state: State) -> None:
        state["text_model.head.bias"][3] = torch.nan

    said = "1 of the 32 numbers of text_model.head.bias are NaN or infinite"
    assert said in refusal(changed(folders["siglip"], tmp_path, broken))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model_type": "vit"}, "config.json: model_type 'vit' encodes images only, and class"),
        ({"model_type": ["clip"]}, "config.json: has model_type ['clip']; expected one of clip"),
        ({"quantization_config": {"bits": 4}}, "config.json: its weights are quantised, and"),
        ({"vision_config": {"vision_use_head": False}}, "its image tower has no head"),
        ({"text_config": {"projection_size": 16}}, "texts have vectors of size 16"),
        ({"vision_config": {"hidden_size": 10**9}}, "hidden_size 1000000000; expected 1 to 16,384"),
        ({"vision_config": {"num_channels": 10**9}}, "num_channels 1000000000; expected 1 to 1,0"),
        ({"text_config": {"num_attention_heads": 0}}, "num_attention_heads 0; expected 1 to 1,024"),
        ({"text_config": {"hidden_size": "x"}}, "x: config.json: transformers cannot build this"),
        ({"text_config": {"hidden_act": "no"}}, "cannot build this model: KeyError: 'no'; use the"),
    ],
)
def test_a_configuration_of_no_model_with_two_towers_is_refused(
    folders: dict[str, Path], tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    assert said in refusal(configured(folders["siglip"], tmp_path, **values))


def test_nothing_is_printed_about_loading(
    folders: dict[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    loaded(folders["siglip"])
    assert capfd.readouterr() == ("", "")

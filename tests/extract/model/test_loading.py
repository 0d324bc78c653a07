"""Claims about the loading of models: each silent trap of open_clip is answered in a line."""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from samples import SIGLIP_LIKE, SmallModel, load, load_small, local_folder, make_small_model
from samples.extract.local_hub import place

from oodcache.cache.errors import InputError
from oodcache.extract.model.encoder import Encoder


def test_a_checkpoint_of_a_clip_takes_openais_preprocessing_and_says_so(
    small_model: SmallModel,
) -> None:
    notes: list[str] = []
    ours = load_small(small_model, notes)
    assert ours.signature.preprocessing["mean"] == pytest.approx(
        [0.48145466, 0.4578275, 0.40821073]
    )
    assert any("specifies no preprocessing; OpenAI's is used" in note for note in notes)


def test_a_checkpoint_with_a_bias_wants_its_preprocessing(small_sigmoid: SmallModel) -> None:
    with pytest.raises(InputError, match="--image-mean --image-std --image-interpolation"):
        load_small(small_sigmoid)
    with pytest.raises(InputError, match="--image-resize-mode"):
        load_small(small_sigmoid, preprocessing={"mean": [0.5] * 3, "std": [0.5] * 3})
    ours = load_small(small_sigmoid, preprocessing=SIGLIP_LIKE)
    assert {key: ours.signature.preprocessing[key] for key in SIGLIP_LIKE} == SIGLIP_LIKE
    assert ours.preprocessing.blank().shape == (3, 16, 16)


def test_the_one_that_is_read_of_several_weights_files_is_named(
    small_model: SmallModel, tmp_path: Path
) -> None:
    folder, notes = local_folder(tmp_path / "m", small_model, SIGLIP_LIKE), list[str]()
    (folder / "other.safetensors").write_bytes(b"not weights, and not read")
    load(f"local-dir:{folder}", notes)
    said = "contains several weights files; open_clip reads model.safetensors"
    assert f"local-dir:{folder}: {said}" in notes


def test_a_local_folder_brings_its_preprocessing(small_sigmoid: SmallModel, tmp_path: Path) -> None:
    bare = local_folder(tmp_path / "bare", small_sigmoid, None)
    with pytest.raises(InputError, match="specifies no preprocessing"):
        load(f"local-dir:{bare}")
    whole = local_folder(tmp_path / "whole", small_sigmoid, SIGLIP_LIKE)
    ours = load(f"local-dir:{whole}")
    assert ours.signature.preprocessing["resize_mode"] == "squash"
    assert ours.signature.identity.logit_bias == -10
    assert ours.signature.identity.label == f"local/whole-{ours.signature.identity.weights[:8]}"


@pytest.mark.parametrize("says", [True, False])
def test_a_hub_repository_is_asked_for_its_preprocessing(
    small_sigmoid: SmallModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: bool
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    preprocess = SIGLIP_LIKE if says else None
    folder = local_folder(tmp_path / "m", small_sigmoid, preprocess)
    (folder / "model.safetensors").rename(folder / "open_clip_model.safetensors")
    place(tmp_path / "hub", "org/model", folder)
    if says:
        ours = load("hf-hub:org/model")
        assert ours.signature.preprocessing["resize_mode"] == "squash"
        assert ours.signature.identity.label == "hf-hub/org--model"
    else:
        with pytest.raises(InputError, match="hf-hub:org/model: specifies no preprocessing"):
            load("hf-hub:org/model")


def test_a_bias_that_the_checkpoint_lacks_is_said(
    small_model: SmallModel, small_sigmoid: SmallModel
) -> None:
    notes: list[str] = []
    ours = load_small(
        SmallModel(small_sigmoid.config, small_model.checkpoint), notes, preprocessing=SIGLIP_LIKE
    )
    assert ours.signature.identity.logit_bias == 0
    assert any("has no logit bias (or 0): b = 0 is used" in note for note in notes)


@pytest.fixture
def tagged(small_model: SmallModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the small model two tags of its own, one trained with quick GELU."""
    entry = {"file": str(small_model.checkpoint), "mean": (0.5,) * 3, "std": (0.5,) * 3}
    registry = open_clip.pretrained._PRETRAINED
    tags = {"quick": {**entry, "quick_gelu": True}, "plain": entry}
    monkeypatch.setitem(registry, "small", tags)


def activations(ours: Encoder) -> set[str]:
    return {
        type(module).__name__ for module in ours.model.modules() if "GELU" in type(module).__name__
    }


@pytest.mark.slow
def test_quick_gelu_weights_switch_the_model_and_say_so(
    tagged: None, small_model: SmallModel
) -> None:
    notes: list[str] = []
    ours = load("small/quick", notes, config=small_model.config)
    assert activations(ours) == {"QuickGELU"}
    assert any("trained with quick GELU, which replaces" in note for note in notes)
    assert ours.signature.preprocessing["mean"] == [0.5] * 3
    assert activations(load("small/plain", config=small_model.config)) == {"GELU"}


def test_gelu_weights_switch_a_quick_model_back(
    tagged: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = make_small_model(tmp_path, "small-quick", quick_gelu=True)
    entry = {"tag": {"file": str(quick.checkpoint)}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "small-quick", entry)
    notes: list[str] = []
    ours = load("small-quick/tag", notes, config=quick.config)
    assert activations(ours) == {"GELU"}
    assert any("trained with GELU, which replaces" in note for note in notes)


class Evil:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return (print, ("unpickled",))


@pytest.mark.parametrize("what", [Evil(), argparse.Namespace(lr=1)])
def test_a_checkpoint_with_more_than_tensors_is_refused(
    small_model: SmallModel, tmp_path: Path, what: object, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evil.pt"
    torch.save({"state_dict": {}, "args": what}, path)
    with pytest.raises(InputError, match=r"pickled objects .* save its state dict as .safetensors"):
        load_small(small_model, checkpoint=path)
    path.write_bytes(pickle.dumps(what))
    with pytest.raises(InputError, match=r"evil\.pt: "):
        load_small(small_model, checkpoint=path)
    assert "unpickled" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x08\0\0\0\0\0\0\0{}      "])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_broken_checkpoint_is_one_line(
    small_model: SmallModel, tmp_path: Path, content: bytes, suffix: str
) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        load_small(small_model, checkpoint=path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_weights_of_another_shape_are_refused(small_model: SmallModel, tmp_path: Path) -> None:
    other = make_small_model(tmp_path, "other", embed_dim=8)
    words = r"text_projection is \(16, 8\), not \(16, 16\) and 1 more"
    with pytest.raises(InputError, match=f"does not fit the architecture: {words}"):
        load_small(small_model, checkpoint=other.checkpoint)


def test_an_unknown_architecture_or_tag_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match=r"has no model 'ViT-B-23'; did you mean ViT-B-32"):
        load("ViT-B-23/openai")
    with pytest.raises(InputError, match=r"has no weights 'opnai'; did you mean ViT-B-32/openai"):
        load("ViT-B-32/opnai")


def test_a_configuration_that_is_none_is_refused(small_model: SmallModel, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    refused = {"{": "is no configuration", "{}": "lacks embed_dim", "[]": "contains a list"}
    for content, words in refused.items():
        path.write_text(content)
        with pytest.raises(InputError, match=words):
            load_small(small_model, config=path)


def test_a_device_that_is_not_there_is_one_line() -> None:
    with pytest.raises(InputError, match="try --device cpu"):
        load("tiny-clip", device="cuda:7" if not torch.cuda.is_available() else "cuda:99")
    with pytest.raises(InputError, match="--device nonsense"):
        load("tiny-clip", device="nonsense")


@pytest.mark.skipif(torch.cuda.is_available(), reason="the GPU that is here would be used")
@pytest.mark.parametrize(("devices", "expected"), [(1, "cuda"), (8, "cuda:99")])
def test_of_several_gpus_torchruns_local_rank_is_taken(
    monkeypatch: pytest.MonkeyPatch, devices: int, expected: str
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "99")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    assert load("tiny-clip").device == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(InputError, match=f"--device {expected}: .*; try --device cpu"):
        load("tiny-clip")


def test_memory_that_runs_out_on_a_device_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def to(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nSee PyTorch.")

    monkeypatch.setattr(torch.nn.Module, "to", to)
    with pytest.raises(InputError, match=r"cannot be loaded: CUDA out of memory\. Tried"):
        load("tiny-clip")

"""Claims about checkpoint files: weights are found where programs put them, others are named."""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from oodcache.cache.errors import InputError
from oodcache.extract.model import checkpoint

WEIGHTS = {"visual.proj": torch.arange(6.0).reshape(2, 3), "logit_scale": torch.tensor(4.6)}


def saved(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def found(path: Path) -> tuple[dict[str, torch.Tensor], list[str]]:
    notes: list[str] = []
    return checkpoint.state_dict(path, notes.append), notes


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        found(path)
    text = str(refused.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def prefixed(prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: value for name, value in WEIGHTS.items()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (WEIGHTS, []),
        ({"state_dict": WEIGHTS, "epoch": 3}, []),
        ({"model": WEIGHTS, "epoch": 1}, ["its weights are under 'model'; 'epoch' are not read"]),
        ({"model_state_dict": WEIGHTS}, ["its weights are under 'model_state_dict'"]),
        ({"ema": {"state_dict": WEIGHTS}}, ["its weights are under 'ema' and 'state_dict'"]),
        ({"params": WEIGHTS}, ["its weights are under 'params'"]),
        ({"net": WEIGHTS}, ["its weights are under 'net'"]),
        ({"weights": WEIGHTS}, ["its weights are under 'weights'"]),
        (
            {"student": WEIGHTS, "teacher": {}},
            ["its weights are under 'student'; 'teacher' are not read"],
        ),
        (
            {"state_dict": WEIGHTS, "ema": WEIGHTS, "scheduler": {}},
            ["its weights are under 'state_dict'; 'ema' are not read"],
        ),
        (prefixed("clip."), ["its names begin with clip., which is removed"]),
        (prefixed("net."), ["its names begin with net., which is removed"]),
        (prefixed("module."), ["its names begin with module., which is removed"]),
        (prefixed("_orig_mod."), ["its names begin with _orig_mod., which is removed"]),
        (
            {"state_dict": prefixed("model._orig_mod.")},
            ["its names begin with _orig_mod. and model., which is removed"],
        ),
    ],
)
def test_weights_are_found_under_keys_and_prefixes_with_a_note(
    tmp_path: Path, content: Any, said: list[str]
) -> None:
    path = saved(tmp_path / "mine.pt", content)
    state, notes = found(path)
    assert equal(state, WEIGHTS)
    assert notes == [f"{path}: {one}" for one in said]


def test_the_model_comes_before_its_moving_average(tmp_path: Path) -> None:
    average = {name: value * 0 for name, value in WEIGHTS.items()}
    path = saved(tmp_path / "mine.pt", {"model_ema": average, "model": WEIGHTS})
    state, notes = found(path)
    assert equal(state, WEIGHTS)
    assert notes == [f"{path}: its weights are under 'model'; 'model_ema' are not read"]


def test_one_compiled_tower_loses_its_prefix(tmp_path: Path) -> None:
    renamed = {name.replace("visual.", "visual._orig_mod."): one for name, one in WEIGHTS.items()}
    assert equal(found(saved(tmp_path / "mine.pt", renamed))[0], WEIGHTS)


def test_a_prefix_that_not_all_names_have_stays(tmp_path: Path) -> None:
    mixed = {"model.visual.proj": torch.ones(1), "loss.weight": torch.ones(1)}
    assert found(saved(tmp_path / "mine.pt", mixed)) == (mixed, [])


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_the_content_decides_the_format_not_the_suffix(tmp_path: Path, suffix: str) -> None:
    save_file(WEIGHTS, tmp_path / f"safe{suffix}")
    saved(tmp_path / f"torch{suffix}", WEIGHTS)
    for name in ("safe", "torch"):
        assert equal(found(tmp_path / f"{name}{suffix}")[0], WEIGHTS)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "holds a list, not a state dict: save model.state_dict() as .safetensors"),
        (torch.ones(2), "holds one tensor, not a state dict"),
        ({}, "holds no tensors but nothing"),
        ({"epoch": 1, "lr": 0.1}, "holds no tensors but 'epoch', 'lr': save"),
        ({"model": 3}, "holds no tensors but 'model'"),
        ({"args": argparse.Namespace()}, "rejected: it contains pickled objects besides"),
    ],
)
def test_other_objects_are_named(tmp_path: Path, content: Any, words: str) -> None:
    assert refusal(saved(tmp_path / "mine.pt", content)).startswith(words)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_that_are_no_numbers_are_refused(
    tmp_path: Path, bad: float, kind: torch.dtype
) -> None:
    values = torch.ones(2, 3, dtype=kind)
    values[1, 2] = bad
    said = refusal(saved(tmp_path / "mine.pt", WEIGHTS | {"visual.proj": values}))
    assert said.startswith("1 of the 6 numbers of visual.proj are NaN or infinite: the training")


def test_large_finite_weights_are_read(tmp_path: Path) -> None:
    large = {"a": torch.full((9,), 65504, dtype=torch.float16), "b": torch.full((9,), 3e38)}
    large["d"] = torch.ones(2).to(torch.float8_e4m3fn)
    large["c"] = torch.full((2,), 1.7e308, dtype=torch.float64)
    assert found(saved(tmp_path / "mine.pt", large))[0].keys() == large.keys()


def test_a_checkpoint_that_contains_itself_comes_to_an_end(tmp_path: Path) -> None:
    content: dict[str, Any] = {}
    content["model"] = content
    assert refusal(saved(tmp_path / "mine.pt", content)).startswith("holds no tensors")


def test_a_cut_file_is_said_to_be_cut(tmp_path: Path) -> None:
    path = saved(tmp_path / "mine.pt", WEIGHTS)
    path.write_bytes(path.read_bytes()[:-40])
    assert refusal(path) == "is cut off or damaged: copy or download it again"


def test_a_zip_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    with zipfile.ZipFile(path, "w") as archive:
        for place in range(100):
            archive.writestr(f"img{place}.jpg", b"")
    said = "is a zip archive of 'img0.jpg', 'img1.jpg', "
    assert refusal(path).startswith(said)
    assert refusal(path).endswith(" and 94 more, not a file of torch.save")


def test_a_torchscript_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py"):
            archive.writestr(f"mine/{name}", b"")
    assert refusal(path).startswith("is a TorchScript archive, which contains code")


def test_a_zip_that_unpacks_to_more_than_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mine/data.pkl", bytes(10**6))
    assert refusal(path).startswith("unpacks to more than its size")


def test_neither_torch_nor_safetensors_is_said(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    path.write_bytes(b"not weights")
    assert refusal(path).startswith("contains no weights: expected a file of torch.save")


def test_a_misfit_names_tensors_that_are_missing_or_others_and_else_a_shape() -> None:
    batch_norm = {**WEIGHTS, "bn.num_batches_tracked": torch.tensor(0)}
    assert checkpoint.misfit(WEIGHTS, batch_norm) == ""
    other = {"visual.proj": torch.zeros(3, 2), "logit_scale": torch.zeros(1)}
    assert checkpoint.misfit(other, WEIGHTS) == "visual.proj is (3, 2), not (2, 3) and 1 more"
    renamed = {"visual.proj": torch.zeros(3, 2), "scale": torch.zeros(1)}
    lacks = "lacks 1 tensor: 'logit_scale'; has 1 others: 'scale'"
    assert checkpoint.misfit(renamed, WEIGHTS) == lacks

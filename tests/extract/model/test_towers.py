"""Claims about a model's towers: channels-last and compiled ones give the plain ones' vectors."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from samples import SmallModel, load_small

from oodcache.cache.errors import InputError
from oodcache.extract.model.encoder import Encoder

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None and shutil.which("clang++") is None,
    reason="torch.compile needs a C++ compiler on a CPU",
)


def noise(count: int) -> torch.Tensor:
    pixels = np.random.default_rng(count).integers(0, 256, (count, 3, 16, 16), dtype=np.uint8)
    return torch.from_numpy(pixels)


def worst(one: Encoder, other: Encoder, count: int) -> float:
    """Return the farthest that vectors of either tower are apart."""
    tokens = one.tokens([f"number {number}" for number in range(count)])
    return max(
        float((one.images(noise(count)).vectors - other.images(noise(count)).vectors).abs().max()),
        float((one.prompts(tokens).vectors - other.prompts(tokens).vectors).abs().max()),
    )


def test_channels_last_changes_no_more_than_last_digits(small_model: SmallModel) -> None:
    plain, ours = load_small(small_model), load_small(small_model, channels_last=True)
    weight = ours.model.visual.conv1.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert worst(plain, ours, 5) < 1e-6


def test_an_identity_says_how_a_model_computes_only_where_that_is_not_usual(
    small_model: SmallModel,
) -> None:
    plain = load_small(small_model).signature.precision
    assert sorted(plain) == ["autocast", "device", "tf32"]
    ours = load_small(small_model, channels_last=True, compile=True).signature.precision
    assert dict(ours) == {**plain, "channels_last": True, "compile": True}


@pytest.mark.slow
@needs_compiler
def test_a_compiled_model_takes_batches_of_any_size(small_model: SmallModel) -> None:
    plain = load_small(small_model)
    ours = load_small(small_model, compile=True, channels_last=True)
    for count in (4, 4, 3, 2, 1, 7):
        assert worst(plain, ours, count) < 1e-6


@pytest.mark.slow
@needs_compiler
def test_sizes_of_batches_are_compiled_once_not_each(small_model: SmallModel) -> None:
    ours = load_small(small_model, compile=True)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    for count in (6, 5, 4, 3, 2):
        ours.images(noise(count))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


@pytest.mark.slow
def test_a_compiler_that_is_missing_is_one_line(
    small_model: SmallModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", (str(tmp_path / "none"),))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("torch._inductor.config.force_disable_caches", True)
    torch._dynamo.reset()
    ours = load_small(small_model, compile=True)
    with pytest.raises(InputError) as refused:
        ours.images(noise(2))
    assert str(refused.value).startswith("--compile: torch cannot compile the model: ")
    assert str(refused.value).endswith("; leave --compile out")
    assert "\n" not in str(refused.value)

"""Claims about a loaded model: open_clip's own numbers, unit in every precision."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from samples import SmallModel, load_small

from oodcache.cache.errors import InputError
from oodcache.extract.demo import embedded
from oodcache.extract.model import loading
from oodcache.extract.model.encoder import Encoder, full_float32, in_full_float32, moved
from oodcache.extract.model.request import ModelRequest, resolve


def load(requested: str, precision: str = "float32") -> Encoder:
    return loading.load(resolve(ModelRequest(requested, precision=precision)), print)


def picture() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def pixels(model: Encoder) -> torch.Tensor:
    """Return the picture as the model's workers hand it over."""
    content = io.BytesIO()
    picture().save(content, "PNG")
    return model.preprocessing.prepared(content.getvalue()).pixels[None]


@pytest.mark.parametrize("name", sorted(embedded.MODELS))
def test_vectors_are_open_clips_float32_ones_normalised(name: str) -> None:
    local = f"local-dir:{embedded.MODELS[name]}"
    model, _, preprocess = open_clip.create_model_and_transforms(local)
    model.eval()
    tokens = open_clip.get_tokenizer(local)(["a photo of a three", "a photo of a CAT"])
    with torch.no_grad():
        image, text, scale, *bias = model(preprocess(picture())[None], tokens)
    ours = load(name)
    assert np.abs(ours.images(pixels(ours)).vectors.numpy() - image.numpy()).max() < 1e-6
    prompts = ours.prompts(ours.tokens(["a photo of a three", "a photo of a CAT"]))
    assert np.abs(prompts.vectors.numpy() - text.numpy()).max() < 1e-6
    assert ours.signature.identity.logit_scale == float(scale.detach())
    assert ours.signature.identity.logit_bias == (float(bias[0].detach()) if bias else None)


def test_norms_are_the_lengths_before_normalising() -> None:
    ours = load("tiny-clip")
    with torch.no_grad():
        features = ours.model.encode_image(ours.normalize(pixels(ours)))
    encoded = ours.images(pixels(ours))
    assert encoded.norm[0] == pytest.approx(float(features.norm()), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_rows_are_unit_in_every_precision(precision: str) -> None:
    ours = load("tiny-clip", precision=precision)
    noise = np.random.default_rng(0).integers(0, 256, (8, 3, 32, 32), dtype=np.uint8)
    encoded = ours.images(torch.from_numpy(noise)).vectors.numpy()
    assert encoded.dtype == np.float32
    assert np.abs(np.linalg.norm(encoded, axis=1) - 1).max() < 1e-6
    exact = load("tiny-clip").images(torch.from_numpy(noise)).vectors.numpy()
    difference = np.abs(encoded - exact).max()
    assert 0 < difference < 0.05


def test_the_model_is_in_evaluation_mode_and_tf32_is_off() -> None:
    ours = load("tiny-sigmoid")
    assert not any(module.training for module in ours.model.modules())
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32


@pytest.fixture
def switches() -> Iterator[None]:
    """Put torch's older and newer switches of TF32 back as a new process has them."""
    yield
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = True
    backends: Any = torch.backends
    for one in (backends, backends.cudnn, backends.cuda.matmul, *NEWER):
        one.fp32_precision = "none"
    torch.backends.cudnn.allow_tf32 = True


NEWER: Any = (
    *(torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn),
    *(torch.backends.mkldnn.matmul, torch.backends.mkldnn.conv, torch.backends.mkldnn.rnn),
)


def readings() -> list[Any]:
    """Return the newer switches, and the older ones or that torch refuses to read them."""
    found: list[Any] = [one.fp32_precision for one in NEWER]
    older: list[Callable[[], Any]] = [
        torch.get_float32_matmul_precision,
        lambda: torch.backends.cuda.matmul.allow_tf32,
        lambda: torch.backends.cudnn.allow_tf32,
    ]
    for read in older:
        try:
            found.append(read())
        except RuntimeError:
            found.append("a mix of both")
    return found


TOLD: dict[str, Callable[[], object]] = {
    "nothing": lambda: None,
    "high": lambda: torch.set_float32_matmul_precision("high"),
    "medium": lambda: torch.set_float32_matmul_precision("medium"),
    "all": lambda: setattr(torch.backends, "fp32_precision", "tf32"),
    "cudnn": lambda: setattr(torch.backends.cudnn, "fp32_precision", "tf32"),
    "convolutions": lambda: setattr(torch.backends.cudnn.conv, "fp32_precision", "tf32"),
    "products": lambda: setattr(torch.backends.cuda.matmul, "fp32_precision", "tf32"),
}


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.usefixtures("switches")
def test_float32_is_full_whichever_way_torch_was_told_to_use_tf32(told: str) -> None:
    TOLD[told]()
    full_float32()
    assert readings() in (
        [*["ieee"] * 6, "highest", False, False],
        # torch.backends.fp32_precision stays the user's: what it mixes with, torch does not say.
        [*["ieee"] * 6, "a mix of both", False, False],
    )


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.usefixtures("switches")
def test_a_users_switches_of_tf32_are_restored(told: str) -> None:
    TOLD[told]()
    before = readings()
    with in_full_float32():
        assert readings()[:6] == ["ieee"] * 6
    after = readings()
    assert after[:6] == before[:6]
    for was, now in zip(before[6:], after[6:], strict=True):
        assert was in (now, "a mix of both")


class Full(torch.nn.Linear):
    """A layer for which no device has room; what CUDA raises cannot be had without one."""

    def to(self, *_: Any, **__: Any) -> Full:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_a_model_that_does_not_fit_on_the_device_is_one_line() -> None:
    with pytest.raises(InputError, match=r"^--device cpu: no room for the model: CUDA out of mem"):
        moved(Full(1, 1), torch.device("cpu"))
    layer = torch.nn.Linear(1, 1)
    assert moved(layer, torch.device("cpu")) is layer


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


@pytest.mark.slow
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
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    torch._dynamo.reset()
    ours = load_small(small_model, compile=True)
    without = {"cpp.cxx": (str(tmp_path / "none"),), "force_disable_caches": True}
    # monkeypatch would delete the settings afterwards, and no later test could compile.
    with torch._inductor.config.patch(without), pytest.raises(InputError) as refused:
        ours.images(noise(2))
    assert str(refused.value).startswith("--compile: torch cannot compile the model: ")
    assert str(refused.value).endswith("; run without --compile")
    assert "\n" not in str(refused.value)

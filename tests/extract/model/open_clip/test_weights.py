"""Claims about weights in an architecture: what open_clip adapts silently is said or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from samples import CONFIG, SmallModel, load_small

from oodcache.cache.errors import InputError
from oodcache.extract.model.open_clip.weights import Weights
from oodcache.extract.model.request import ModelRequest, Resolved

State = dict[str, torch.Tensor]
TEXT: dict[str, Any] = {**CONFIG["text_cfg"], "context_length": 8, "vocab_size": 64}  # type: ignore[dict-item]
VISION: dict[str, Any] = CONFIG["vision_cfg"]  # type: ignore[assignment]


def built(**changes: Any) -> Any:
    """Return a small model with random weights; `changes` go into its configuration."""
    torch.manual_seed(0)
    given = {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": TEXT, **changes}
    is_custom = given.pop("custom_text", False)
    return (open_clip.CustomTextCLIP if is_custom else open_clip.CLIP)(**given)


def put(tmp_path: Path, state: State, model: Any, *, is_tag: bool = False) -> list[str]:
    """Put weights into a model by way of a file; return the notes."""
    path, notes = tmp_path / "w.pt", list[str]()
    torch.save(state, path)
    request = ModelRequest("mine/tag" if is_tag else "mine", None if is_tag else path)
    label = "mine/tag" if is_tag else "local/mine"
    resolved = Resolved(request, "mine", "tag" if is_tag else str(path), label, None)
    Weights(resolved, path, notes.append).put_into(model)
    return notes


def refusal(tmp_path: Path, state: State, model: Any) -> str:
    with pytest.raises(InputError) as refused:
        put(tmp_path, state, model)
    assert len(str(refused.value)) < 600
    return str(refused.value).removeprefix(f"{tmp_path / 'w.pt'}: ")


def is_equal(model: Any, other: Any) -> bool:
    own, others = model.state_dict(), other.state_dict()
    return own.keys() == others.keys() and all(torch.equal(own[one], others[one]) for one in own)


@pytest.mark.parametrize("changes", [{}, {"custom_text": True}, {"init_logit_bias": -10}])
def test_weights_that_fit_are_loaded_and_nothing_is_said(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    model, target = built(**changes), built(**changes, init_logit_scale=1)
    assert put(tmp_path, model.state_dict(), target) == []
    assert is_equal(model, target)


def test_weights_of_clip_fit_its_custom_text_architecture(tmp_path: Path) -> None:
    model, target = built(), built(custom_text=True)
    assert put(tmp_path, model.state_dict(), target) == []
    tokens = torch.arange(16).reshape(2, 8)
    assert torch.equal(model.encode_text(tokens), target.encode_text(tokens))


@pytest.mark.parametrize("is_custom", [False, True])
def test_another_number_of_tokens_is_refused(tmp_path: Path, is_custom: bool) -> None:
    state = built(custom_text=is_custom).state_dict()
    target = built(custom_text=is_custom, text_cfg={**TEXT, "context_length": 77})
    said = refusal(tmp_path, state, target)
    assert said.startswith("its weights read 8 tokens, the configuration says 77: ")
    assert 'give  "context_length": 8  in text_cfg of ' in said


def test_a_tag_with_another_number_of_tokens_is_only_noted(tmp_path: Path) -> None:
    target = built(text_cfg={**TEXT, "context_length": 77})
    (note,) = put(tmp_path, built().state_dict(), target, is_tag=True)
    assert note.startswith("--model mine/tag: its weights read 8 tokens, the configuration says 77")


@pytest.mark.parametrize("convert", [torch.Tensor.float, torch.Tensor.half])
def test_interpolated_positions_of_images_are_said(
    tmp_path: Path, convert: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    target = built(vision_cfg={**VISION, "image_size": 32})
    state = {name: convert(value) for name, value in built().state_dict().items()}
    (note,) = put(tmp_path, state, target)
    said = "its weights have positions for 16 px, the configuration has image_size 32"
    assert note == f"{tmp_path / 'w.pt'}: {said}: open_clip interpolates them"


def test_interpolation_to_a_rectangle_with_the_same_side_is_said(tmp_path: Path) -> None:
    target = built(vision_cfg={**VISION, "image_size": (16, 8)})
    (note,) = put(tmp_path, built().state_dict(), target)
    assert "positions for 16 px, the configuration has image_size [16, 8]: open_clip" in note


@pytest.mark.slow
def test_a_timm_tower_of_another_size_is_refused(tmp_path: Path) -> None:
    def tower(reads: int, says: int) -> Any:
        name = f"vit_tiny_patch16_{reads}"
        vision = {"timm_model_name": name, "timm_pool": "", "image_size": says}
        return built(vision_cfg=vision, custom_text=True)

    state = tower(224, 224).state_dict()
    assert put(tmp_path, state, tower(224, 224)) == []
    said = refusal(tmp_path, state, tower(384, 384))
    assert said.startswith("its weights have positions for 224 px, its timm_model_name for 384: ")
    said = refusal(tmp_path, state, tower(224, 32))
    assert said.startswith("its timm_model_name reads 224 px, the configuration has image_size 32")
    assert 'give  "image_size": 224  in vision_cfg of ' in said


def test_a_bias_that_the_configuration_lacks_is_named(tmp_path: Path) -> None:
    state = built(init_logit_bias=-12.5).state_dict()
    said = refusal(tmp_path, state, built())
    assert said.startswith("its weights have a logit_bias (-12.5) and the configuration has no")
    assert 'add  "init_logit_bias": -10  to a copy of its configuration' in said


def test_a_missing_bias_is_0_as_in_open_clip(tmp_path: Path) -> None:
    target = built(init_logit_bias=-10)
    put(tmp_path, built().state_dict(), target)
    assert target.logit_bias.item() == 0


def test_scale_and_bias_of_one_number_fit_any_shape(tmp_path: Path) -> None:
    state = built(init_logit_bias=-10, nonscalar_logit_scale=True).state_dict()
    target = built(init_logit_bias=-3)
    assert put(tmp_path, state, target) == []
    assert (target.logit_bias.shape, target.logit_bias.item()) == ((), -10)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.pop("visual.proj"), "lacks 1 tensor: 'visual.proj'"),
        (lambda state: state.update(x=torch.ones(1)), "has 1 others: 'x'"),
        (
            lambda state: state.update({"text_projection": torch.ones(2, 2)}),
            "text_projection is (2, 2), not (16, 16)",
        ),
        (lambda state: state.update({"visual.proj": 3}), "visual.proj is a int, not a tensor"),
        (
            lambda state: state.update({"visual.proj": torch.ones(32, 16, dtype=torch.int8)}),
            "visual.proj is int8, expected floating-point weights",
        ),
        (lambda state: state.update({"text_model.x": torch.ones(1)}), "--model transformers:FOL"),
        (lambda state: state.update({"visual.lora_A": torch.ones(1)}), "holds a LoRA adapter"),
    ],
)
def test_weights_that_do_not_fit_are_named_briefly(
    tmp_path: Path, change: Callable[[Any], None], words: str
) -> None:
    state = dict(built().state_dict())
    change(state)
    assert words in refusal(tmp_path, state, built())


def test_weights_of_another_model_are_counted_not_all_listed(tmp_path: Path) -> None:
    state = {f"layers.{place}.weight": torch.ones(1) for place in range(1006)}
    said = refusal(tmp_path, state, built())
    assert said.startswith("does not fit the architecture: lacks ")
    assert said.endswith("'layers.5.weight' and 1,000 more")


def test_numbers_of_openais_files_are_no_weights(tmp_path: Path) -> None:
    state = {**built().state_dict(), "input_resolution": torch.tensor(224)}
    assert put(tmp_path, state, built()) == []


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (float("nan"), "its logit_scale is nan, whose exponential is nan: no scale"),
        (float("inf"), "its logit_scale is inf, whose exponential is inf: no scale"),
        (100.0, "is 100, whose exponential is inf: no scale; if it was saved exponent"),
    ],
)
def test_a_scale_that_is_no_number_is_refused(
    small_model: SmallModel, tmp_path: Path, stored: float, words: str
) -> None:
    state = torch.load(small_model.checkpoint, weights_only=True)
    path = tmp_path / "w.pt"
    torch.save({**state, "logit_scale": torch.tensor(stored)}, path)
    with pytest.raises(InputError) as refused:
        load_small(small_model, checkpoint=path)
    assert words in str(refused.value)


def test_an_implausible_scale_is_noted(small_model: SmallModel, tmp_path: Path) -> None:
    state, notes = torch.load(small_model.checkpoint, weights_only=True), list[str]()
    path = tmp_path / "w.pt"
    torch.save({**state, "logit_scale": torch.tensor(14.2857)}, path)
    load_small(small_model, notes, checkpoint=path)
    # exp(14.2857) by hand: e^14 = 1,202,604, times e^0.2857 = 1.3307.
    assert f"{path}: logit scale 1.6003e+06 looks exponentiated twice" in notes[-1][:200]

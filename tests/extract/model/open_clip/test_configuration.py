"""Claims about configurations: what cannot be built is refused by its type or its size."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import open_clip
import pytest
from PIL import Image
from samples import CONFIG, SIGLIP_LIKE, SmallModel, load, load_small

from oodcache.cache.errors import InputError
from oodcache.extract.model.open_clip import configuration


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as refused:
        call()
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600
    return str(refused.value)


def changed(**changes: Any) -> dict[str, Any]:
    """Return a small configuration with changes, at `tower__field` or at `field`."""
    config: dict[str, Any] = deepcopy(CONFIG)
    for place, value in changes.items():
        tower, _, field = place.rpartition("__")
        (config[tower] if tower else config)[field] = value
    return config


def test_all_configurations_of_open_clip_pass() -> None:
    for name in open_clip.list_models():
        configuration.check(open_clip.get_model_config(name), name)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text_cfg": [1]}, "text_cfg is [1], not an object"),
        ({"vision_cfg": None}, "vision_cfg is None, not an object"),
        ({"embed_dim": "512"}, "embed_dim is '512', not a whole number"),
        ({"embed_dim": 10**9}, "embed_dim is 1000000000; expected from 1 to 16,384"),
        ({"vision_cfg__layers": 10**6}, "vision_cfg.layers is 1000000; expected from 1 to 512"),
        ({"vision_cfg__layers": [1, 2]}, "not a list of whole numbers or a whole number"),
        ({"vision_cfg__width": True}, "vision_cfg.width is True, not a whole number"),
        ({"vision_cfg__patch_size": 0}, "vision_cfg.patch_size is 0; expected from 1 to 1,024"),
        ({"vision_cfg__image_size": 10**6}, "vision_cfg.image_size is 1000000; expected"),
        ({"text_cfg__context_length": "77"}, "text_cfg.context_length is '77', not a whole"),
        ({"text_cfg__contxt_length": 77}, "unknown field 'contxt_length'; did you mean context_l"),
        ({"text_cfg__vocab_size": 10**12}, "text_cfg.vocab_size is 1000000000000; expected"),
        ({"text_cfg__act_kwargs": 3}, "text_cfg.act_kwargs is 3, not an object"),
        (
            {"vision_cfg__timm_model_name": "naflexvit_base_patch16_siglip"},
            "'naflexvit_base_patch16_siglip': NaFlex reads images in their own shape",
        ),
        ({"init_logit_bias": "-10"}, "init_logit_bias is '-10', not a number"),
        ({"vision_cfg__width": 2**14, "vision_cfg__layers": 500}, "describes a model of 1.6e+12"),
    ],
)
def test_what_cannot_be_built_is_refused(changes: dict[str, Any], words: str) -> None:
    assert words in refusal(lambda: configuration.check(changed(**changes), "m.json"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mean": "x"}, "mean is 'x', not three numbers"),
        ({"std": [0.5, 0.5, 0]}, "std is [0.5, 0.5, 0], not three numbers"),
        ({"interpolation": "cubic"}, "interpolation is 'cubic', not bicubic, bilinear or random"),
        ({"resize_mode": 3}, "resize_mode is 3, not shortest, longest or squash"),
        ({"mode": "L"}, "mode is 'L', not RGB"),
    ],
)
def test_preprocessing_that_cannot_be_done_is_refused(changes: Any, words: str) -> None:
    given = {**SIGLIP_LIKE, **changes}
    assert words in refusal(lambda: configuration.check_preprocessing(given, "m.json"))
    configuration.check_preprocessing(SIGLIP_LIKE, "m.json")


def test_the_configuration_of_a_repository_is_told_from_an_architecture() -> None:
    whole = {"model_cfg": CONFIG, "preprocess_cfg": SIGLIP_LIKE}
    said = refusal(lambda: configuration.check(whole, "m.json"))
    assert said.startswith("m.json: has the architecture under model_cfg: give a file with")


@pytest.mark.slow
@pytest.mark.parametrize("size", [[16, 16], [16, 24]])
def test_a_size_may_be_a_list(small_model: SmallModel, tmp_path: Path, size: list[int]) -> None:
    path = tmp_path / f"size{size[1]}.json"
    path.write_text(json.dumps(changed(vision_cfg__image_size=size)))
    encoder = load(path.stem, config=path, checkpoint=small_model.checkpoint)
    assert encoder.preprocessing.size == (3, *size)
    content = io.BytesIO()
    Image.new("RGB", (20, 30)).save(content, "PNG")
    assert encoder.preprocessing.prepared(content.getvalue()).pixels.shape == (3, *size)


def test_a_huge_model_is_refused_before_it_is_built(
    small_model: SmallModel, tmp_path: Path
) -> None:
    path = tmp_path / "huge.json"
    path.write_text(json.dumps(changed(vision_cfg__layers=10**6)))
    start = time.process_time()
    assert "vision_cfg.layers" in refusal(lambda: load_small(small_model, config=path))
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "contains a list"),
        ({}, "lacks model_cfg, an object with the architecture"),
        ({"model_cfg": changed(text_cfg="x")}, "text_cfg is 'x', not an object"),
        ({"model_cfg": CONFIG, "preprocess_cfg": {"mean": 3}}, "preprocess_cfg.mean is 3, not"),
    ],
)
def test_a_folder_with_a_wrong_configuration_is_refused(
    tmp_path: Path, content: Any, words: str
) -> None:
    (tmp_path / "open_clip_config.json").write_text(json.dumps(content))
    (tmp_path / "model.safetensors").write_bytes(b"")
    said = refusal(lambda: load(f"local-dir:{tmp_path}"))
    assert said.startswith(f"{tmp_path / 'open_clip_config.json'}: ")
    assert words in said

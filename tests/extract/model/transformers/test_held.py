"""Claims about models of transformers that Python code holds: unfit parts are refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.model.transformers import held


def module(**config: Any) -> Any:
    towers = {"vision_config": SimpleNamespace(hidden_size=4), "text_config": SimpleNamespace()}
    return SimpleNamespace(config=SimpleNamespace(**{**towers, **config}))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "SimpleNamespace has model_type 'None': expected one of clip, siglip, siglip2, meta"),
        ({"model_type": "blip"}, "has model_type 'blip': expected one of clip, siglip"),
        (
            {"model_type": "siglip", "quantization_config": {"load_in_8bit": True}},
            "model: its weights are quantised: load them without",
        ),
        (
            {"model_type": "siglip", "text_config": SimpleNamespace(projection_size=5)},
            "model: texts have vectors of size 5",
        ),
    ],
)
def test_a_model_of_another_kind_is_refused(config: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        held.check(module(**config))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("raw", "model"),
    [("text", "CLIPModel"), ({"model_type": "blip"}, "CLIPModel"), ({}, "CLIPModel")],
)
def test_a_stored_configuration_of_another_kind_is_another_model(raw: Any, model: str) -> None:
    own = {"class": "transformers.CLIPModel", "transformers": {}, "attention": "sdpa"}
    assert not held.is_same({"transformers": raw, "model": model, "attention": "sdpa"}, own)


def test_what_a_configuration_leaves_out_has_its_default() -> None:
    from transformers import CLIPConfig

    from oodcache.extract.model.names.configs import recorded

    whole = recorded(CLIPConfig())
    own = {"class": "transformers.CLIPModel", "transformers": whole, "attention": "sdpa"}
    stored = {"transformers": {"model_type": "clip"}, "model": "CLIPModel", "attention": "sdpa"}
    assert held.is_same(stored, own)
    assert not held.is_same({**stored, "attention": "eager"}, own)
    assert not held.is_same({**stored, "transformers": {**whole, "projection_dim": 3}}, own)

"""Claims about config.json of transformers: what is loaded, and what others are called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

from oodcache.cache.errors import InputError
from oodcache.extract.model.names import configs


def refused(config: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        configs.check(config, "config.json")
    said = str(caught.value)
    assert said.startswith("config.json: ") and "\n" not in said and len(said.encode()) < 600
    return said


def test_the_classes_are_those_that_transformers_has_for_the_kinds() -> None:
    assert {kind: MODEL_MAPPING_NAMES[kind] for kind in configs.CLASSES} == configs.CLASSES


@pytest.mark.parametrize("kind", configs.CLASSES)
def test_a_model_with_both_towers_is_loaded(kind: str) -> None:
    configs.check({"model_type": kind}, "x")
    configs.check({"model_type": kind, "architectures": [configs.CLASSES[kind]]}, "x")
    assert configs.is_supported({"model_type": kind})


def test_the_named_kinds_exist_in_transformers() -> None:
    assert {*configs.VISION, *configs.TEXT} <= {*CONFIG_MAPPING_NAMES}


@pytest.mark.parametrize("kind", ["dinov2", "dinov3_vit", "vit"])
def test_an_image_encoder_is_called_that_with_what_works_instead(kind: str) -> None:
    said = refused({"model_type": kind})
    assert f"model_type '{kind}' encodes images only" in said
    assert "--model timm:NAME" in said


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("bert", "encodes texts only, no images; expected both towers (CLIPModel"),
        ("clip_text_model", "is a text tower without its images; expected both towers"),
        ("siglip_vision_model", "is an image tower without its texts; expected both towers"),
        ("blip", "is not loaded; expected one of clip, siglip, siglip2, metaclip_2: embed with"),
    ],
)
def test_other_kinds_are_named(kind: str, words: str) -> None:
    assert words in refused({"model_type": kind})


@pytest.mark.parametrize(
    ("kind", "example"),
    [
        ("siglip_vision_model", "google/siglip-base-patch16-224"),
        ("siglip2_text_model", "google/siglip2-base-patch16-224"),
        ("metaclip_2_vision_model", "facebook/metaclip-2-worldwide-huge-quickgelu"),
        ("clip_text_model", "openai/clip-vit-base-patch32"),
        ("blip_2_vision_model", "openai/clip-vit-base-patch32"),
    ],
)
def test_a_tower_names_a_whole_model_of_its_family(kind: str, example: str) -> None:
    assert refused({"model_type": kind}).endswith(f"), as in {example}")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"architectures": ["CLIPVisionModel"]}, "'CLIPVisionModel', expected 'CLIPModel'"),
        ({"architectures": ["CLIPForImageClassification"]}, "with both towers: use the model tha"),
        ({"architectures": "CLIPModel"}, "architectures is 'CLIPModel', expected"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "quantised ('bitsandbytes')"),
        ({"quantization_config": {}, "auto_map": {"AutoModel": "m.M"}}, "(auto_map), which oodc"),
        ({"trust_remote_code": True}, "needs code of its own (auto_map), which oodcache never"),
    ],
)
def test_a_known_kind_is_refused_for_what_would_change_its_vectors(
    more: dict[str, Any], words: str
) -> None:
    assert words in refused({"model_type": "clip", **more})
    assert not configs.is_supported({"model_type": "clip", **more})


@pytest.mark.parametrize("kind", [3, [], None])
def test_a_configuration_without_a_kind_says_which_are_expected(kind: object) -> None:
    assert "; expected one of clip, siglip, siglip2, metaclip_2" in refused({"model_type": kind})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[]", "contains a list, expected an object"),
        (b"{", "is no configuration of a model: Expecting property name"),
        (b"\xff\xfe{", "is no configuration of a model: 'utf-8' codec"),
        (b"[" * 100_000, "nested deeper than 16 levels"),
        (b" " * (10**6 + 1), "has more than 1,000,000 bytes"),
        (b'{"model_type": "clip", "model_type": "blip"}', "has a duplicate key in one object"),
    ],
)
def test_a_hostile_configuration_is_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(InputError, match="at config.json: ") as caught:
        configs.read(tmp_path / "config.json", "at config.json")
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_long_names_are_cut() -> None:
    assert len(refused({"model_type": "x" * 10_000})) < 400
    assert len(refused({"model_type": "clip", "architectures": ["x" * 10_000] * 99})) < 500


def test_a_configuration_is_returned_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip"}))
    assert configs.read(tmp_path / "config.json", "x") == {"model_type": "clip"}

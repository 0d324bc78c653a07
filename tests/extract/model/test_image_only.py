"""Claims about image-only encoders: timm's own vectors, without texts, each trap in one line."""

from __future__ import annotations

import io
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from samples import slow_except
from samples.extract.local_hub import place

from oodcache.cache.errors import InputError
from oodcache.extract.model import loading
from oodcache.extract.model.encoder import Encoder
from oodcache.extract.model.request import ModelRequest, resolve

SMALL = "test_resnet"
Weights = dict[str, torch.Tensor]


def made(name: str = SMALL, **options: Any) -> Any:
    """Return a model of timm with random weights."""
    torch.manual_seed(0)
    return timm.create_model(name, **options).eval()


def saved(folder: Path, weights: Weights) -> Path:
    torch.save(weights, folder / "mine.pt")
    return folder / "mine.pt"


def load(requested: str, checkpoint: Path | None = None, **options: Any) -> Encoder:
    request = ModelRequest(requested, checkpoint, device="cpu", **options)
    return loading.load(resolve(request), print, with_texts=False)


def refused(requested: str, checkpoint: Path | None = None, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        load(requested, checkpoint, **options)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    return str(caught.value)


def picture() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (170, 210, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def vectors(encoder: Encoder) -> torch.Tensor:
    """Return the picture's vector, as a worker's pixels give it."""
    content = io.BytesIO()
    picture().save(content, "PNG")
    return encoder.images(encoder.preprocessing.prepared(content.getvalue()).pixels[None]).vectors


def by_hand(model: Any, **settings: Any) -> torch.Tensor:
    """Return the picture's pooled features as timm's documentation computes them, as a unit."""
    config: Any = timm.data.resolve_model_data_config(model)
    transform: Any = timm.data.create_transform(**{**config, **settings}, is_training=False)
    with torch.inference_mode():
        features = model(transform(picture())[None])
    return torch.nn.functional.normalize(features, dim=-1)


@pytest.mark.parametrize("name", slow_except((SMALL,), (SMALL, "test_convnext")))
def test_vectors_are_timms_pooled_features_without_the_classifier(
    tmp_path: Path, name: str
) -> None:
    whole = made(name, num_classes=7)
    encoder = load(f"timm:{name}", saved(tmp_path, whole.state_dict()))
    whole.reset_classifier(0)
    assert torch.equal(vectors(encoder), by_hand(whole))


def test_the_users_preprocessing_replaces_the_models(tmp_path: Path) -> None:
    model = made(num_classes=0)
    given = {"mean": [0.1, 0.2, 0.3], "interpolation": "bilinear", "resize_mode": "squash"}
    encoder = load(f"timm:{SMALL}", saved(tmp_path, model.state_dict()), preprocessing=given)
    settings = {"mean": (0.1, 0.2, 0.3), "interpolation": "bilinear", "crop_mode": "squash"}
    assert torch.equal(vectors(encoder), by_hand(model, **settings))
    recorded = encoder.signature.preprocessing
    assert recorded["overridden"] == sorted(given)
    assert {key: recorded[key] for key in given} == given


def test_an_image_only_model_has_no_scale_no_bias_and_no_tokenizer(tmp_path: Path) -> None:
    encoder = load(f"timm:{SMALL}", saved(tmp_path, made(num_classes=0).state_dict()))
    identity = encoder.signature.identity
    assert (identity.logit_scale, identity.logit_bias) == (None, None)
    assert encoder.tokenize is None
    assert identity.architecture["timm"] == SMALL
    assert identity.label == f"local/{SMALL}-{identity.weights[:8]}"


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Weights], None]:
    """Put weights where the hub's client keeps those of SMALL, on a machine that is offline."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "repository").mkdir()

    def keep(weights: Weights) -> None:
        save_file(weights, tmp_path / "repository" / "model.safetensors")
        place(tmp_path / "hub", f"timm/{SMALL}.r160_in1k", tmp_path / "repository")

    return keep


def test_fetched_weights_are_those_of_the_tag_and_of_a_checkpoint_of_them(
    tmp_path: Path, fetched: Callable[[Weights], None]
) -> None:
    weights = made().state_dict()
    fetched(weights)
    known, own = load(f"timm:{SMALL}"), load(f"timm:{SMALL}", saved(tmp_path, weights))
    assert known.signature.identity.label == f"timm/{SMALL}.r160_in1k"
    assert known.signature.identity.weights == own.signature.identity.weights
    assert torch.equal(vectors(known), vectors(own))


def test_a_repository_of_the_hub_has_its_own_classes_and_preprocessing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    model = made(num_classes=7)
    model.pretrained_cfg = model.pretrained_cfg | {"mean": (0.1, 0.2, 0.3), "num_classes": 7}
    timm.models.save_for_hf(model, tmp_path / "repository")
    place(tmp_path / "hub", "org/mine", tmp_path / "repository")
    encoder = load("timm:org/mine")
    assert encoder.signature.identity.label == "timm/org--mine"
    assert encoder.signature.preprocessing["mean"] == [0.1, 0.2, 0.3]
    model.reset_classifier(0)
    assert torch.equal(vectors(encoder), by_hand(model))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "least"),
    [({"precision": "bfloat16"}, 0.999), ({"channels_last": True}, 0.999999)],
)
def test_precision_and_memory_format_are_kept_apart_and_change_last_digits(
    tmp_path: Path, options: dict[str, Any], least: float
) -> None:
    file = saved(tmp_path, made(num_classes=0).state_dict())
    plain, other = load(f"timm:{SMALL}", file), load(f"timm:{SMALL}", file, **options)
    assert float((vectors(plain) * vectors(other)).sum()) > least
    assert plain.signature.precision != other.signature.precision
    assert plain.signature.identity == other.signature.identity


def test_the_preprocessing_reaches_worker_processes(tmp_path: Path) -> None:
    encoder = load(f"timm:{SMALL}", saved(tmp_path, made(num_classes=0).state_dict()))
    content = io.BytesIO()
    picture().save(content, "PNG")
    copy = ForkingPickler.loads(ForkingPickler.dumps(encoder.preprocessing))
    pixels = [one.prepared(content.getvalue()).pixels for one in (encoder.preprocessing, copy)]
    assert torch.equal(*pixels)


def test_fetched_weights_that_lack_a_tensor_are_rejected(
    fetched: Callable[[Weights], None],
) -> None:
    weights = made().state_dict()
    del weights["conv1.0.weight"]
    fetched(weights)
    said = refused(f"timm:{SMALL}")
    assert said.startswith(f"--model timm:{SMALL}: cannot be loaded: ")
    assert "conv1.0.weight" in said


def test_a_checkpoint_that_does_not_fit_is_rejected_with_names(tmp_path: Path) -> None:
    weights = made(num_classes=0).state_dict()
    del weights["conv1.0.weight"]
    file = saved(tmp_path, weights)
    assert refused(f"timm:{SMALL}", file) == (
        f"{file}: does not fit the model: lacks 1 tensor: 'conv1.0.weight'"
    )


def test_a_checkpoint_in_dinov2s_own_layout_is_converted_by_timm(tmp_path: Path) -> None:
    model = made("test_vit", num_classes=0)
    weights = {**model.state_dict(), "mask_token": torch.zeros(1, 64)}
    encoder = load("timm:test_vit", saved(tmp_path, weights))
    assert torch.equal(vectors(encoder), by_hand(model))


def test_quantised_weights_are_rejected(tmp_path: Path) -> None:
    weights = made(num_classes=0).state_dict()
    weights["conv1.0.weight"] = torch.zeros_like(weights["conv1.0.weight"], dtype=torch.int8)
    file = saved(tmp_path, weights)
    assert refused(f"timm:{SMALL}", file) == (
        f"{file}: conv1.0.weight is int8, expected floating-point weights; quantised ones are not "
        "read"
    )


def test_weights_of_another_image_size_are_not_interpolated(tmp_path: Path) -> None:
    weights = made("test_vit", num_classes=0, img_size=320).state_dict()
    file = saved(tmp_path, weights)
    plain = refused("timm:test_vit", file)
    weights["mask_token"] = torch.zeros(1, 64)  # As in DINOv2's own layout, which timm converts.
    said = refused("timm:test_vit", saved(tmp_path, weights))
    assert plain == said
    assert said == (
        f"{file}: its weights have 401 positions, the model 101: give the timm:NAME of their "
        "image size"
    )


def test_a_model_without_pooled_features_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = made(num_classes=0, global_pool="")
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: model)
    said = refused(f"timm:{SMALL}", saved(tmp_path, model.state_dict()))
    assert said.startswith(f"--model timm:{SMALL}: returns (1, ")
    assert ", not one vector; use a model with pooled features, such as timm:" in said


@pytest.mark.parametrize(
    ("requested", "said"),
    [
        ("timm:test_resnett", "timm has no model 'test_resnett'; did you mean timm:test_resnet"),
        ("timm:TEST_VIT", "timm has no model 'TEST_VIT'; did you mean timm:test_vit?"),
        ("timm:qqq", "timm has no model 'qqq'; timm.list_models() in Python lists them"),
        ("timm:test_resnet.x", "test_resnet has no weights 'x'; did you mean 'timm:test_resnet.r"),
    ],
)
def test_an_unknown_name_is_answered_with_similar_ones(requested: str, said: str) -> None:
    assert refused(requested).startswith(f"--model {requested}: {said}")


def test_fast_decode_is_rejected() -> None:
    assert refused(f"timm:{SMALL}", fast_decode=True) == (
        "--fast-decode: is for open_clip's models; omit it with timm:"
    )


def test_missing_weights_are_named_with_the_command_and_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert refused(f"timm:{SMALL}").startswith(
        f"--model timm:{SMALL}: model.safetensors or pytorch_model.bin of timm/{SMALL}.r160_in1k: "
        "not on this machine, and HF_HUB_OFFLINE is set; on a machine with network access run  "
        f"hf download timm/{SMALL}.r160_in1k model.safetensors  and copy models--timm--{SMALL}"
    )

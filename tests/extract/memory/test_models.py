"""Claims about models in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from samples import CONFIG, SmallModel, load_small, planned

from oodcache.cache.errors import InputError
from oodcache.cache.store import store
from oodcache.cache.watch import Watch
from oodcache.extract.memory import models, parts, same_models
from oodcache.extract.memory.parts import GivenModel
from oodcache.extract.model.encoder import Encoder
from oodcache.extract.model.request import ModelRequest
from oodcache.extract.run import run

SIZE = CONFIG["vision_cfg"]["image_size"]  # type: ignore[index]
TRANSFORM = image_transform_v2(PreprocessCfg(size=(SIZE, SIZE)), is_train=False)
TOKENIZER = open_clip.SimpleTokenizer()
IMAGES = torch.rand(3, 3, SIZE, SIZE)


@pytest.fixture
def module(small_model: SmallModel) -> Any:
    """Return the small model as a user of open_clip has it."""
    open_clip.add_model_config(small_model.config)
    return open_clip.create_model(small_model.config.stem, pretrained=str(small_model.checkpoint))


def encoder(given: GivenModel, cache: Path = Path("nowhere"), **request: Any) -> Encoder:
    return models.loaded(given, ModelRequest("", **request), cache, lambda text: None)


def test_a_model_in_memory_has_the_vectors_and_weights_of_the_one_by_name(
    module: Any, small_model: SmallModel
) -> None:
    ours, named = encoder(GivenModel(module, TRANSFORM, TOKENIZER)), load_small(small_model)
    pixels = (IMAGES * 255).to(torch.uint8)
    tokens = ours.tokens(["a cat", "a dog"])
    with models.evaluating(ours):
        assert torch.equal(ours.images(pixels).vectors, named.images(pixels).vectors)
        assert torch.equal(ours.prompts(tokens).vectors, named.prompts(tokens).vectors)
    for field in ("weights", "logit_scale", "logit_bias"):
        found = getattr(ours.signature.identity, field)
        assert found == getattr(named.signature.identity, field)
    assert ours.signature.preprocessing == named.signature.preprocessing


def test_it_is_named_by_its_class_or_as_the_user_says_and_by_its_weights(module: Any) -> None:
    found = encoder(GivenModel(module, TRANSFORM)).signature.identity
    assert found.label == f"local/CLIP-{found.weights[:8]}"
    named = encoder(GivenModel(module, TRANSFORM, name="mine")).signature.identity
    assert named.label == f"local/mine-{found.weights[:8]}"
    with torch.no_grad():
        module.logit_scale += 1
    assert encoder(GivenModel(module, TRANSFORM)).signature.identity.weights != found.weights


@pytest.mark.slow
def test_cached_files_of_the_same_weights_are_those_of_one_model(
    module: Any, small_model: SmallModel, tmp_path: Path
) -> None:
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    request = ModelRequest(small_model.config.stem, small_model.checkpoint, small_model.config)
    wanted = planned(tmp_path, request, [], classes=f"pets={tmp_path / 'names.txt'}")
    run.run(wanted, Watch())
    cache = tmp_path / "embeddings"
    loaded = load_small(small_model).signature
    named = loaded.identity
    same = encoder(GivenModel(module, TRANSFORM, TOKENIZER), cache).signature
    assert (same.identity.label, same.identity.architecture) == (named.label, named.architecture)
    assert same.tokenizing == loaded.tokenizing
    given = encoder(GivenModel(module, TRANSFORM, TOKENIZER, name="mine"), cache)
    assert given.signature.identity.label != named.label
    quick = type("QuickGELU", (torch.nn.Module,), {})
    module.visual.extra = quick()  # Another activation, with the same weights.
    other = encoder(GivenModel(module, TRANSFORM, TOKENIZER), cache).signature.identity
    assert (other.weights, other.label == named.label) == (named.weights, False)


def test_a_module_is_left_in_the_mode_that_it_had(module: Any) -> None:
    module.train()
    module.visual.eval()
    before = [part.training for part in module.modules()]
    found = encoder(GivenModel(module, TRANSFORM))
    with pytest.raises(KeyboardInterrupt), models.evaluating(found):
        assert not any(part.training for part in module.modules())
        raise KeyboardInterrupt
    assert [part.training for part in module.modules()] == before


def test_a_half_precision_model_is_encoded_as_it_is_and_says_so(module: Any) -> None:
    module.bfloat16()
    found = encoder(GivenModel(module, TRANSFORM))
    with models.evaluating(found):
        vectors = found.images((IMAGES * 255).to(torch.uint8)).vectors
    assert vectors.dtype == torch.float32
    assert found.signature.precision["weights"] == "bfloat16"
    assert module.visual.conv1.weight.dtype == torch.bfloat16


@pytest.mark.slow
def test_a_compiled_module_is_the_module(module: Any) -> None:
    compiled = torch.compile(module)
    assert parts.given((compiled, TRANSFORM), None, None).module is module


def test_a_function_of_the_users_gets_its_id_into_the_identity(module: Any) -> None:
    own: Any = lambda image: TRANSFORM(image)  # noqa: E731
    with pytest.raises(InputError, match="preprocess is no torchvision transform"):
        encoder(GivenModel(module, own))
    found = encoder(GivenModel(module, own, preprocess_id="mine"))
    assert found.signature.preprocessing["preprocess_id"] == "mine"
    with pytest.raises(InputError, match="fast_decode needs a preprocess of open_clip"):
        encoder(GivenModel(module, own, preprocess_id="mine"), fast_decode=True)


class Bare(torch.nn.Module):
    """A module that encodes, without a scale."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)

    def encode_image(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)[:, :2]

    encode_text = encode_image


class Returning(Bare):
    """A module whose images are encoded as a function says."""

    def __init__(self, encode: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.logit_scale, self.encode = torch.nn.Parameter(torch.tensor(2.0)), encode

    def encode_image(self, images: torch.Tensor) -> Any:
        return self.encode(images)


@pytest.mark.parametrize(
    ("encode", "said"),
    [
        (lambda images: images[:2].flatten(1), "gives a tensor (2, 768) for a tensor (3, 3, 16"),
        (lambda images: (images.flatten(1), None), "gives a tuple for a tensor (3, 3, 16, 16)"),
        (lambda images: images, "(3, 3, 16, 16): expected a tensor (3, D), a vector for each"),
        (lambda images: images.flatten(1).to("meta"), "(3, 768) on meta, without values, for a"),
        (lambda images: images @ torch.ones(145), "fails on a tensor (3, 3, 16, 16): size mis"),
    ],
)
def test_what_a_module_gives_is_held_against_what_it_got(encode: Any, said: str) -> None:
    found = encoder(GivenModel(Returning(encode), TRANSFORM))
    with pytest.raises(InputError) as refused:
        found.images((IMAGES * 255).to(torch.uint8))
    assert str(refused.value).startswith("model: encode_image of Returning ")
    assert said in str(refused.value)
    assert len(str(refused.value).encode()) < 600


def test_vectors_that_fit_no_text_of_the_model_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = encoder(GivenModel(Returning(lambda images: images.flatten(1)[:, :10]), TRANSFORM))
    label = found.signature.identity.label
    there = {"pets.h5": "texts", "old.h5": "images"}
    entries = [store.Entry(Path(path), label, kind) for path, kind in there.items()]
    monkeypatch.setattr(store, "entries", lambda cache, label: entries)
    widths = {"pets.h5": 64, "old.h5": 7}
    summary = lambda path: SimpleNamespace(shape=(3, widths[path.name]))  # noqa: E731
    monkeypatch.setattr(same_models, "summarise", summary)
    with pytest.raises(InputError, match="images are vectors of 10 numbers, but pets.h5, of t"):
        found.images((IMAGES * 255).to(torch.uint8))
    widths["pets.h5"] = 10
    assert found.images((IMAGES * 255).to(torch.uint8)).vectors.shape == (3, 10)


def test_a_model_without_values_is_refused(module: Any) -> None:
    with pytest.raises(InputError, match="model: its parameters are on meta, without values: loa"):
        encoder(GivenModel(module.to("meta"), TRANSFORM))


def test_a_scale_is_exponentiated_once_and_a_bias_kept() -> None:
    bare: Any = Bare()
    with pytest.raises(InputError, match="model: it has no logit_scale, which scores need"):
        encoder(GivenModel(bare, TRANSFORM))
    bare.logit_scale = torch.nn.Parameter(torch.tensor(2.0))
    found = encoder(GivenModel(bare, TRANSFORM)).signature.identity
    assert found.logit_scale == pytest.approx(7.38905609893065)
    assert found.logit_bias is None
    bare.logit_bias = torch.nn.Parameter(torch.tensor(-3.0))
    assert encoder(GivenModel(bare, TRANSFORM)).signature.identity.logit_bias == -3.0


def test_a_model_stays_on_its_device(module: Any) -> None:
    assert encoder(GivenModel(module, TRANSFORM), device="cpu").device.type == "cpu"
    with pytest.raises(InputError, match="device='cuda': the model is on cpu; move it: model"):
        encoder(GivenModel(module, TRANSFORM), device="cuda")


def test_a_tokenizer_is_open_clips_and_the_models(module: Any) -> None:
    with pytest.raises(InputError, match="model: tokenize is no tokenizer of open_clip"):
        encoder(GivenModel(module, TRANSFORM, open_clip.tokenize))
    short = open_clip.SimpleTokenizer(context_length=16)
    with pytest.raises(InputError, match="model: it reads 77 tokens, but its tokenizer makes 16"):
        encoder(GivenModel(module, TRANSFORM, short))


@pytest.mark.parametrize(
    ("model", "name", "said"),
    [
        (Bare(), None, "model is a Bare: expected a name, or (module, preprocess, tokenizer)"),
        ((Bare(),), None, "model is a tuple of 1: expected a name"),
        ((torch.nn.Linear(2, 2), TRANSFORM), None, "model: Linear has no encode_image: expected"),
        ((Bare(), TRANSFORM, TRANSFORM), None, "model: its third part is a transform, not a tok"),
        ((Bare(), "resize"), None, "model: its preprocess is a str: expected"),
        ((Bare(), TRANSFORM), "a/b", "model_name is 'a/b': use letters"),
    ],
)
def test_what_is_no_model_is_refused(model: Any, name: str | None, said: str) -> None:
    with pytest.raises(InputError) as refused:
        parts.given(model, name, None)
    assert said in str(refused.value)
    assert len(str(refused.value).encode()) < 600


def test_a_model_is_found_in_the_cache_by_its_weights_and_preprocessing(
    module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = GivenModel(module, TRANSFORM)
    own = encoder(given).signature
    assert encoder(given, tmp_path).signature.identity == own.identity
    found = {"a/b": own.identify("images", {"name": "pets"})}
    monkeypatch.setattr(models.same_models, "with_images", lambda *_: found)
    other = replace(own, preprocessing={**own.preprocessing, "interpolation": "bilinear"})
    assert models.cached_as(given, tmp_path, "pets") == "a/b"
    found["c/d"] = other.identify("images", {"name": "pets"})
    assert models.cached_as(given, tmp_path, "pets") == "a/b"
    found["e/f"] = found["a/b"]
    with pytest.raises(InputError, match="model: a/b, e/f have its weights and images 'pets', pre"):
        models.cached_as(given, tmp_path, "pets")
    found["a/b"] = found["e/f"] = found["c/d"]
    with pytest.raises(InputError, match="a/b, c/d, e/f have its weights and images 'pets', none"):
        models.cached_as(given, tmp_path, "pets")
    found.clear()
    with pytest.raises(InputError, match=r"has no images 'pets' of its weights \(.{8}\): embed th"):
        models.cached_as(given, tmp_path, "pets")

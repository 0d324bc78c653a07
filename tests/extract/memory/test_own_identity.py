"""Claims about the identity of models in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from samples import CONFIG, SmallModel

from oodcache.cache.errors import InputError
from oodcache.cache.format.identity import Identity, ModelIdentity
from oodcache.cache.store import store
from oodcache.extract.memory import own_identity, same_models


@pytest.fixture(scope="module")
def weights(small_model: SmallModel) -> Any:
    return torch.load(small_model.checkpoint, weights_only=True)


@pytest.fixture
def module(weights: Any) -> Any:
    found = open_clip.CLIP(**CONFIG)
    found.load_state_dict(weights)
    return found


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModelIdentity], None]:
    """Put a file of a model into the cache, as far as its identity goes."""
    files: dict[str, Identity] = {}

    def add(model: ModelIdentity) -> None:
        identity = Identity(model, {}, {"context_length": 77}, {}, {})
        files[model.label] = identity
        entries = [store.Entry(Path(f"{label}.h5"), label, "texts") for label in files]
        monkeypatch.setattr(store, "entries", lambda cache: entries)
        monkeypatch.setattr(store, "read_identity", lambda entry: files[entry.label])

    return add


def own(module: Any, name: str | None = None) -> ModelIdentity:
    return own_identity.of_module(module, name, lambda text: None)


def by_name(module: Any) -> ModelIdentity:
    """Return the model as it is if it was loaded by the name small/demo."""
    made = own(module)
    same = (made.weights, None, made.logit_scale, made.logit_bias)
    return ModelIdentity("small", "demo", "small", CONFIG, *same)


def found(module: Any, name: str | None = None, notes: list[str] | None = None) -> str:
    """Return the name in the cache of the model that a module is."""
    mine, said = own(module, name), [] if notes is None else notes
    known = same_models.in_cache(Path("c"), mine, {}, said.append, is_named=name is not None)
    return (mine if known is None else known).label


class Negated(open_clip.CLIP):
    def encode_image(self, image: Any, normalize: bool = False) -> Any:
        return -super().encode_image(image, normalize)


def subclassed(module: Any) -> None:
    module.__class__ = Negated


def wrapped(module: Any) -> None:
    before = module.encode_image
    module.encode_image = lambda images: -before(images)


def hooked(module: Any) -> None:
    module.visual.register_forward_hook(lambda part, given, made: -made)


def hooked_before(module: Any) -> None:
    module.visual.conv1.register_forward_pre_hook(lambda part, given: -given[0])


def exchanged(module: Any) -> None:
    module.visual.__class__ = type("Tower", (type(module.visual),), {"__module__": "mine"})


def patched(module: Any) -> None:
    module.transformer.forward = lambda *given, **named: given[0]


CHANGES = [subclassed, wrapped, hooked, hooked_before, exchanged, patched]


def test_a_module_of_open_clips_own_is_the_model_by_name(module: Any, cached: Any) -> None:
    cached(by_name(module))
    notes: list[str] = []
    assert (found(module, notes=notes), notes) == ("small/demo", [])
    assert set(own(module).architecture) == {"class", "parts"}


@pytest.mark.parametrize("change", CHANGES)
def test_equal_weights_that_run_other_code_are_another_model(
    change: Callable[[Any], None], module: Any, cached: Any
) -> None:
    cached(by_name(module))
    change(module)
    notes: list[str] = []
    label = found(module, notes=notes)
    assert label.startswith("local/")
    (note,) = notes
    assert note.startswith("model: it has the weights of 'small/demo', but may run other code, th")
    assert note.endswith(f"its files go to {label}")
    assert len(note.encode()) < 600


@pytest.mark.parametrize("change", CHANGES)
def test_one_name_never_holds_equal_weights_with_different_code(
    change: Callable[[Any], None], module: Any, cached: Any
) -> None:
    before = own(module, "mine")
    cached(before)
    assert found(module, "mine") == before.label
    change(module)
    with pytest.raises(InputError) as refused:
        found(module, "mine")
    said = str(refused.value)
    assert said.startswith(f"c: {before.label} is of open_clip.model.CLIP, and this model is of ")
    assert said.endswith("with equal weights: give another model_name")
    assert found(module, "other") == before.label.replace("mine", "other")


def test_a_class_of_the_users_own_stays_under_its_name(module: Any, cached: Any) -> None:
    subclassed(module)
    cached(own(module))
    assert found(module) == own(module).label
    assert own(module).architecture["class"] == f"{__name__}.Negated"
    assert "changed" not in own(module).architecture


def test_a_name_of_the_command_line_is_gone_on_with(module: Any, cached: Any) -> None:
    mine = own(module, "mine")
    cached(ModelIdentity(**{**vars(mine), "architecture": CONFIG, "checkpoint": "0" * 64}))
    assert found(module, "mine") == mine.label
    subclassed(module)
    with pytest.raises(InputError, match=r"is of open_clip, and this model is of \S+Negated, with"):
        found(module, "mine")

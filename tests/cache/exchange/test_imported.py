"""Claims about who made an imported file, as far as it can be known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.imported import Claim, model_in, of_file
from oodcache.cache.store import store
from oodcache.cache.store.store import Entry

Write = Callable[..., Path]
NEW = Path("new.h5")


def refusal(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(InputError) as refused:
        call(*arguments)
    return str(refused.value)


def test_a_name_alone_has_a_folder_and_weights_of_its_own(tmp_path: Path) -> None:
    model = Claim("mine").identity(tmp_path, NEW)
    assert model.label == "mine/imported"
    assert (model.requested, model.weights) == ("mine", "imported:mine")
    assert (model.architecture, model.logit_scale, model.logit_bias) == ({}, None, None)
    assert Claim("mine/one").identity(tmp_path, NEW).label == "mine/one"


@pytest.mark.parametrize("model", ["../x", "a/b/c", "", "/a", "a/", "a\x1b"])
def test_a_name_that_is_no_folder_is_refused(model: str) -> None:
    assert "is not a valid file name" in refusal(lambda: Claim(model))


def test_scale_and_bias_are_numbers() -> None:
    for value in (float("nan"), float("inf")):
        assert "is not a finite number" in refusal(Claim, "m", None, value)
        assert "is not a finite number" in refusal(Claim, "m", None, None, value)
    assert refusal(lambda: Claim("m", logit_scale=0)) == "--logit-scale 0 is not above 0"


def test_what_files_of_the_same_weights_say_is_taken(tmp_path: Path, write_pets: Write) -> None:
    write_pets(tmp_path / "small/demo/images/pets.h5")
    model = Claim("small/demo", weights="00" * 32).identity(tmp_path, NEW)
    assert model.architecture == {"embed_dim": 4}
    assert (model.logit_scale, model.logit_bias) == (10.0, -5.0)
    assert Claim("small/demo", "00" * 32, 10.0, -5.0).identity(tmp_path, NEW) == model


@pytest.mark.slow
def test_one_file_of_the_same_weights_is_asked_and_none_of_another_model(
    tmp_path: Path, write_pets: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for label in ("small/demo", "other/demo"):
        for number in range(10):
            write_pets(tmp_path / label / f"images/pets{number}.h5")
    asked, read = [], store.read_identity
    monkeypatch.setattr(store, "read_identity", lambda one: asked.append(one) or read(one))
    Claim("small/demo", weights="00" * 32).identity(tmp_path, NEW)
    assert [one.label for one in asked] == ["small/demo"]


def test_what_files_of_other_weights_say_is_not_taken(tmp_path: Path, write_pets: Write) -> None:
    write_pets(tmp_path / "small/demo/images/pets.h5")
    model = Claim("small/demo").identity(tmp_path, NEW)
    assert (model.architecture, model.logit_scale) == ({}, None)


def test_a_claim_that_contradicts_a_file_is_refused(tmp_path: Path, write_pets: Write) -> None:
    path = write_pets(tmp_path / "small/demo/images/pets.h5")
    write_pets(tmp_path / "plain/demo/images/pets.h5", logit_bias=None)
    for claim, words in (
        (Claim("small/demo", "00" * 32, 11.0), f"--logit-scale 11.0 contradicts {path}, of the"),
        (Claim("small/demo", "00" * 32, None, -4.0), "--logit-bias -4.0 contradicts"),
        (Claim("plain/demo", "00" * 32, None, -4.0), "which has none"),
    ):
        assert words in refusal(claim.identity, tmp_path, NEW)


def test_a_file_whose_scale_is_unknown_contradicts_nothing(
    tmp_path: Path, write_pets: Write
) -> None:
    write_pets(tmp_path / "small/demo/images/pets.h5", logit_scale=None, logit_bias=None)
    model = Claim("small/demo", "00" * 32, 11.0, -4.0).identity(tmp_path, NEW)
    assert (model.logit_scale, model.logit_bias) == (11.0, -4.0)


def test_a_file_that_is_written_anew_contradicts_nothing(tmp_path: Path, write_pets: Write) -> None:
    path = write_pets(tmp_path / "small/demo/images/pets.h5")
    assert Claim("small/demo", "00" * 32, 11.0).identity(tmp_path, path).logit_scale == 11.0


def test_the_model_of_a_cached_file_is_claimed_as_it_is(tmp_path: Path, write_pets: Write) -> None:
    path = write_pets(tmp_path / "small/demo/images/pets.h5")
    claim = of_file(path)
    assert claim.identity(tmp_path, NEW) == store.read_identity(Entry(path, "", "images")).model
    assert (claim.label, claim.weights_label) == ("small/demo", "00" * 32)


def test_the_model_of_a_file_without_a_scale_is_completed_from_another(
    tmp_path: Path, write_pets: Write, write_names: Write
) -> None:
    path = write_pets(
        tmp_path / "small/demo/images/pets.h5", logit_scale=None, logit_bias=None, architecture={}
    )
    assert of_file(path).identity(tmp_path, NEW).logit_scale is None
    write_names(tmp_path / "small/demo/texts/names.h5")
    model = of_file(path).identity(tmp_path, NEW)
    assert (model.logit_scale, model.logit_bias) == (10.0, -5.0)
    assert model.architecture == {"embed_dim": 4}


def test_the_model_of_shards_is_claimed(
    tmp_path: Path, write_text_shards: Callable[..., list[Path]]
) -> None:
    target = tmp_path / "small/demo/texts/names.h5"
    shard, _ = write_text_shards(target)
    assert of_file(target) == of_file(shard.parent) == of_file(shard)
    assert of_file(target).label == "small/demo"


def test_the_model_of_a_folder_is_that_of_its_files_finished_or_begun(
    tmp_path: Path, write_text_shards: Callable[..., list[Path]]
) -> None:
    write_text_shards(tmp_path / "small/demo/texts/names.h5")
    assert model_in(tmp_path, "small/demo").weights == "00" * 32
    (tmp_path / "other/demo/images").mkdir(parents=True)
    (tmp_path / "other/demo/images/pets.h5").write_bytes(b"damaged")
    assert "other/demo: no valid file; find out" in refusal(model_in, tmp_path, "other/demo")


def test_a_file_of_no_model_is_not_claimed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for name in ("notes.txt", "missing.h5"):
        assert refusal(of_file, tmp_path / name).startswith(f"{tmp_path / name}: ")


def test_vectors_of_another_dimension_are_no_vectors_of_the_same_weights(
    tmp_path: Path, write_pets: Write
) -> None:
    path = write_pets(tmp_path / "small/demo/images/pets.h5")
    claim = Claim("small/demo", "00" * 32)
    assert refusal(claim.check_dimension, tmp_path, NEW, "x.npy", 8) == (
        f"x.npy: vectors of 8 numbers, but {path}, of the same weights, has 4; embed them with "
        "that model, or give other --weights"
    )
    assert refusal(of_file(path).check_dimension, tmp_path, NEW, "x.npy", 8).endswith(
        "embed them with that model, or give the model that made them"
    )
    claim.check_dimension(tmp_path, NEW, "x.npy", 4)
    claim.check_dimension(tmp_path, path, "x.npy", 8)
    Claim("small/demo", "other").check_dimension(tmp_path, NEW, "x.npy", 8)


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_models_name_is_no_file_of_it(tmp_path: Path, is_folder: bool) -> None:
    if is_folder:
        (tmp_path / "clip").mkdir()
    what = "is a folder" if is_folder else "no such file"
    said = refusal(of_file, tmp_path / "clip")
    assert said.startswith(f"{tmp_path / 'clip'}: {what}; give a cached file of the model, CACHE/")

"""Claims about who made an imported file, as far as it can be known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.imported import Claim
from oodcache.cache.store import store

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

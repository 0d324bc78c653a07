"""Claims about files by name: a path, a dataset or vocabulary of any model, or a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.store import by_name

Write = Callable[..., Path]


@pytest.fixture
def cache(
    tmp_path: Path, write_pets: Write, write_names: Write, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Write images of two models and names of one."""
    monkeypatch.chdir(tmp_path)
    for model in ("small", "large"):
        write_pets(Path("cache") / model / "demo/images/pets.h5", name=model, requested=model)
    write_names(Path("cache/small/demo/texts/animals.h5"))
    return Path("cache")


def test_a_name_is_every_file_that_is_called_so(cache: Path) -> None:
    pets = [cache / model / "demo/images/pets.h5" for model in ("large", "small")]
    animals = cache / "small/demo/texts/animals.h5"
    assert by_name.find(cache, "pets") == pets
    assert by_name.find(cache, "animals") == [animals]
    assert by_name.find(cache, "small") == by_name.find(cache, "small/demo") == [pets[1], animals]


def test_what_ends_like_a_file_or_only_exists_is_a_path(cache: Path) -> None:
    assert by_name.find(cache, "none.h5") == [Path("none.h5")]
    Path("photos").mkdir()
    assert by_name.find(cache, "photos") == [Path("photos")]


def test_a_name_of_the_cache_goes_before_a_folder_that_is_called_so(cache: Path) -> None:
    for name in ("animals", "large"):
        Path(name).mkdir()
        assert by_name.find(cache, name)[0].is_relative_to(cache)


def test_what_has_no_file_is_answered_with_what_is_there(cache: Path) -> None:
    with pytest.raises(InputError, match=r"^cats: no such file, and cache has .*: animals, pets\)"):
        by_name.find(cache, "cats")

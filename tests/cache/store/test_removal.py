"""Claims about removal: it takes what was asked for, and nothing that is not of the format."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.store import removal

Write = Callable[..., Path]
WriteShards = Callable[..., list[Path]]


@pytest.fixture(scope="module")
def two_models(
    tmp_path_factory: pytest.TempPathFactory,
    write_pets: Write,
    write_names: Write,
    write_shards: WriteShards,
) -> Path:
    """Write a cache of one model with images, texts and shards, and of another with images."""
    cache = tmp_path_factory.mktemp("two-models")
    write_pets(cache / "small/demo/images/pets.h5")
    write_names(cache / "small/demo/texts/names.h5")
    write_shards(cache / "small/demo/images/begun.h5")
    write_pets(
        cache / "other/demo2/images/pets.h5", name="other", pretrained="demo2", requested="other"
    )
    return cache


@pytest.fixture
def cache(tmp_path: Path, two_models: Path) -> Path:
    """Copy the cache of two models."""
    return shutil.copytree(two_models, tmp_path / "cache")


def there(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def gone(cache: Path, subject: object) -> set[str]:
    """Remove, and return what went of all that the cache's parent holds."""
    before = there(cache.parent)
    assert removal.remove(removal.find(cache, str(subject))) == []
    return before - there(cache.parent)


IMAGES = "cache/small/demo/images"


def test_a_file_goes_alone(cache: Path) -> None:
    assert gone(cache, cache / "small/demo/images/pets.h5") == {f"{IMAGES}/pets.h5"}


def test_a_damaged_file_of_the_layout_goes(cache: Path) -> None:
    path = cache / "small/demo/images/pets.h5"
    path.write_bytes(b"broken")
    assert gone(cache, path) == {f"{IMAGES}/pets.h5"}


def test_the_last_shard_takes_its_folder_and_the_last_file_the_models(cache: Path) -> None:
    first, second = sorted((cache / "small/demo/images/begun.shards").iterdir())
    assert gone(cache, first) == {f"{IMAGES}/begun.shards/{first.name}"}
    assert gone(cache, second) == {
        f"{IMAGES}/begun.shards",
        f"{IMAGES}/begun.shards/{second.name}",
    }
    assert gone(cache, cache / "other/demo2/images/pets.h5") == {
        f"cache/other{rest}" for rest in ("", "/demo2", "/demo2/images", "/demo2/images/pets.h5")
    }


@pytest.mark.parametrize("named", ["begun.shards", "begun.shards/", "begun.h5"])
def test_a_folder_of_shards_goes_by_its_name_or_its_files(cache: Path, named: str) -> None:
    went = gone(cache, f"{cache}/small/demo/images/{named}")
    assert len(went) == 3
    assert all(one.startswith(f"{IMAGES}/begun.shards") for one in went)


@pytest.mark.parametrize("model", ["small/demo", "demo", "small"])
def test_a_model_goes_whole(cache: Path, model: str) -> None:
    went = gone(cache, model)
    assert {one for one in went if not one.startswith("cache/small")} == set()
    assert not (cache / "small").exists()
    assert (cache / "other/demo2/images/pets.h5").exists()


def test_a_name_that_one_file_has_goes_and_one_of_several_files_does_not(cache: Path) -> None:
    assert gone(cache, "names") == {"cache/small/demo/texts", "cache/small/demo/texts/names.h5"}
    with pytest.raises(InputError, match=r"'pets' is several files: give one of them: .*pets"):
        removal.find(cache, "pets")


def test_two_models_of_one_name_are_listed_and_neither_goes(cache: Path, write_pets: Write) -> None:
    write_pets(cache / "third/demo/images/pets.h5", name="third", requested="x")
    before = there(cache)
    for label in ("small/demo", "third/demo"):
        with pytest.raises(InputError, match="matches several models") as refused:
            removal.find(cache, "demo")
        assert label in str(refused.value)
    assert there(cache) == before


@pytest.mark.parametrize(
    "subject",
    ["..", ".", "/", "", "../outside", "smal", "small/../small", "small/demo/..", "*", "*/*", "?"],
)
def test_only_the_name_of_a_model_means_one(cache: Path, subject: str) -> None:
    with pytest.raises(InputError, match="a folder of shards or a model of"):
        removal.find(cache, subject)


@pytest.mark.parametrize("name", ["notes.txt", "photo.png", "data.h5", "images/data.h5"])
def test_files_of_others_stay(cache: Path, name: str) -> None:
    path = cache.parent / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"precious")
    with pytest.raises(InputError, match=f"{path}: is not"):
        removal.find(cache, str(path))


@pytest.mark.parametrize("name", ["x.h5", "small/x.h5", "small/demo/x.h5", "small/demo/x/y.h5"])
def test_a_damaged_file_in_the_cache_but_not_of_its_layout_stays(cache: Path, name: str) -> None:
    path = cache / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"precious")
    with pytest.raises(InputError, match="is not of this format"):
        removal.find(cache, str(path))


def test_a_path_with_dots_that_leads_out_of_the_cache_is_outside(cache: Path) -> None:
    (cache.parent / "a/b/images").mkdir(parents=True)
    path = cache / "../a/b/images/data.h5"
    path.write_bytes(b"precious")
    with pytest.raises(InputError, match="is not of this format and not in"):
        removal.find(cache, str(path))


def test_a_valid_file_goes_from_anywhere_without_its_folders(
    cache: Path, write_pets: Write
) -> None:
    path = write_pets(cache.parent / "elsewhere/pets.h5")
    assert gone(cache, path) == {"elsewhere/pets.h5"}


def test_a_folder_elsewhere_goes_if_all_in_it_are_shards(
    cache: Path, write_shards: WriteShards
) -> None:
    folder = write_shards(cache.parent / "a.h5")[0].parent
    (folder / "precious.h5").write_bytes(b"precious")
    with pytest.raises(InputError, match="contains other files than shards: not removed"):
        removal.find(cache, str(folder))
    (folder / "precious.h5").unlink()
    assert len(gone(cache, folder)) == 3
    empty = cache.parent / "empty.shards"
    empty.mkdir()
    with pytest.raises(InputError, match="not removed"):
        removal.find(cache, str(empty))


def test_what_else_is_in_a_folder_of_shards_is_left_and_named(cache: Path) -> None:
    folder = cache / "small/demo/images/begun.shards"
    (folder / "notes.txt").write_text("precious")
    assert removal.remove(removal.find(cache, str(folder))) == [folder / "notes.txt"]
    assert there(folder) == {"notes.txt"}


def test_of_a_link_to_a_file_the_link_goes(cache: Path, write_pets: Write) -> None:
    real = write_pets(cache.parent / "real.h5")
    link = cache / "small/demo/images/link.h5"
    link.symlink_to(real)
    assert gone(cache, link) == {f"{IMAGES}/link.h5"}
    outside = cache.parent / "link.h5"
    outside.symlink_to(real)
    with pytest.raises(InputError, match="is not a file: not removed"):
        removal.find(cache, str(outside))


def test_nothing_goes_that_lies_behind_a_linked_folder(
    cache: Path, write_pets: Write, write_shards: WriteShards
) -> None:
    elsewhere = cache.parent / "elsewhere"
    write_pets(elsewhere / "images/pets.h5")
    (cache / "third").mkdir()
    (cache / "third/demo3").symlink_to(elsewhere)
    with pytest.raises(InputError, match="is behind a link, not in"):
        removal.find(cache, "third/demo3")
    shards = write_shards(cache.parent / "far.h5")[0].parent
    link = cache / "other/demo2/images/far.shards"
    link.symlink_to(shards)
    for subject in (str(link), "other/demo2"):
        with pytest.raises(InputError, match="behind a link|or is a link to one: not removed"):
            removal.find(cache, subject)


def test_a_folder_called_like_a_file_stays(cache: Path) -> None:
    path = cache / "small/demo/images/folder.h5"
    path.mkdir()
    for subject in (str(path), "small/demo"):
        with pytest.raises(InputError, match="not removed"):
            removal.find(cache, subject)


def test_what_a_killed_writer_left_goes_with_its_file_alone(cache: Path) -> None:
    images = cache / "small/demo/images"
    for name in (".pets.h5.0badcafe.part", ".begun.h5.0badcafe.part"):
        (images / name).touch()
    assert gone(cache, images / "pets.h5") == {
        f"{IMAGES}/pets.h5",
        f"{IMAGES}/.pets.h5.0badcafe.part",
    }


def test_the_size_is_that_of_the_files(cache: Path) -> None:
    found = removal.find(cache, "small/demo")
    files = [path for path in (cache / "small").rglob("*") if path.is_file()]
    assert sorted(found.files) == sorted(files)
    assert found.size == sum(path.stat().st_size for path in files)

from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.names import (
    KNOWN,
    SHORT_NAMES,
    check_name,
    image_path,
    named_path,
    place,
    sizes,
    text_path,
    typed_cache,
)


@pytest.mark.parametrize("name", ["a", "7", "SUN", "imagenet-val", "v1.0_b", "a" * 128, *KNOWN])
def test_a_plain_name_comes_back_as_it_is(name: str) -> None:
    assert check_name(name, "dataset") == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "-x", "_x", "a/b", "a b", "a\n", "ä", "a\0", "a\x1b[31m", "a" * 129],
)
def test_a_name_that_no_file_should_have_is_refused(name: str) -> None:
    with pytest.raises(InputError) as refused:
        check_name(name, "dataset")
    assert str(refused.value) == (
        f"dataset {name!r} is not a valid file name: use letters, digits, '.', '_' and '-', "
        "starting with a letter or digit"
    )
    assert str(refused.value).isprintable()


def test_the_mean_of_the_results_is_no_name() -> None:
    with pytest.raises(
        InputError, match="vocabulary 'average' is reserved for averages in results"
    ):
        check_name("average", "vocabulary")


def test_a_file_lies_under_its_models_folder() -> None:
    assert image_path(Path("c"), "m/p", "SUN") == Path("c/m/p/images/SUN.h5")
    assert text_path(Path("c"), "m/p", "pets") == Path("c/m/p/texts/pets.h5")


def test_a_dot_in_a_name_is_kept() -> None:
    assert image_path(Path("c"), "m/p", "v1.0").name == "v1.0.h5"


def test_a_short_name_means_a_model_and_its_weights() -> None:
    assert all(meant.count("/") == 1 for meant in SHORT_NAMES.values())


def test_a_file_that_names_itself_lies_where_extract_would_put_it() -> None:
    assert place(Path("c"), "images", "m/p", "SUN") == image_path(Path("c"), "m/p", "SUN")
    assert place(Path("c"), "texts", "m/p", "pets") == text_path(Path("c"), "m/p", "pets")


@pytest.mark.parametrize(
    "label", ["..", "../x", "m/..", "/etc", "m", "m/p/q", "m/", ".m/p", "m\0/p"]
)
def test_a_file_cannot_name_a_folder_outside_the_cache(label: str) -> None:
    with pytest.raises(InputError, match="is not a folder of a cache"):
        place(Path("c"), "images", label, "SUN")


def test_a_file_cannot_name_itself_out_of_its_folder() -> None:
    with pytest.raises(InputError, match="is not a valid file name"):
        place(Path("c"), "images", "m/p", "../x")


def test_a_named_path_has_a_name_and_a_path() -> None:
    assert named_path("pets=a=b/c", "dataset") == ("pets", "a=b/c")


@pytest.mark.parametrize(
    ("typed", "words"),
    [("pets=", "pets=: names no path"), ("=x", "dataset '' is not a valid file name")],
)
def test_a_missing_path_is_not_the_current_folder(typed: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        named_path(typed, "dataset")


def test_sizes_in_names_of_models_tell_architectures_apart() -> None:
    for one, other in (
        ("ViT-B-32", "ViT-L-32"),
        ("ViT-B-16-SigLIP", "ViT-B-16-SigLIP2"),
        ("convnext_base", "convnext_large"),
        ("ViT-g-14", "ViT-H-14"),
        ("ViT-B-16", "ViT-B-16-plus"),
        ("clip", "openai/clip-vit-base-patch32"),
    ):
        assert sizes(one) != sizes(other)
    for one, other in (("VIT-B-23", "ViT-B-32"), ("siglop", "siglip"), ("tiny-klip", "tiny-clip")):
        assert sizes(one) == sizes(other)


def test_a_cache_is_typed_unless_it_is_the_default_one() -> None:
    assert typed_cache(Path("embeddings")) == []
    assert typed_cache(Path("my cache")) == ["--cache", "my cache"]

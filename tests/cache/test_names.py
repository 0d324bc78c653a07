from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.names import KNOWN, SHORT_NAMES, check_name, image_path, text_path


@pytest.mark.parametrize("name", ["a", "7", "SUN", "imagenet-val", "v1.0_b", "a" * 128, *KNOWN])
def test_a_plain_name_comes_back_as_it_is(name: str) -> None:
    assert check_name(name, "data set") == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "-x", "_x", "a/b", "a b", "a\n", "ä", "a\0", "a\x1b[31m", "a" * 129],
)
def test_a_name_that_no_file_should_have_is_refused(name: str) -> None:
    with pytest.raises(InputError) as refused:
        check_name(name, "data set")
    assert str(refused.value) == (
        f"data set {name!r} cannot name a file: use letters, digits, '.', '_' and '-', "
        "a letter or digit first"
    )
    assert str(refused.value).isprintable()


def test_the_mean_of_the_results_is_no_name() -> None:
    with pytest.raises(InputError, match="vocabulary 'average' is what results call their mean"):
        check_name("average", "vocabulary")


def test_a_file_lies_under_its_models_folder() -> None:
    assert image_path(Path("c"), "m/p", "SUN") == Path("c/m/p/images/SUN.h5")
    assert text_path(Path("c"), "m/p", "pets") == Path("c/m/p/texts/pets.h5")


def test_a_dot_in_a_name_is_kept() -> None:
    assert image_path(Path("c"), "m/p", "v1.0").name == "v1.0.h5"


def test_a_short_name_means_a_model_and_its_weights() -> None:
    assert all(meant.count("/") == 1 for meant in SHORT_NAMES.values())

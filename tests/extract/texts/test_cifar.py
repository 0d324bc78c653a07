"""Claims about CIFAR's classes."""

from __future__ import annotations

from oodcache.extract.texts import cifar, vocabularies

# The characters of OpenOOD's list of 9,000 test images: 90 lines a class, such as
# "cifar100/test/worm/0038.png 99" and an end of two characters.
LIST = 307_350


def test_the_names_of_cifar_100_are_as_long_as_openoods_list_says() -> None:
    lines = [f"cifar100/test/{name}/0038.png {n}\r\n" for n, name in enumerate(cifar.HUNDRED)]
    assert 90 * sum(map(len, lines)) == LIST


def test_classes_are_in_the_order_of_their_numbers_which_is_alphabetical() -> None:
    assert [*cifar.TEN] == sorted({*cifar.TEN}) and len(cifar.TEN) == 10
    assert [*cifar.HUNDRED] == sorted({*cifar.HUNDRED}) and len(cifar.HUNDRED) == 100


def test_prompts_have_spaces_where_folders_have_underscores() -> None:
    name, vocabulary = vocabularies.find("cifar100", [])
    assert name == "cifar100"
    assert (vocabulary.ids[1], vocabulary.names[1]) == ("aquarium_fish", "aquarium fish")

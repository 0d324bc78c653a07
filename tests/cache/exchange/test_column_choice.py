"""Claims about the choice of columns: which is taken, and when none is."""

from __future__ import annotations

import pytest

from oodcache.cache.exchange.column_choice import image_choice, label_choice


@pytest.mark.parametrize(
    ("images", "choice"),
    [
        (["photo"], ["photo"]),
        (["mask", "image"], ["image"]),
        (["a", "b"], ["a", "b"]),
        ([], []),
    ],
)
def test_image_is_the_image_among_several(images: list[str], choice: list[str]) -> None:
    assert image_choice(images) == choice


@pytest.mark.parametrize(
    ("names", "classed", "choice"),
    [
        (["label", "species"], ["species"], ["species"]),
        (["label", "class"], ["class"], ["class"]),
        (["label", "fine", "coarse"], ["fine", "coarse"], ["fine", "coarse"]),
        (["fine", "labels"], ["fine", "labels"], ["labels"]),
        (["class", "labels"], [], ["labels"]),
        (["class", "id"], [], ["class"]),
        (["id"], [], []),
    ],
)
def test_class_names_make_a_label_and_then_its_name_does(
    names: list[str], classed: list[str], choice: list[str]
) -> None:
    assert label_choice(names, classed) == choice

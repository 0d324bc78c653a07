"""Claims about the scores without `--score`."""

from __future__ import annotations

import numpy as np
import pytest

from oodcache.score.onepass.default_scores import DEFAULT, default, fitting
from oodcache.score.onepass.variants import parse_all


@pytest.mark.parametrize(
    ("bank", "of_bank"),
    [
        (None, ()),
        ("train", ("knn", "mahalanobis", "vim")),
        ("train:4", ("probe", "probe-zero-shot", "tip")),
        ("train:1|2", ("probe", "probe-zero-shot", "tip")),
    ],
)
def test_a_bank_of_few_images_per_class_has_the_scores_that_learn_from_few(
    bank: str | None, of_bank: tuple[str, ...]
) -> None:
    assert default(None, bank) == (*DEFAULT, *of_bank)
    assert default("words", bank) == (*DEFAULT, "neglabel", "neglabel-sigmoid", *of_bank)


def test_a_small_whole_bank_has_as_many_neighbours_as_its_smallest_class_has_images() -> None:
    notes: list[str] = []
    variants = parse_all(default(None, "train"))
    labels = np.array([0] * 20 + [1] * 7)
    found = [one.label for one in fitting(variants, "train", labels, notes.append)]
    assert found == [*DEFAULT, "knn:k=7", "mahalanobis", "vim"]
    assert notes == [
        "bank train has 27 images, fewer than 50: knn:k=7, the size of its smallest class"
    ]


def test_a_bank_with_images_enough_keeps_the_default() -> None:
    variants = tuple(parse_all(["knn"]))
    notes: list[str] = []
    assert fitting(variants, "train", np.arange(50), notes.append) == variants
    assert notes == []

"""Claims about ID accuracy, with numbers worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.score.negatives import unit
from scipy import stats

from oodcache.score.inputs.accuracy import id_accuracy, interval
from oodcache.score.inputs.question import Question
from oodcache.score.inputs.selection import Selection, select

Write = Callable[..., Any]


@pytest.fixture
def selected(tmp_path: Path, write_images: Write, write_texts: Write) -> Callable[..., Selection]:
    """Select five images of given labels against the classes cat, dog and fox."""

    def run(labels: list[int], names: tuple[str, ...], **more: Any) -> Selection:
        write_texts("animals", unit(3, 1, 8), class_names=("cat", "dog", "fox"))
        write_images("inside", unit(5, 2, 8), labels=labels, label_names=names, **more)
        write_images("outside", unit(2, 3, 8))
        return select(Question(tmp_path, ["tiny"], "inside", ["outside"]), "tiny")

    return run


def test_it_is_the_share_of_images_nearest_to_their_own_class(
    selected: Callable[..., Selection],
) -> None:
    notes: list[str] = []
    # Labels fox, cat, fox, cat, fox: of 2, 0, 1, 1, 2 three are right.
    selection = selected([0, 1, 0, 1, 0], ("fox", "cat"))
    assert id_accuracy(selection, np.array([2, 0, 1, 1, 2]), notes.append) == 3 / 5
    assert notes == []


def test_images_of_no_class_do_not_count_and_are_said(
    selected: Callable[..., Selection],
) -> None:
    notes: list[str] = []
    # An owl, a cat, an owl, an image without a label, a cat: of the two cats one is right.
    selection = selected([0, 1, 0, -1, 1], ("owl", "cat"))
    assert id_accuracy(selection, np.array([0, 0, 0, 0, 1]), notes.append) == 1 / 2
    assert notes == [
        "inside: 3 of 5 images have no label among the classes of animals (labels owl); "
        "they count as ID, but not in the accuracy"
    ]


def test_without_any_label_there_is_none(selected: Callable[..., Selection]) -> None:
    notes: list[str] = []
    selection = selected([-1] * 5, ())
    assert id_accuracy(selection, np.zeros(5, int), notes.append) is None
    assert notes == [
        "inside: 5 of 5 images have no label among the classes of animals; "
        "they count as ID, but not in the accuracy"
    ]


@pytest.mark.parametrize(
    ("names", "is_said"), [(("1", "2", "3"), True), (("0", "1", "3"), False), (("1", "9"), False)]
)
def test_class_numbers_from_1_are_said_where_one_has_no_class(
    selected: Callable[..., Selection], names: tuple[str, ...], is_said: bool
) -> None:
    notes: list[str] = []
    source = {"name": "inside", "fingerprint": "f", "labels": "numbers"}
    selection = selected([0, 1, 0, 1, len(names) - 1], names, source=source)
    id_accuracy(selection, np.zeros(5, int), notes.append)
    words = "; class numbers run from 1 to 3: they start at 0 here; subtract 1"
    assert [one.endswith(words) for one in notes] == [is_said]


@pytest.mark.parametrize(("right", "images"), [(0, 10), (7, 10), (10, 10), (33_525, 50_000)])
def test_the_interval_of_an_accuracy_solves_wilsons_equation(right: int, images: int) -> None:
    low, high = interval(right / images, images) or (0.0, 0.0)
    share, quantile = right / images, stats.norm.ppf(0.975)
    for bound in (low, high):
        if 0 < bound < 1:
            error = np.sqrt(bound * (1 - bound) / images)
            assert abs(share - bound) == pytest.approx(quantile * error, rel=1e-9)
    assert 0 <= low <= share <= high <= 1


def test_an_accuracy_that_is_not_known_has_no_interval() -> None:
    assert interval(None, 10) is None

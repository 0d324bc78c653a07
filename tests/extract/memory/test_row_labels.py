"""Claims about labels and paths of rows in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from oodcache.cache.errors import InputError
from oodcache.extract.memory.row_labels import RowNotes, as_labels, as_names, below_root


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_numbers_index_the_names(kind: Any) -> None:
    found = as_labels(kind([1, 0, -1, 1]), ["cat", "dog"], "labels")
    assert (found.labels.tolist(), found.names, found.numbered) == (
        [1, 0, -1, 1],
        ("cat", "dog"),
        False,
    )


def test_names_without_a_list_of_names_are_sorted() -> None:
    found = as_labels(["dog", None, "cat"], None, "labels")
    assert (found.labels.tolist(), found.names) == ([1, -1, 0], ("cat", "dog"))


def test_names_have_the_order_of_the_list() -> None:
    assert as_labels(["b", "a"], ["b", "a"], "labels").labels.tolist() == [0, 1]


def test_numbers_without_names_are_class_numbers() -> None:
    found = as_labels([10, 9], None, "labels")
    assert (found.labels.tolist(), found.names, found.numbered) == ([1, 0], ("9", "10"), True)


def test_no_label_at_all_needs_no_names() -> None:
    found = as_labels([None, -1], ["cat"], "labels")
    assert (found.labels.tolist(), found.names) == ([-1, -1], ())


@pytest.mark.parametrize(
    ("labels", "names", "said"),
    [
        ([0, 2], ["a", "b"], "labels[1] is 2, but label_names has 2 names"),
        ([0, -2], ["a", "b"], "labels[1] is -2"),
        (["a", "c"], ["a", "b"], "labels[1] is 'c', which is none of label_names"),
        ([0, 1.5], None, "labels[1] is 1.5: expected a class number, a name, or None"),
        ([True], None, "labels[0] is True"),
        ([[0, 1]], None, "labels[0] is a list"),
        ([0], ["a", "a"], "label_names[1] repeats 'a'"),
        ([0], ["a", " "], "label_names[1] is ' ': expected a name"),
        ([0], "ab", "label_names is 'ab': expected a list of names"),
    ],
)
def test_what_is_no_label_is_refused_with_its_row(labels: Any, names: Any, said: str) -> None:
    with pytest.raises(InputError) as refused:
        as_labels(labels, names, "labels")
    assert said in str(refused.value)


def test_names_are_texts() -> None:
    bad: Any = [3]
    with pytest.raises(InputError, match="label_names.0. is '3': expected a name"):
        as_names(bad)


def test_relative_paths_stay_and_absolute_ones_lose_their_common_folder() -> None:
    assert below_root(["a/b.png", Path("c.png")]) == [b"a/b.png", b"c.png"]
    assert below_root(["/x/y/a/b.png", "/x/y/c/../d.png"]) == [b"a/b.png", b"d.png"]
    assert below_root(["/x/y.png"]) == [b"y.png"]
    assert below_root(["/a/x.png", "/b/x.png"]) == [b"a/x.png", b"b/x.png"]


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["a", "a"], "paths[1] repeats paths[0], 'a'"),
        (["a", "../b"], "paths[1] is '../b': expected a path below one root"),
        (["a", "/b"], "paths[1] is '/b': expected a path below one root"),
        (["a", 3], "paths[1] is int: expected a path"),
    ],
)
def test_other_paths_are_refused_with_their_row(paths: Any, said: str) -> None:
    with pytest.raises(InputError) as refused:
        below_root(paths)
    assert said in str(refused.value)


def test_each_image_has_one_label_and_one_path() -> None:
    RowNotes([0, 1], None, ["a", "b"]).check(2)
    with pytest.raises(InputError, match="labels has 2 entries for 3 images"):
        RowNotes([0, 1]).check(3)
    several: Any = (number for number in range(3))
    with pytest.raises(InputError, match="labels is generator: expected a list"):
        RowNotes(several).check(3)
    with pytest.raises(InputError, match="paths has 1 entries for 3 images"):
        RowNotes(paths=["a"]).check(3)


def test_a_column_of_pandas_has_nan_for_no_label() -> None:
    found = as_labels(pd.Series(["dog", None, "cat"]), None, "labels")  # type: ignore[arg-type]
    assert (found.labels.tolist(), found.names) == ([1, -1, 0], ("cat", "dog"))

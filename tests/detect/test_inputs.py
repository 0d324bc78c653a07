"""Claims about inputs of a detector: kinds are told apart, and read no further than asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from samples.detect.detectors import made
from torchvision.datasets import FakeData

from oodcache.cache.errors import InputError
from oodcache.detect.inputs import Input, inputs, together, windows

PIXELS = np.zeros((4, 5, 3), np.uint8)
AXES = np.eye(8)


class Rows(list[dict[str, Any]]):
    """What the code asks of a Hugging Face dataset."""

    cast_column = None

    @property
    def features(self) -> dict[str, Any]:
        return {"image": SimpleNamespace(dtype="PIL.Image.Image"), "label": None}


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        ("a.png", ["path"]),
        (Path("a.png"), ["path"]),
        (PIXELS, ["picture"]),
        (PIXELS[..., 0], ["picture"]),
        (np.stack([PIXELS] * 3), ["picture"] * 3),
        (np.stack([PIXELS[..., 0]] * 5), ["picture"] * 5),
        (torch.zeros(5, 8, 8, dtype=torch.uint8), ["picture"] * 5),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), ["picture"]),
        (Image.new("L", (2, 2)), ["picture"]),
        (AXES, ["vectors"]),
        (AXES[0].tolist(), ["vectors"]),
        ([AXES[0], "a.png", PIXELS, AXES], ["vectors", "path", "picture", "vectors"]),
        (np.zeros((0, 8)), ["vectors"]),
        ([(PIXELS, 1), (Image.new("L", (2, 2)), "cat")], ["picture"] * 2),
        ([(AXES[0], 2)], ["vectors"]),
        ([(torch.zeros(3, 8, 8, dtype=torch.uint8), torch.tensor(1))], ["picture"]),
        (FakeData(3, (3, 5, 7), 2), ["picture"] * 3),
        ([], []),
    ],
)
def test_kinds_are_told_apart(given: Any, kinds: list[str]) -> None:
    assert [one.kind for one in inputs(given, made().detector)] == kinds


@pytest.mark.parametrize(
    "given",
    [
        np.array(["a é.png", "b.png"]),
        np.array([Path("a é.png"), "b.png"], dtype=object),
        pd.Series(["a é.png", "b.png"], index=[7, 9]),
        pd.Index(["a é.png", "b.png"]),
        [os.fsencode("a é.png"), np.str_("b.png")],
    ],
)
def test_paths_may_be_an_array_a_column_or_bytes(given: Any) -> None:
    found = [*inputs(given, made().detector)]
    assert [(one.kind, one.value) for one in found] == [("path", "a é.png"), ("path", "b.png")]


def test_the_bytes_of_a_file_are_no_path() -> None:
    with pytest.raises(InputError, match="is not an image: give paths"):
        [*inputs(b"\xff\xd8\xff\xe0\x00\x10JFIF", made().detector)]


def test_a_dataset_of_hugging_face_is_its_images() -> None:
    rows = Rows([{"image": {"bytes": b"x", "path": None}, "label": 1}])
    assert [one.value() for one in inputs(rows, made().detector)] == [b"x"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"image": PIXELS, "label": 3}, "dict of 'image', 'label' is not an image: give that"),
        ({"image": PIXELS}, "such as x['image']"),
        ({"train": Rows([]), "test": Rows([])}, "images has the splits 'train', 'test': give imag"),
        ([{"pixels": PIXELS}], "item 0: dict of 'pixels' is not an image: give that"),
        ([(PIXELS, PIXELS)], "item 0: tuple is not an image"),
    ],
)
def test_a_row_or_a_split_is_asked_for(given: Any, said: str) -> None:
    with pytest.raises(InputError) as refused:
        list(inputs(given, made().detector))
    assert said in str(refused.value)


def test_three_grey_images_that_may_be_one_in_colour_are_noted() -> None:
    notes: list[str] = []
    greys = np.arange(3 * 8 * 8, dtype=np.uint8).reshape(3, 8, 8)
    found = [one.value.tolist() for one in inputs(greys, made().detector, notes.append)]
    assert found == greys.tolist()
    (note,) = notes
    assert note.startswith("the array: uint8 (3, 8, 8) is 3 grey images; if it is one image with")
    [*inputs(list(greys), made().detector, notes.append)]
    assert len(notes) == 1


def test_vectors_of_16_bits_are_of_unit_length_again() -> None:
    rows = made().images
    for half in (rows.astype(np.float16), torch.tensor(rows).bfloat16()):
        (found,) = inputs(half, made().detector)
        norm = np.linalg.norm(found.value.astype(np.float64), axis=1)
        np.testing.assert_allclose(norm, 1, atol=1e-6)
        np.testing.assert_allclose(found.value, rows, atol=4e-3)


def test_vectors_of_32_bits_stay_as_they_are() -> None:
    rows = made().images
    (found,) = inputs(rows, made().detector)
    assert np.shares_memory(found.value, rows)


def test_consecutive_inputs_of_one_kind_come_together() -> None:
    several = [*inputs([AXES[0], AXES[1], "a", "b", AXES[2]], made().detector)]
    (first, vectors), (second, paths), (_, last) = together(several)
    assert (first, vectors.tolist()) == ("vectors", AXES[:2].tolist())
    assert (second, paths, last.shape) == ("path", ["a", "b"], (1, 8))


def test_a_window_is_full_by_its_images_and_what_was_read_is_kept_before_an_error() -> None:
    def stream() -> Iterator[Input]:
        yield Input("vectors", AXES[:3])
        yield Input("path", "a")
        yield Input("path", "b")
        raise OSError

    found = windows(stream(), 2)
    assert [one.kind for one in next(found)] == ["vectors"]
    assert [one.value for one in next(found)] == ["a", "b"]
    with pytest.raises(OSError):
        next(found)
    assert [len(one) for one in windows(iter([Input("path", "a")] * 5), 2)] == [2, 2, 1]

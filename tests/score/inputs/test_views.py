"""Claims about views: which rows are scored, what is read, and equal vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.subsets import Subset
from oodcache.score.formulas.tile import digests
from oodcache.score.inputs.views import View, repeated, shared, tell_shared

WriteImages = Callable[..., ImageFile]
NAMES = ("n1", "n2", "n3")


def cloud(rows: int, seed: int = 0, dimension: int = 8) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def view(file: ImageFile, *ids: str) -> View:
    return View("some", file, Subset("ids", ids, ("",) * len(ids)) if ids else None)


@pytest.mark.parametrize("rows", [5, 2048, 5000])
@pytest.mark.parametrize("ids", [(), ("n1",), ("n3", "n1"), NAMES])
def test_a_view_yields_the_decoded_images_of_its_classes_in_order(
    write_images: WriteImages, rows: int, ids: tuple[str, ...]
) -> None:
    vectors, labels = cloud(rows), np.arange(rows) % 4 - 1
    failed = list(range(0, rows, 7))
    file = write_images("set", vectors, labels=labels, label_names=NAMES, failed=failed)
    found = view(file, *ids)
    chosen = [NAMES.index(one) for one in ids] if ids else [-1, 0, 1, 2]
    expected = np.setdiff1d(np.flatnonzero(np.isin(labels, chosen)), failed)
    assert np.array_equal(np.concatenate([*found.blocks()]), vectors[expected])
    assert np.array_equal(found.labels, labels[expected])
    assert found.paths() == [b"%d.png" % row for row in expected]
    assert found.failed == np.count_nonzero(np.isin(labels[failed], chosen))


def test_blocks_without_an_image_of_the_view_are_not_read(write_images: WriteImages) -> None:
    labels = np.repeat([0, 1, 2], 2048)
    file = write_images("set", cloud(3 * 2048), labels=labels, label_names=NAMES)
    firsts = [first for first, _ in file.blocks_with(view(file, "n3").rows)]
    assert firsts == [2 * 2048]


def test_a_label_that_the_file_lacks_is_told(write_images: WriteImages) -> None:
    file = write_images("set", cloud(3), labels=[0, 1, 2], label_names=NAMES)
    with pytest.raises(InputError) as error:
        view(file, "n1", "n7", "n8").rows.tolist()
    assert str(error.value) == (f"{file.path}: has no label 'n7' of ids (2 of 3 are missing)")


@given(st.integers(1, 9), st.integers(0, 50), st.integers(0, 50), st.data())
def test_shared_counts_the_ood_rows_whose_vector_is_an_id_row(
    dimension: int, inside: int, outside: int, data: st.DataObject
) -> None:
    pool = np.random.default_rng(inside).normal(size=(6, dimension)).astype(np.float32)
    picks = st.integers(0, 5)
    rows_in = data.draw(st.lists(picks, min_size=inside, max_size=inside))
    rows_out = data.draw(st.lists(picks, min_size=outside, max_size=outside))
    expected = sum(row in rows_in for row in rows_out)
    assert shared(digests(pool[rows_in]), digests(pool[rows_out])) == expected


@given(st.lists(st.integers(0, 20)))
def test_repeated_counts_the_images_that_an_earlier_one_equals(rows: list[int]) -> None:
    assert repeated(digests(cloud(21)[rows])) == sum(
        row in rows[:place] for place, row in enumerate(rows)
    )


def test_shared_images_are_said_of_the_sets_that_have_any() -> None:
    vectors, notes = cloud(9), []
    sets = {"a": digests(vectors[:3]), "b": digests(vectors[3:]), "c": digests(vectors[1:])}
    found = tell_shared(sets, digests(vectors[:2]), "the bank x", notes.append)
    assert found == {"a": 2, "b": 0, "c": 1}
    assert notes == [
        "a: 2 images have the same vector as an image of the bank x",
        "c: 1 images have the same vector as an image of the bank x",
    ]


def test_vectors_that_differ_in_one_bit_have_other_digests() -> None:
    vectors = cloud(2000, dimension=512)
    nudged = vectors.copy()
    nudged[np.arange(2000), np.arange(2000) % 512] = np.nextafter(
        nudged[np.arange(2000), np.arange(2000) % 512], np.float32(2)
    )
    assert shared(digests(vectors), digests(nudged)) == 0
    assert len(np.unique(np.concatenate([digests(vectors), digests(nudged)]))) == 4000

"""Claims about the batches that users' scores see."""

from __future__ import annotations

import numpy as np
import pytest
from samples.score.own import IMAGES, ONE

from oodcache.cache.errors import InputError
from oodcache.score.formulas.tile import Tile
from oodcache.score.own.batch import Batch, BatchContext

COLUMNS = np.ascontiguousarray(ONE.vectors.T)


def batch(count: int = 5) -> tuple[Tile, Batch]:
    tile = Tile(IMAGES[:8], ONE.vectors, COLUMNS, real=count)
    return tile, Batch("mine", tile, BatchContext(ONE.vectors, 40.0, None))


def test_arrays_end_before_the_padding_and_are_read_only() -> None:
    _, found = batch()
    shapes = (found.images.shape, found.cosines.shape, found.nearest.shape, len(found))
    assert shapes == ((5, 24), (5, 37), (5,), 5)
    with pytest.raises(ValueError, match="read-only"):
        found.cosines[0, 0] = 1
    with pytest.raises(AttributeError):
        found.logit_scale = 1.0  # type: ignore[misc]


def test_cosines_are_made_only_when_they_are_read() -> None:
    tile, found = batch()
    assert found.images is not None
    assert "cosines" not in vars(tile)
    assert found.nearest.tolist() == (IMAGES[:5] @ COLUMNS).argmax(axis=1).tolist()
    assert tile.rows is not None
    np.testing.assert_array_equal(found.cosines, (IMAGES[:8] @ COLUMNS)[:5])


def test_a_part_has_contiguous_copies_of_the_same_rows() -> None:
    _, found = batch()
    part = found.part(slice(None, None, -1))
    for name in ("cosines", "images", "nearest"):
        np.testing.assert_array_equal(getattr(part, name), getattr(found, name)[::-1])
        assert getattr(part, name).flags.c_contiguous
        assert not np.shares_memory(getattr(part, name), getattr(found, name))


def test_what_is_written_to_a_batch_reaches_neither_the_tile_nor_a_part() -> None:
    tile, found = batch()
    before = tile.cosines.copy()
    for values in (found.images, found.cosines):
        values.flags.writeable = True
        values[:] = 7
    assert not (tile.vectors == 7).any()
    np.testing.assert_array_equal(tile.cosines, before)
    np.testing.assert_array_equal(found.part(slice(3)).cosines, before[:3])


@pytest.mark.parametrize("name", ["images", "cosines", "nearest"])
def test_what_is_fitted_is_told_that_it_has_no_images(name: str) -> None:
    _, found = batch()
    with pytest.raises(InputError) as raised:
        found.fitted(lambda one: getattr(one, name))
    assert str(raised.value) == (
        f"mine reads batch.{name} in a function of batch.fitted: a fitted batch has no images; "
        "read batch.bank, batch.classes or batch.negatives there"
    )

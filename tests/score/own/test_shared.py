"""Claims about the arrays that all own scores of a run share."""

from __future__ import annotations

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.score.own.shared import SharedArrays


def test_a_copy_is_made_once_and_is_read_only() -> None:
    shared, given = SharedArrays(), np.arange(6.0).reshape(2, 3).T
    found = shared.copy("classes", given)
    assert found is shared.copy("classes", given)
    assert found.flags.c_contiguous and not found.flags.writeable
    assert not np.shares_memory(found, given)
    np.testing.assert_array_equal(found, given)


def test_a_changed_array_is_named_and_an_unchanged_one_passes() -> None:
    shared, given = SharedArrays(), np.zeros(3)
    shared.copy("classes", np.ones(3))
    shared.held("images", given)
    shared.check("mine")
    shared.held("images", given)
    given[1] = 1
    with pytest.raises(InputError, match="^mine changed batch.images, which other scores read"):
        shared.check("mine")
    shared.check("mine")

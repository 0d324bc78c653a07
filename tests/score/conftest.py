"""Fixtures of a small cache to score, and of the kernels."""

import pytest
from samples.score.files import lists, mined, score, write_images, write_texts
from samples.score.kernels import KERNELS
from samples.score.streams import tally

from oodcache.score.kernel.definition import Definition

__all__ = ["lists", "mined", "score", "tally", "write_images", "write_texts"]


@pytest.fixture(scope="session", params=KERNELS, ids=lambda one: type(one).__name__)
def kernel(request: pytest.FixtureRequest) -> Definition:
    found: Definition = request.param
    return found

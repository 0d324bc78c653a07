"""Warnings that the scores silence, silent here too."""

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def only_what_the_scores_silence_is_silent() -> Iterator[None]:
    with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="raise"):
        yield

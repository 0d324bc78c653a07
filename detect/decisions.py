"""Decisions of a detector, made from vectors, and the sink that their text goes to."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from oodcache.cache.format.sibling import flushed, unfinished, writing
from oodcache.detect.detector import SavedDetector


@dataclass(frozen=True)
class Decision:
    """A detector's decision on one image; only `error` and `path` are set if it has none.

    `score` is in the published form, `p_value` is the conformal one, `probability` the model's own
    for `nearest`, the nearest class. `path` is None for images without one.
    """

    path: str | None
    is_in: bool | None = None
    score: float | None = None
    p_value: float | None = None
    nearest: str | None = None
    probability: float | None = None
    error: str | None = None

    @property
    def word(self) -> str:
        """Return "in", "out" or "error"."""
        return "error" if self.is_in is None else "in" if self.is_in else "out"


def decide(
    detector: SavedDetector,
    vectors: npt.NDArray[np.float32],
    errors: Mapping[int, str],
    paths: Sequence[bytes | None],
) -> list[Decision]:
    """Return the decision of each image, in order; rows in `errors` have no vector.

    `vectors` are float32 (n, D), unit rows.
    """
    names = [None if path is None else os.fsdecode(path) for path in paths]
    rows = [row for row in range(len(paths)) if row not in errors]
    decisions = [Decision(name, error=errors.get(row)) for row, name in enumerate(names)]
    if not rows:
        return decisions
    found = detector.judge(vectors[rows])
    for at, row in enumerate(rows):
        decisions[row] = Decision(
            names[row],
            bool(found.is_in[at]),
            float(found.scores[at]),
            float(found.p_values[at]),
            detector.scorer.texts.names[found.nearest[at]],
            float(found.probability[at]),
        )
    return decisions


@contextmanager
def sink(output: Path | None) -> Iterator[Callable[[str], None]]:
    """Yield a function that writes and flushes a text: to stdout, or atomically to a file."""
    if output is None:
        # Bytes: paths may not be UTF-8, and a progress bar would capture printed text.
        stream = sys.stdout.buffer

        def show(text: str) -> None:
            stream.write(_encoded(text))
            stream.flush()

        yield show
        return
    with unfinished(output) as part, flushed(part.open("wb")) as file:

        def write(text: str) -> None:
            with writing(output):
                file.write(_encoded(text))
                file.flush()

        yield write


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")

"""What a detector says of an image, and how that is written. Knows no click."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from oodcache.cache.format.sibling import unfinished, writing
from oodcache.cache.text import printable
from oodcache.detect.detector import SavedDetector

COLUMNS = ("path", "decision", "score", "p_value", "nearest", "probability", "error")


@dataclass(frozen=True)
class Decision:
    """What a detector says of one image; None, but for `error`, of one that cannot be judged.

    `score` is in the paper's form. `p_value` is the conformal one, `probability` the model's own of
    `nearest`, the nearest class. `path` is None for what has none.
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
    """Return the decision of each image, in order; `errors` says of which rows there is no vector.

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


def as_text(decisions: Sequence[Decision]) -> str:
    """Return a line each, its cells between tabs, the path last; what is no text is escaped."""
    return "".join("\t".join(map(printable, _cells(one))) + "\n" for one in decisions)


def as_csv(decisions: Sequence[Decision]) -> str:
    """Return a row each, of COLUMNS; every digit, and quotes where a path wants them."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerows([_csv(value) for value in _values(one).values()] for one in decisions)
    return text.getvalue()


def as_jsonl(decisions: Sequence[Decision]) -> str:
    """Return an object each, of COLUMNS; bytes that are not UTF-8 are lone surrogates."""
    return "".join(
        json.dumps({name: _finite(value) for name, value in _values(one).items()}) + "\n"
        for one in decisions
    )


FORMATS: Mapping[str, Callable[[Sequence[Decision]], str]] = {
    "text": as_text,
    "csv": as_csv,
    "jsonl": as_jsonl,
}
HEADS = {"text": "", "csv": ",".join(COLUMNS) + "\n", "jsonl": ""}


def _cells(one: Decision) -> list[str]:
    if one.score is None:
        return ["error", "-", "-", one.error or "", "-", one.path or ""]
    numbers = [f"{value:.6g}" for value in (one.score, one.p_value, one.probability)]
    return [one.word, *numbers[:2], one.nearest or "", numbers[2], one.path or ""]


def _values(one: Decision) -> dict[str, str | float | None]:
    return {
        "path": one.path,
        "decision": one.word,
        **{name: getattr(one, name) for name in COLUMNS[2:]},
    }


def _csv(value: str | float | None) -> str:
    return "" if value is None else value if isinstance(value, str) else repr(value)


def _finite(value: str | float | None) -> str | float | None:
    """Return what JSON can hold: of an infinite score its name."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def sink(output: Path | None) -> Iterator[Callable[[str], None]]:
    """Give what writes a text at once: to stdout, or to a file that is there once it is whole."""
    if output is None:
        # Bytes: paths may be no text; and a bar would take what is printed for its own.
        stream = sys.stdout.buffer

        def show(text: str) -> None:
            stream.write(_encoded(text))
            stream.flush()

        yield show
        return
    with unfinished(output) as part, part.open("wb") as file:

        def write(text: str) -> None:
            with writing(output):
                file.write(_encoded(text))
                file.flush()

        yield write


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")

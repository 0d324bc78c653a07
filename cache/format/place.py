"""The division of a run into shards: each one's rows, run and file name.

The rows of a dataset (its images) or of a vocabulary (its prompts, template by template) are in a
fixed order. Shard k of n is one task that writes one file, `<target>.shards/k-of-n-<run>.h5`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from oodcache.cache.format.identity import LOADED_FROM, Identity

SHARD_ROWS = 8192
FOLDER = ".shards"
ENCODING = {"images": "other preprocessing", "texts": "another tokenizer"}


@dataclass(frozen=True)
class Place:
    """A shard's place: rows from `first` of `total`, in a run of `shard_rows` rows per shard."""

    run: str
    first: int
    total: int
    shard_rows: int

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{64}", self.run):
            raise ValueError(f"run is {self.run!r}, not a SHA-256")
        if self.shard_rows < 1 or not 0 <= self.first < self.total:
            raise ValueError(f"row {self.first} of {self.total} in shards of {self.shard_rows}")
        if self.first % self.shard_rows:
            raise ValueError(f"row {self.first} does not start a shard of {self.shard_rows} rows")

    @property
    def rows(self) -> int:
        """Return the number of rows; the last shard of a run may have fewer."""
        return min(self.shard_rows, self.total - self.first)

    @property
    def number(self) -> int:
        """Return the shard's number, from 1."""
        return self.first // self.shard_rows + 1

    @property
    def count(self) -> int:
        """Return how many shards the run has."""
        return -(-self.total // self.shard_rows)

    @property
    def file_name(self) -> str:
        """Return the shard's file name, which differs between runs."""
        return f"{self.number:05d}-of-{self.count:05d}-{self.run[:8]}.h5"

    def __str__(self) -> str:
        return f"rows {self.first} to {self.first + self.rows - 1}"


@dataclass(frozen=True)
class Run:
    """Everything that determines a run's vectors and shards; `kind` is "images" or "texts".

    What was typed, where model files are, the device, library versions and a dataset's group are
    not part of it: the machines of one run may differ in them.
    """

    kind: str
    identity: Identity
    dtype: np.dtype[Any]
    shard_rows: int

    @property
    def key(self) -> str:
        """Return a SHA-256 over it; shards with equal keys can be merged."""
        text = json.dumps(self._determines(), sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def differences(self, other: Run) -> list[str]:
        """Return in words how the other run differs; empty if the keys are equal."""
        ours, theirs = self._determines(), other._determines()
        return [words for words in ours if ours[words] != theirs[words]]

    def places(self, total: int) -> list[Place]:
        """Return the places of all shards of `total` rows, in order."""
        return [
            Place(self.key, first, total, self.shard_rows)
            for first in range(0, total, self.shard_rows)
        ]

    def _determines(self) -> dict[str, Any]:
        model, source = self.identity.model, dict(self.identity.source)
        for name in ("group", LOADED_FROM):
            source.pop(name, None)
        precision = dict(self.identity.precision)
        precision.pop("device", None)
        return {
            "another kind": self.kind,
            "other weights": [model.weights, model.logit_scale, model.logit_bias],
            "another architecture": model.architecture,
            "another list of inputs": source,
            ENCODING[self.kind]: self.identity.encoding,
            "another precision": precision,
            "another --dtype": self.dtype.str,
            "another --shard-rows": self.shard_rows,
        }


def share(whole: Iterable[Place], part: int, parts: int) -> list[Place]:
    """Return the shards of part number `part` (from 1) of `parts`: every `parts`-th one.

    >>> whole = [Place("0" * 64, first, 5, 1) for first in range(5)]
    >>> [place.number for place in share(whole, 2, 2)]
    [2, 4]
    """
    return [place for place in whole if (place.number - part) % parts == 0]


def shard_folder(target: Path) -> Path:
    """Return the folder next to a file where its shards are kept until they are merged."""
    return target.with_suffix(FOLDER)


def target_of(folder: Path) -> Path:
    """Return the file that the shards in a folder make."""
    return folder.with_suffix(".h5")


def shard_paths(target: Path) -> list[Path]:
    """Return the files in the shard folder of `target`, sorted, valid or not."""
    return sorted(
        path for path in shard_folder(target).glob("*.h5") if not path.name.startswith(".")
    )

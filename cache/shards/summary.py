"""A summary of a file or a run of shards, made without reading vectors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.format import structure
from oodcache.cache.format.container import opened
from oodcache.cache.format.identity import Identity
from oodcache.cache.format.place import Place
from oodcache.cache.shards.merging import Shard


@dataclass(frozen=True)
class Summary:
    """A file with a valid structure.

    `shape` is (N, D), or (T, K, D) for a whole file of texts. `templates` and `classes` are counts
    for texts, None for images. `bad` counts the rows that are not ok; `norm` has the lengths of all
    others before they were normalised. `place` is None unless it is a shard.
    """

    path: Path
    kind: str
    identity: Identity
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    templates: int | None
    classes: int | None
    bad: int
    norm: npt.NDArray[np.float32]
    place: Place | None

    @property
    def rows(self) -> int:
        """Return the number of rows, ok or not."""
        return math.prod(self.shape[:-1])


def summarise(path: Path, *kinds: str) -> Summary:
    """Return a summary of the file at `path`, of one of `kinds` or of any.

    Raises RuleError, naming the rule, if its structure breaks one.
    """
    with opened(path) as file:
        found = structure.check(file, path, *(kinds or structure.COLUMNS))
        embeddings, columns = found.datasets["embeddings"], found.columns
        sizes = {name: dataset.size for name, dataset in found.datasets.items()}
        norm = columns["norm"].ravel()
        ok = columns.get("ok", np.ones(len(norm), bool))
        return Summary(
            path=path,
            kind=found.kind,
            identity=found.identity,
            shape=embeddings.shape,
            dtype=embeddings.dtype,
            templates=sizes.get("templates"),
            classes=sizes.get("class_names"),
            bad=int(np.count_nonzero(~ok)),
            norm=norm[ok],
            place=found.place,
        )


@dataclass(frozen=True)
class Begun:
    """The shards of one run that exist, at least one."""

    shards: tuple[Shard, ...]

    @property
    def of(self) -> int:
        """Return how many shards the run has."""
        return self.shards[0].place.count

    @property
    def done(self) -> int:
        """Return how many of the run's shards exist; duplicates count once."""
        return len(self._numbers)

    @property
    def missing(self) -> list[str]:
        """Return the numbers, from 1, of missing shards as ranges: "2", "4 to 6"."""
        # From gap to gap: an untrusted shard may claim to be one of 2**63.
        edges = pairwise([0, *sorted(self._numbers), self.of + 1])
        return [
            f"{before + 1}" if after - before == 2 else f"{before + 1} to {after - 1}"
            for before, after in edges
            if after - before > 1
        ]

    @property
    def _numbers(self) -> set[int]:
        return {shard.place.number for shard in self.shards if shard.place.number <= self.of}


def runs(shards: Iterable[Shard]) -> list[Begun]:
    """Group shards by run, the most complete run first."""
    by_key: dict[str, list[Shard]] = {}
    for shard in shards:
        by_key.setdefault(shard.place.run, []).append(shard)
    return sorted(
        (Begun(tuple(some)) for some in by_key.values()),
        key=lambda run: (-run.done / run.of, run.shards[0].place.run),
    )

"""Word lists on disk that negatives are chosen from: candidates, distances, vectors of some.

Vectors pass in blocks: what is held is a number a word, and the vectors of the words asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import CSP
from oodcache.cache.files.texts import BLOCK_ROWS, TextFile, TextRows
from oodcache.score.inputs.selection import (
    COSINE_MEAN,
    EACH,
    SMALLEST_MEAN,
    Prompted,
    Selection,
    Vectors,
    prompted,
)
from oodcache.score.measures.result import AVERAGE
from oodcache.score.words.mining import (
    TOO_NEAR,
    Candidates,
    Floats,
    Places,
    candidates,
    cleaning,
    distance,
    kept,
)

BLOCK_NUMBERS = 2**23  # Cosines at a time: 64 MB.


@dataclass(frozen=True)
class ChosenWords:
    """Words of list `at` by their places in its vocabulary, out of so many candidates."""

    at: int
    places: Places
    candidates: int


@dataclass(frozen=True)
class WordPool:
    """Word lists, one a file, each with its role, and the classes that they are to be far from.

    `class_vectors` is (K, D). `advance` is told how many words more are measured.
    """

    files: tuple[TextRows, ...]
    roles: tuple[str, ...]
    class_vectors: Vectors
    class_names: Sequence[str]
    advance: Callable[[int], None] = lambda words: None
    _distances: dict[tuple[int, float], tuple[Places, Floats]] = field(default_factory=dict)

    @cached_property
    def candidates(self) -> list[Candidates]:
        """Return the words of each list that can be chosen, by their names."""
        lists = [file.vocabulary.names for file in self.files]
        return candidates(lists, self.class_names, cleaning(self.files[0].identity.encoding))

    def choose(
        self, percentiles: Sequence[float], keep: Fraction | int, among: Sequence[int]
    ) -> list[ChosenWords]:
        """Return what the lists of `among` keep, each with its own of the percentiles.

        Raises ValueError if a number to keep is larger than all of them.
        """
        measured = [self._measured(at, percentiles[at]) for at in among]
        words = [self._names(at, found[0]) for at, found in zip(among, measured, strict=True)]
        chosen = kept(words, [far for _, far in measured], keep)
        return [
            ChosenWords(at, there[some], len(there))
            for at, (there, _), some in zip(among, measured, chosen, strict=True)
        ]

    def vectors(self, chosen: ChosenWords) -> Vectors:
        """Return the unit vectors of chosen words, float32 (m, D)."""
        file = self.files[chosen.at]
        count = len(file.vocabulary.templates)
        parts = (file.take(chosen.places, template=template) for template in range(count))
        return _mean(parts, count, self._names(chosen.at, chosen.places), file)

    def words(self, chosen: ChosenWords) -> list[str]:
        """Return the chosen words."""
        return self._names(chosen.at, chosen.places)

    def summary(self, chosen: ChosenWords) -> str:
        """Return a line on what was left out of a list and what was kept."""
        file, found = self.files[chosen.at], self.candidates[chosen.at]
        left_out = (
            (found.duplicates, "duplicate", "duplicates"),
            (found.class_names, "name of a class", "names of classes"),
            (len(found.places) - chosen.candidates, *["too near to a class"] * 2),
        )
        out = ", ".join(
            f"{count:,} {one if count == 1 else many}" for count, one, many in left_out if count
        )
        return (
            f"{file.path.stem}: {len(file.vocabulary.names):,} words"
            f"{f', left out {out}' if out else ''}; of {chosen.candidates:,} candidates "
            f"{len(chosen.places):,} kept"
        )

    def _names(self, at: int, places: Places) -> list[str]:
        names = self.files[at].vocabulary.names
        return [names[place] for place in places.tolist()]

    def _measured(self, at: int, percentile: float) -> tuple[Places, Floats]:
        """Return the candidates of a list that are not too near, and their distances."""
        if (at, percentile) not in self._distances:
            places, far, near = self.candidates[at].places, [], []
            for first, block in blocks(self.files[at], self._rows):
                low, high = np.searchsorted(places, (first, first + len(block)))
                cosine = block[places[low:high] - first].astype(np.float64) @ self._classes.T
                near.append(cosine.max(axis=1))
                far.append(distance(cosine, percentile))
                self.advance(len(block))
            fine = np.ones(len(places), bool)
            if self.roles[at] == CSP:
                fine = np.concatenate(near) <= TOO_NEAR
            self._distances[at, percentile] = places[fine], np.concatenate(far)[fine]
        return self._distances[at, percentile]

    @cached_property
    def _classes(self) -> npt.NDArray[np.float64]:
        return self.class_vectors.astype(np.float64)

    @property
    def _rows(self) -> int:
        return max(1, min(BLOCK_ROWS, BLOCK_NUMBERS // len(self.class_vectors)))


def template_of(file: TextRows) -> str:
    """Return the template of a file's words, or that they are the average of several."""
    templates = file.vocabulary.templates
    return templates[0] if len(templates) == 1 else AVERAGE


def blocks(file: TextRows, rows: int) -> Iterator[tuple[int, Vectors]]:
    """Yield (first word, unit vectors (at most `rows`, D)), of several templates their average."""
    count = len(file.vocabulary.templates)
    each = [file.blocks(max(1, rows // count), template=one) for one in range(count)]
    for parts in zip(*each, strict=True):
        first, block = parts[0]
        names = file.vocabulary.names[first : first + len(block)]
        yield first, _mean((block for _, block in parts), count, names, file)


def _mean(parts: Iterable[Vectors], count: int, names: Sequence[str], file: TextRows) -> Vectors:
    """Return the renormalised mean of `count` arrays of vectors, a single one as it is."""
    if count == 1:
        return next(iter(parts))
    total = np.zeros((len(names), file.dimension))
    for part in parts:
        total += part
    mean = total / count
    norm = np.linalg.norm(mean, axis=1, keepdims=True)
    if (norm < SMALLEST_MEAN).any():
        raise InputError(
            f"{file.path}: the templates of word {names[int(norm.argmin())]!r} cancel each other "
            "out: they have no average; extract the words in one template"
        )
    unit: Vectors = (mean / norm).astype(np.float32)
    return unit


def class_vectors(texts: TextFile, template: str) -> Prompted:
    """Return all classes' unit vectors in a template, or their average over all."""
    if template in (EACH, COSINE_MEAN):
        raise InputError(f"--template {template}: words are mined with one template, or average")
    everything = np.arange(len(texts.vocabulary.names))
    return prompted(Selection(texts, everything, ()), [template])[0]


def choose(
    pool: WordPool,
    percentiles: Sequence[float],
    keep: Fraction | int,
    among: Sequence[int],
    what: str,
) -> list[ChosenWords]:
    """Return what the pool chooses; raise InputError, about `what`, where it has too few words."""
    try:
        return pool.choose(percentiles, keep, among)
    except ValueError as error:
        raise InputError(f"{what}: {error}") from None

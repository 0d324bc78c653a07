"""Word lists on disk from which negatives are chosen: candidates, distances, vectors.

Vectors are read in blocks: memory holds one number per word, and the chosen words' vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import CSP, NEGATIVE
from oodcache.cache.files.texts import BLOCK_ROWS, TextFile, TextRows
from oodcache.cache.text import counted
from oodcache.score.inputs.question import Template
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
    nearest,
)

BLOCK_NUMBERS = 2**23  # Cosines per block: 64 MB.


@dataclass(frozen=True)
class ChosenWords:
    """Chosen words of list `at`: their places in its vocabulary, out of `candidates` words."""

    at: int
    places: Places
    candidates: int


@dataclass(frozen=True)
class WordPool:
    """Word lists, one per file, each with its role, and the classes that words must be far from.

    `class_vectors` is (K, D). `advance` is called with the number of words just measured. Chosen
    words that `leaves_out` have no vectors.
    """

    files: tuple[TextRows, ...]
    roles: tuple[str, ...]
    class_vectors: Vectors
    class_names: Sequence[str]
    advance: Callable[[int], None] = lambda words: None
    leaves_out: Callable[[str], bool] | None = None
    _distances: dict[tuple[int, float], tuple[Places, Floats]] = field(default_factory=dict)

    @cached_property
    def candidates(self) -> list[Candidates]:
        """Return the candidates of each list."""
        lists = [file.vocabulary.names for file in self.files]
        return candidates(lists, self.class_names, cleaning(self.files[0].identity.encoding))

    def choose(
        self, percentiles: Sequence[float], keep: Fraction | int, among: Sequence[int], what: str
    ) -> list[ChosenWords]:
        """Return the words that the lists `among` keep, each with its own percentile.

        Raises InputError, prefixed with `what`, if a number to keep is larger than all of them.
        """
        measured = [self._measured(at, percentiles[at]) for at in among]
        words = [self._names(at, found[0]) for at, found in zip(among, measured, strict=True)]
        try:
            chosen = kept(words, [far for _, far in measured], keep)
        except ValueError as error:
            raise InputError(f"{what}: {error}") from None
        return [
            ChosenWords(at, there[some], len(there))
            for at, (there, _), some in zip(among, measured, chosen, strict=True)
        ]

    def nearest(
        self, percentiles: Sequence[float], number: int, farthest: Sequence[ChosenWords], what: str
    ) -> dict[int, ChosenWords]:
        """Return the `number` nearest words of the lists of negatives, none of the farthest.

        Raises InputError, prefixed with `what`, if fewer are left.
        """
        lists = [one for one in farthest if self.roles[one.at] == NEGATIVE]
        measured = [self._measured(one.at, percentiles[one.at]) for one in lists]
        words = [self._names(one.at, found[0]) for one, found in zip(lists, measured, strict=True)]
        far = [
            np.flatnonzero(np.isin(there, one.places))
            for one, (there, _) in zip(lists, measured, strict=True)
        ]
        taken = sum(map(len, far))
        if number > (left := sum(map(len, words)) - taken):
            most = f"at most {left:,}, or a smaller --keep" if left else "a smaller --keep"
            beside = f"{counted(left, 'word')} left beside the {taken:,} farthest"
            raise InputError(f"{what}: {beside}; give {most}")
        chosen = nearest(words, [found[1] for found in measured], far, number)
        return {
            one.at: ChosenWords(one.at, there[some], len(there))
            for one, (there, _), some in zip(lists, measured, chosen, strict=True)
        }

    def vectors(self, chosen: ChosenWords) -> Vectors:
        """Return the unit vectors of chosen words that are not left out, float32 (m, D)."""
        chosen, file = self._without(chosen), self.files[chosen.at]
        count = len(file.vocabulary.templates)
        parts = (file.take(chosen.places, template=template) for template in range(count))
        return _mean(parts, count, self._names(chosen.at, chosen.places), file)

    def words(self, chosen: ChosenWords) -> list[str]:
        """Return the chosen words."""
        return self._names(chosen.at, chosen.places)

    def summary(self, chosen: ChosenWords, near: ChosenWords | None = None) -> str:
        """Return a line on the skipped and the kept words of a list, and its nearest words."""
        file, found = self.files[chosen.at], self.candidates[chosen.at]
        too_near = len(found.places) - chosen.candidates
        reasons = {
            counted(found.duplicates, "duplicate"): found.duplicates,
            counted(found.class_names, "class name"): found.class_names,
            f"{too_near:,} too near a class": too_near,
        }
        skipped = ", ".join(what for what, count in reasons.items() if count)
        return (
            f"{file.path.stem}: {len(file.vocabulary.names):,} words"
            f"{f' (skipped: {skipped})' if skipped else ''}; kept {len(chosen.places):,} of "
            f"{chosen.candidates:,} candidates"
            f"{'' if near is None else f', and the {len(near.places):,} nearest'}"
        )

    def _without(self, chosen: ChosenWords) -> ChosenWords:
        """Return chosen words but those that are left out."""
        if self.leaves_out is None:
            return chosen
        kept = [not self.leaves_out(word) for word in self.words(chosen)]
        return replace(chosen, places=chosen.places[np.array(kept, bool)])

    def _names(self, at: int, places: Places) -> list[str]:
        names = self.files[at].vocabulary.names
        return [names[place] for place in places.tolist()]

    def _measured(self, at: int, percentile: float) -> tuple[Places, Floats]:
        """Return a list's candidates that are not too near a class, and their distances."""
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
    """Return the template of a file's words, or "average" if there are several."""
    templates = file.vocabulary.templates
    return templates[0] if len(templates) == 1 else AVERAGE


def blocks(file: TextRows, rows: int) -> Iterator[tuple[int, Vectors]]:
    """Yield (first word, unit vectors (at most `rows`, D)), averaged over several templates."""
    count = len(file.vocabulary.templates)
    each = [file.blocks(max(1, rows // count), template=one) for one in range(count)]
    for parts in zip(*each, strict=True):
        first, block = parts[0]
        names = file.vocabulary.names[first : first + len(block)]
        yield first, _mean((block for _, block in parts), count, names, file)


def _mean(parts: Iterable[Vectors], count: int, names: Sequence[str], file: TextRows) -> Vectors:
    """Return the renormalised mean of `count` arrays of vectors, a single one unchanged."""
    if count == 1:
        return next(iter(parts))
    total = np.zeros((len(names), file.dimension))
    for part in parts:
        total += part
    mean = total / count
    norm = np.linalg.norm(mean, axis=1, keepdims=True)
    if (norm < SMALLEST_MEAN).any():
        raise InputError(
            f"{file.path}: the templates of word {names[int(norm.argmin())]!r} cancel out, so they "
            "have no average; extract the words with one template"
        )
    unit: Vectors = (mean / norm).astype(np.float32)
    return unit


def class_vectors(texts: TextFile, template: Template) -> Prompted:
    """Return all classes' unit vectors in a template, or averaged over several or all."""
    if template in (EACH, COSINE_MEAN):
        raise InputError(f"--template {template}: give one template, or average")
    everything = np.arange(len(texts.vocabulary.names))
    return prompted(Selection(texts, everything, ()), [template])[0]

"""Classes that share one vector with another class, so that no score can tell them apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.files.texts import TextRows
from oodcache.cache.text import counted

# The batch in which a prompt is encoded changes the last digits of its vector.
DISTANCE = 1e-5
# Vectors between two equal ones, in the order of their projections, that are looked past.
PAST = 16
PAIRS = 4096
Places = npt.NDArray[np.intp]
Vectors = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Alike:
    """How many of `of` classes share their vector with another, and two of them."""

    count: int
    of: int
    first: str
    second: str

    def __str__(self) -> str:
        return (
            f"{self.count:,} of {counted(self.of, 'class')} have the same vector as another, such "
            f"as {self.first} and {self.second}: they cannot be told apart"
        )


def among(vectors: Vectors, names: Sequence[str], ids: Sequence[str]) -> Alike | None:
    """Return what is known of equal vectors among unit rows (K, D), None if all differ."""

    def same(ours: Places, others: Places) -> npt.NDArray[np.bool_]:
        return _near(vectors[ours], vectors[others])

    return _alike(vectors @ _direction(vectors.shape[1], 0), DISTANCE, same, (names, ids))


def within(texts: TextRows) -> Alike | None:
    """Return the same of a file's classes; vectors are equal if they are under every template."""
    names, ids = texts.vocabulary.names, texts.vocabulary.ids
    templates = range(len(texts.vocabulary.templates))
    projected = np.zeros(len(names), np.float64)
    for template in templates:
        direction = _direction(texts.dimension, template)
        for first, block in texts.blocks(template=template):
            projected[first : first + len(block)] += block @ direction

    def same(ours: Places, others: Places) -> npt.NDArray[np.bool_]:
        equal = np.ones(len(ours), bool)
        for template in templates:
            left = np.flatnonzero(equal)
            pair = (texts.take(one[left], template=template) for one in (ours, others))
            equal[left] = _near(*pair)
        return equal

    return _alike(projected, DISTANCE * len(templates), same, (names, ids))


def _alike(
    projected: npt.NDArray[np.floating[Any]],
    distance: float,
    same: Callable[[Places, Places], npt.NDArray[np.bool_]],
    called: tuple[Sequence[str], Sequence[str]],
) -> Alike | None:
    """Compare only vectors whose projections are near: equal vectors have equal ones."""
    order = np.argsort(projected)
    rising = projected[order]
    pairs: list[tuple[int, int]] = []
    for past in range(1, min(PAST, len(order) - 1) + 1):
        near = np.flatnonzero(rising[past:] - rising[:-past] <= distance)
        if not len(near):
            break
        for first in range(0, len(near), PAIRS):
            some = near[first : first + PAIRS]
            ours, others = order[some], order[some + past]
            equal = same(ours, others)
            pairs += zip(ours[equal].tolist(), others[equal].tolist(), strict=True)
    if not pairs:
        return None
    first, second = min((min(pair), max(pair)) for pair in pairs)
    names, ids = called

    def shown(place: int) -> str:
        name = repr(names[place][:60])
        is_named = names[first] != names[second] or not ids[place]
        return name if is_named else f"{ids[place][:60]} ({name})"

    members = {place for pair in pairs for place in pair}
    return Alike(len(members), len(names), shown(first), shown(second))


def _near(ours: Vectors, others: Vectors) -> npt.NDArray[np.bool_]:
    difference = ours.astype(np.float32) - others.astype(np.float32)
    near: npt.NDArray[np.bool_] = np.einsum("ij,ij->i", difference, difference) <= DISTANCE**2
    return near


def _direction(dimension: int, number: int) -> npt.NDArray[np.float32]:
    """Return a unit vector with no pattern; no generator, whose import takes time."""
    values = np.cos(np.arange(1, dimension + 1) ** 2 + number)
    direction: npt.NDArray[np.float32] = (values / np.linalg.norm(values)).astype(np.float32)
    return direction

"""A memory of images for each label, whose proxies stand for the label instead of its text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from oodcache.score.formulas.cosines import Places, Scores, product
from oodcache.score.formulas.tile import Vectors

# As in torch: a sum of vectors that is shorter is divided by this.
SHORTEST = 1e-12
# Images of several labels that are multiplied at a time.
ROWS = 256


class LabelMemory:
    """At most `size` images for each of `labels` labels: those of the lowest entropy."""

    def __init__(self, labels: int, size: int) -> None:
        self.size = size
        self.counts: Places = np.zeros(labels, np.intp)
        self.rows: Places = np.zeros((labels, size), np.intp)
        self.vectors: Vectors = np.empty((0, 0), np.float32)
        self._entropies: Scores = np.empty((labels, size))
        self._largest: Scores = np.full(labels, np.inf)
        self._positions: list[int] = []

    def offer(
        self, labels: Places, entropies: Scores, vectors: Vectors, positions: Places
    ) -> Places:
        """Offer one image after the other to its label; return the labels that took any.

        A full memory gives up its image of the largest entropy, the first of equal ones, if the
        new one's is smaller.
        """
        if not self.size:
            return np.empty(0, np.intp)
        # Of a long stream, most come to a full memory, whose largest entropy only falls.
        near = np.flatnonzero(entropies < self._largest[labels])
        labels, entropies = labels[near], entropies[near]
        vectors, positions = vectors[near], positions[near]
        self._make_room(len(self._positions) + len(labels), vectors.shape[1])
        took = [
            self._take(label, entropy, vector, position)
            for label, entropy, vector, position in zip(
                labels.tolist(), entropies.tolist(), vectors, positions.tolist(), strict=True
            )
        ]
        return np.unique(labels[took])

    def _take(self, label: int, entropy: float, vector: Vectors, position: int) -> bool:
        count = self.counts[label]
        if count < self.size:
            slot, row = count, len(self._positions)
            self.rows[label, slot] = row
            self._positions.append(position)
            self.counts[label] += 1
        else:
            if not entropy < self._largest[label]:
                return False
            slot = self._entropies[label].argmax()
            row = self.rows[label, slot]
            self._positions[row] = position
        self._entropies[label, slot] = entropy
        if self.counts[label] == self.size:
            self._largest[label] = self._entropies[label].max()
        self.vectors[row] = vector
        return True

    def _make_room(self, count: int, dimension: int) -> None:
        """Have room for `count` vectors, at most as many as fit into all memories."""
        count = min(count, self.rows.size)
        if count > len(self.vectors):
            room = np.empty((min(2 * count, self.rows.size), dimension), np.float32)
            room[: len(self.vectors)] = self.vectors.reshape(-1, dimension)
            self.vectors = room

    def of(self, labels: Places, count: int) -> Vectors:
        """Return the `count` images of each of `labels`, (L, count, D)."""
        return self.vectors[self.rows[labels, :count]]

    def by_count(self, labels: Places) -> Iterator[tuple[int, Places]]:
        """Yield (images held, labels that hold so many), few enough to be multiplied together."""
        counts = self.counts[labels]
        for count in np.unique(counts[counts > 0]).tolist():
            same = labels[counts == count]
            step = max(1, ROWS // count)
            yield from ((count, same[first : first + step]) for first in range(0, len(same), step))

    def positions(self, labels: slice) -> Places:
        """Return the stream positions of the images that these labels hold, rising."""
        held = np.arange(self.size) < self.counts[labels, None]
        rows = self.rows[labels][held]
        return np.sort(np.array(self._positions, np.intp)[rows])


class Proxies(Protocol):
    """The vectors that stand for labels, as their memories have them now."""

    def renew(self, labels: Places) -> None:
        """Learn that the memories of `labels` have changed."""
        ...

    def cosines(self, labels: slice, images: Vectors, room: Vectors) -> Vectors:
        """Return the cosines of the labels' proxies with images (D, N), in `room`, (L, N)."""
        ...


class TaskProxies:
    """Task-adaptive proxies: the normalised sum of a label's text and its images."""

    def __init__(self, texts: Vectors, memory: LabelMemory) -> None:
        self._texts, self._memory = texts, memory
        self._proxies = texts.copy()

    def renew(self, labels: Places) -> None:
        """Sum the memories of `labels` again."""
        for count, same in self._memory.by_count(labels):
            total = self._memory.of(same, count).sum(axis=1) + self._texts[same]
            length = np.sqrt(np.einsum("ij,ij->i", total, total))
            self._proxies[same] = total / np.maximum(length, SHORTEST)[:, None]

    def cosines(self, labels: slice, images: Vectors, room: Vectors) -> Vectors:
        """Return the cosines of the labels' proxies with images (D, N), in `room`, (L, N)."""
        found: Vectors = product(self._proxies[labels], images, out=room)
        return found


@dataclass(frozen=True)
class SampleProxies:
    """Sample-adaptive proxies: the normalised Σ exp(-β(1 - z·x)) x over a label's text and images.

    Each image z has its own. Its cosine comes from the products z·x and x·x alone; `within` has
    those of text and images (1 + n, D) with the images (n, D), of each label that holds some.
    """

    texts: Vectors
    memory: LabelMemory
    sharpness: float
    within: dict[int, Vectors] = field(default_factory=dict)

    def renew(self, labels: Places) -> None:
        """Compute the products within the memories of `labels` again."""
        for count, same in self.memory.by_count(labels):
            held = self.memory.of(same, count)
            entries = np.concatenate([self.texts[same, None], held], axis=1)
            products = product(entries, held.transpose(0, 2, 1))
            # Copies: a view would keep the products of all labels of this batch.
            copies = (np.array(one) for one in products)
            self.within.update(zip(same.tolist(), copies, strict=True))

    def cosines(self, labels: slice, images: Vectors, room: Vectors) -> Vectors:
        """Return the cosines of the labels' proxies with images (D, N), in `room`, (L, N)."""
        found: Vectors = product(self.texts[labels], images, out=room)
        every = np.arange(labels.start, labels.stop)
        for count, same in self.memory.by_count(every):
            inside = same - labels.start
            found[inside] = self._adapted(same, count, found[inside], images)
        return found

    def _adapted(self, labels: Places, count: int, of_text: Vectors, images: Vectors) -> Vectors:
        held = self.memory.of(labels, count)
        flat: Vectors = product(held.reshape(-1, held.shape[2]), images)
        of_held = flat.reshape(len(labels), count, -1)
        # Relative to the largest weight, which may be e^-80 or less.
        nearest = np.maximum(of_text, of_held.max(axis=1))
        own, weights = self._weights(of_text - nearest), self._weights(of_held - nearest[:, None])
        every = np.concatenate([self.within[label] for label in labels.tolist()])
        within = every.reshape(len(labels), 1 + count, count)
        # For a product of one column matmul does not use BLAS.
        mixed: Vectors = product(within, weights) if count > 1 else within * weights
        total = own * of_text + _dot(weights, of_held)
        square = own * (own + 2 * mixed[:, 0]) + _dot(weights, mixed[:, 1:])
        np.maximum(square, SHORTEST**2, out=square)
        found: Vectors = np.divide(total, np.sqrt(square), dtype=np.float32)
        return found

    def _weights(self, below: Vectors) -> Vectors:
        below *= np.float32(self.sharpness)
        return np.exp(below, out=below)


def _dot(weights: Vectors, others: Vectors) -> Vectors:
    """Return Σ_i w_i · o_i over the images of each label, (L, N)."""
    found: Vectors = np.einsum("lin,lin->ln", weights, others)
    return found

"""Halves of a stream: half of each set's images, drawn without replacement, in the same order.

Resamples with replacement would fill a memory with copies of an image, which then meet themselves.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from oodcache.score.formulas.cosines import Places
from oodcache.score.measures.bootstrap import ID_STREAM, OOD_STREAM
from oodcache.score.streams.order import ImageStream
from oodcache.score.streams.runs import StreamImages


def half(images: StreamImages, stream: ImageStream, seed: int, number: int) -> ImageStream:
    """Return half `number` of a stream: of its ID images and of those of each OOD set.

    One draw halves all ID images, and a stream of some of them has those that were drawn: so an
    average over OOD sets shares the draws of the ID images that its sets share. An OOD set's draws
    depend on its name. Half of an odd number is rounded down and up in turn.
    """
    there = np.zeros(len(images.vectors), bool)
    there[stream.places] = True
    chosen = np.zeros_like(there)
    inside = images.span(images.sizes[0][0])
    chosen[_drawn_of_all(there[inside], seed, number)] = True
    for name in stream.against:
        span = images.span(name)
        own = span.start + np.flatnonzero(there[span])
        key = [OOD_STREAM, seed, number, *name.encode(errors="surrogatepass")]
        turns = np.random.default_rng(key).permutation(own)
        chosen[turns[: _size(len(own), number)]] = True
    return ImageStream(stream.order, stream.places[chosen[stream.places]], stream.against)


def _drawn_of_all(there: npt.NDArray[np.bool_], seed: int, number: int) -> Places:
    """Return those in half of all places that are `there`, or the first drawn if none is."""
    turns = np.random.default_rng([ID_STREAM, seed, number]).permutation(len(there))
    drawn = turns[: _size(len(there), number)]
    found = drawn[there[drawn]]
    return found if len(found) else turns[there[turns]][:1]


def _size(count: int, number: int) -> int:
    """Return half of `count`, at least 1; of an odd one the larger half in odd draws."""
    return max(1, (count + number % 2) // 2)

"""Halves of a stream: half of each set's images, drawn without replacement, in the same order.

Resamples with replacement would fill a memory with copies of an image, which then meet themselves.
"""

from __future__ import annotations

import numpy as np

from oodcache.score.formulas.cosines import Places
from oodcache.score.measures.bootstrap import ID_STREAM, OOD_STREAM
from oodcache.score.streams.order import ImageStream
from oodcache.score.streams.runs import StreamImages


def half(images: StreamImages, stream: ImageStream, seed: int, number: int) -> ImageStream:
    """Return half `number` of a stream: of its ID images and of those of each OOD set.

    ID draws are the same for every OOD set; an OOD set's depend on its name.
    """
    there = np.zeros(len(images.vectors), bool)
    there[stream.places] = True
    chosen = np.zeros_like(there)
    inside = images.sizes[0][0]
    for name in (inside, *stream.against):
        span = images.span(name)
        own = span.start + np.flatnonzero(there[span])
        key = [ID_STREAM, seed, number]
        if name != inside:
            key = [OOD_STREAM, seed, number, *name.encode(errors="surrogatepass")]
        chosen[_drawn(own, key)] = True
    return ImageStream(stream.order, stream.places[chosen[stream.places]], stream.against)


def _drawn(places: Places, key: list[int]) -> Places:
    count = max(1, len(places) // 2)
    return np.random.default_rng(key).choice(places, count, replace=False)

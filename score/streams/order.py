"""Orders in which the images of a stream arrive, as typed after --stream."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.text import counted
from oodcache.score.formulas.cosines import Places

SHUFFLE, ID_FIRST, OOD_FIRST = "shuffle", "id-first", "ood-first"
DRIFT, RATIO, FILE = "drift", "ratio", "file"
FORMS = "shuffle, shuffle:5, id-first, ood-first, drift, ratio:10 or file:FILE.csv"
MOST_SHUFFLES = 1000
# Not all that float() takes, such as 1_0.
PLAIN = re.compile(r"[0-9.]+(e[+-]?[0-9]+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class ImageStream:
    """The images of one stream, in their order, and the OOD sets that are measured on it.

    `places` are rows of the ID images followed by those of all OOD sets, as counted by the order
    that made it. `order` names it, such as "shuffle 0".
    """

    order: str
    places: Places
    against: tuple[str, ...]


@dataclass(frozen=True)
class StreamOrder:
    """An order as typed, `label`: of one kind, with a number or a file.

    `number` is that of the shuffles, or of the ID images per OOD image.
    """

    label: str
    kind: str
    number: float = 1.0
    file: Path | None = None

    def streams(self, sizes: Sequence[tuple[str, int]], seed: int) -> list[ImageStream]:
        """Return the streams to replay, over the (name, count) of the ID set and each OOD set.

        Each OOD set has streams of its own with the ID images, one for each shuffle, with seeds
        from `seed`; in `drift` there is one stream of all sets. A `file` is not read here.
        """
        (_, inside), *outside = sizes
        starts = inside + np.cumsum([0, *(count for _, count in outside)])
        ranges = [np.arange(*starts[place : place + 2]) for place in range(len(outside))]
        names = [name for name, _ in outside]
        if self.kind == DRIFT:
            return [ImageStream(self.label, _drifting(inside, ranges, seed), tuple(names))]
        return [
            self._stream(name, self._mixed(inside, one, seed + number), seed + number)
            for name, one in zip(names, ranges, strict=True)
            for number in range(self.shuffles)
        ]

    def _stream(self, name: str, places: Places, seed: int) -> ImageStream:
        order = f"{SHUFFLE} {seed}" if self.kind == SHUFFLE else self.label
        return ImageStream(order, places, (name,))

    @property
    def shuffles(self) -> int:
        """Return the number of streams for each OOD set."""
        return int(self.number) if self.kind == SHUFFLE else 1

    def is_single(self, ood_sets: int) -> bool:
        """Return whether there is one stream, of all images of all sets."""
        if self.kind in (DRIFT, FILE):
            return True
        return ood_sets == 1 and self.shuffles == 1 and self.kind != RATIO

    def _mixed(self, inside: int, outside: Places, seed: int) -> Places:
        """Return the places of all ID images and those of one OOD set, in this order."""
        draw = np.random.default_rng(seed)
        ours = np.arange(inside)
        if self.kind == ID_FIRST:
            return np.concatenate([ours, outside])
        if self.kind == OOD_FIRST:
            return np.concatenate([outside, ours])
        if self.kind == RATIO:
            ours, outside = _in_ratio(draw, ours, outside, self.number)
        return draw.permutation(np.concatenate([ours, outside]))


def read(typed: str) -> StreamOrder:
    """Return the order that is typed; raise InputError with the forms otherwise."""
    kind, colon, value = typed.partition(":")
    if kind == FILE and value:
        return StreamOrder(typed, FILE, file=Path(value))
    if kind == RATIO and colon:
        wanted = "a number above 0, such as ratio:10"
        if PLAIN.fullmatch(value) is None:
            raise InputError(f"--stream {typed[:60]}: {value[:40]!r} is not {wanted}")
        number = _number(typed, value, wanted)
        return StreamOrder(typed, RATIO, number)
    if kind == SHUFFLE and colon:
        wanted = f"a whole number from 1 to {MOST_SHUFFLES:,}, such as shuffle:5"
        number = _number(typed, value, wanted)
        if not (value.isascii() and value.isdecimal()) or number > MOST_SHUFFLES:
            raise InputError(f"--stream {typed[:60]}: {value[:40]!r} is not {wanted}")
        return StreamOrder(f"{SHUFFLE}:{int(number)}", SHUFFLE, number)
    if typed in (SHUFFLE, ID_FIRST, OOD_FIRST, DRIFT):
        return StreamOrder(typed, typed)
    raise InputError(f"--stream {typed[:60]!r}: use {FORMS}")


def read_all(typed: Sequence[str]) -> list[StreamOrder]:
    """Return the orders that are typed, each once, however written; without any a shuffle.

    A file's label has its name alone, unless another file has it, too.
    """
    found: dict[tuple[str, float, Path | None], StreamOrder] = {}
    for order in map(read, typed or (SHUFFLE,)):
        found.setdefault((order.kind, order.number, order.file), order)
    names = Counter(one.file.name for one in found.values() if one.file is not None)
    return [
        replace(one, label=f"{FILE}:{one.file.name}")
        if one.file is not None and names[one.file.name] == 1
        else one
        for one in found.values()
    ]


def _number(typed: str, value: str, wanted: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise InputError(f"--stream {typed[:60]}: {value[:40]!r} is not {wanted}")
    return number


def _drifting(inside: int, outside: Sequence[Places], seed: int) -> Places:
    """Return each OOD set shuffled into an equal part of the ID images, one set after the other.

    Raises InputError if a set would have no ID image.
    """
    if inside < len(outside):
        raise InputError(
            f"--stream {DRIFT}: {counted(inside, 'ID image')} cannot be divided among "
            f"{counted(len(outside), 'OOD set')}; give fewer --ood or another --stream"
        )
    draw = np.random.default_rng(seed)
    parts = np.array_split(draw.permutation(inside), len(outside))
    mixed = [draw.permutation(np.concatenate(pair)) for pair in zip(parts, outside, strict=True)]
    return np.concatenate(mixed)


def _in_ratio(
    draw: np.random.Generator, ours: Places, others: Places, ratio: float
) -> tuple[Places, Places]:
    """Return as many of both as there can be with `ratio` ID images to each OOD image."""
    inside, outside = _counts_in_ratio(len(ours), len(others), ratio)
    chosen = (draw.choice(ours, inside, replace=False), draw.choice(others, outside, replace=False))
    return np.sort(chosen[0]), np.sort(chosen[1])


def _counts_in_ratio(inside: int, outside: int, ratio: float) -> tuple[int, int]:
    """Return how many of both: of the rarer side as many as go, of the other to half an image.

    Raises InputError if there is none of the rarer side.
    """
    # As typed: 100 times the float .29 is below 29.
    exact = Fraction(repr(ratio))
    if ratio >= 1:
        rarer = min(outside, math.floor(inside / exact))
        found = round(rarer * exact), rarer
    else:
        rarer = min(inside, math.floor(outside * exact))
        found = rarer, round(rarer / exact)
    if not rarer:
        raise InputError(
            f"--stream ratio:{ratio:g}: {inside:,} ID and {outside:,} OOD images are too few; "
            f"use one from {_least(outside)} to {inside}, such as ratio:{min(10, inside)}"
        )
    return found


def _least(outside: int) -> str:
    """Return the smallest ratio for one ID image, rounded up to be short to type.

    >>> _least(300), _least(80), _least(1)
    ('0.0034', '0.013', '1')
    """
    if outside == 1:
        return "1"
    digits = 1 - math.floor(math.log10(1 / outside))
    return f"{math.ceil(Fraction(10**digits, outside)) / 10**digits:.{digits}f}"

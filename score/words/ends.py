"""Both ends of mined negatives: the words farthest from the classes and those nearest to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import NEGATIVE
from oodcache.score.inputs.selection import Vectors
from oodcache.score.words.mining import shares
from oodcache.score.words.negatives import Mined

Words = Mapping[int, Sequence[str]]
# As many nearest words as CLIPScope's released code has.
RELEASED = 5000


def both_ends(mined: Mined, near: int | None, far: int | None) -> Vectors:
    """Return the unit vectors of the `far` farthest and the `near` nearest words, float32 (M, D).

    None stands for all words of an end. Of a number, each list has its share in proportion to how
    many of the end's words it has, the outermost ones. Conjugated pools have none. Raises
    InputError, with what to type, if the file has fewer words or no near end.
    """
    lists = [(at, one) for at, one in enumerate(mined.negatives.lists) if one.role == NEGATIVE]
    farthest, nearest = {at: one.words for at, one in lists}, {at: one.near for at, one in lists}
    path, number = mined.negatives.path, mined.negatives.nearest
    if not number:
        raise InputError(f"{path}: contains no nearest words; {_mining(mined, near, far)}")
    kept = sum(map(len, farthest.values()))
    asked = {"near": (near, number), "far": (far, kept)}
    if short := {name: one[0] for name, one in asked.items() if (one[0] or 0) > one[1]}:
        given = " and ".join(f"{name}={wanted}" for name, wanted in short.items())
        raise InputError(
            f"{path}: has {number:,} nearest and {kept:,} farthest words, too few for {given}; use "
            f"{_all_of(short)} for all of them, or mine more with --nearest and --keep"
        )
    return np.concatenate(
        [mined.vectors_of(_share(farthest, far)), mined.vectors_of(_share(nearest, near))]
    )


def _share(words: Words, number: int | None) -> Words:
    """Return the first words of each list, so many together, or all of them."""
    if number is None:
        return words
    counts = shares([len(one) for one in words.values()], number)
    every = zip(words.items(), counts, strict=True)
    return {at: some[:count] for (at, some), count in every}


def _mining(mined: Mined, near: int | None, far: int | None) -> str:
    """Return how to mine the nearest words too, as many as are asked for or as are left."""
    lists = [one for one in mined.negatives.lists if one.role == NEGATIVE]
    kept = sum(len(one.words) for one in lists)
    left = sum(one.candidates for one in lists) - kept
    if not left:
        return "all its words are farthest ones: mine again with a smaller --keep and --nearest N"
    there = {"near": (near, left), "far": (far, kept)}
    short = [name for name, (wanted, count) in there.items() if (wanted or 0) > count]
    then = f"; then use {_all_of(short)}" if short else ""
    return f"mine them with: {mined.command(nearest=min(near or RELEASED, left))}{then}"


def _all_of(ends: Iterable[str]) -> str:
    """Return how to score with all words of some ends."""
    return f"clipscope:{','.join(f'{name}=mined' for name in ends)}"

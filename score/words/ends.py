"""Both ends of mined negatives: the words farthest from the classes and those nearest to them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import NEGATIVE, Negatives
from oodcache.score.formulas.definition import MINED
from oodcache.score.inputs.selection import Vectors
from oodcache.score.words.mining import shares
from oodcache.score.words.negatives import Mined

Words = Mapping[int, Sequence[str]]
# As many nearest words as CLIPScope's released code has.
RELEASED = 5000


def both_ends(mined: Mined, near: int | None, far: int | None) -> Vectors:
    """Return the unit vectors of the words of `ends`, float32 (M, D), in their order."""
    return np.concatenate([mined.vectors_of(words) for words in ends(mined, near, far)])


def ends(mined: Mined, near: int | None, far: int | None) -> tuple[Words, Words]:
    """Return the `far` farthest and the `near` nearest words of each list.

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
            f"{_typed(near, far, short)}, or {_mining_more(mined, near, far)}"
        )
    return _share(farthest, far), _share(nearest, near)


def left(found: Negatives) -> int:
    """Return how many candidates are not among the farthest words."""
    lists = [one for one in found.lists if one.role == NEGATIVE]
    return sum(one.candidates - len(one.words) for one in lists)


def runnable(near: int, far: int) -> str:
    """Return clipscope as it runs with so many words of either end, "" if one has none.

    An end with fewer words than the default takes all of them.
    """
    counts = {"near": near, "far": far}
    if not all(counts.values()):
        return ""
    few = [f"{name}={MINED}" for name, count in counts.items() if count < RELEASED]
    return f"clipscope:{','.join(few)}" if few else "clipscope"


def too_few(found: Negatives) -> str:
    """Return a note if clipscope's defaults need more words of an end, "" if not."""
    far = sum(len(one.words) for one in found.lists if one.role == NEGATIVE)
    typed = runnable(found.nearest, far)
    if ":" not in typed:
        return ""
    return f"clipscope takes {RELEASED:,} words of each end by default: use --score {typed}"


def _share(words: Words, number: int | None) -> Words:
    """Return the first words of each list, so many together, or all of them."""
    if number is None:
        return words
    counts = shares([len(one) for one in words.values()], number)
    every = zip(words.items(), counts, strict=True)
    return {at: some[:count] for (at, some), count in every}


def _mining(mined: Mined, near: int | None, far: int | None) -> str:
    """Return how to mine the nearest words too, as many as are asked for or as are left."""
    kept = sum(len(one.words) for one in mined.negatives.lists if one.role == NEGATIVE)
    most = left(mined.negatives)
    if not most:
        return "all its words are farthest ones: mine again with a smaller --keep and --nearest N"
    there = {"near": (near, most), "far": (far, kept)}
    short = [name for name, (wanted, count) in there.items() if (wanted or 0) > count]
    then = f"; then use {_typed(near, far, short)}" if short else ""
    return f"mine them with: {mined.command(nearest=min(near or RELEASED, most))}{then}"


def _mining_more(mined: Mined, near: int | None, far: int | None) -> str:
    """Return how to mine as many words of both ends as are asked for."""
    of_file = mined.negatives
    candidates = sum(one.candidates for one in of_file.lists)
    there = sum(one.candidates for one in of_file.lists if one.role == NEGATIVE)
    kept = sum(len(one.words) for one in of_file.lists if one.role == NEGATIVE)
    number, more = max(near or 0, of_file.nearest), far if (far or 0) > kept else None
    if number + (more or kept) > there:
        return f"mine from a longer list: {there:,} words are too few for both"
    # A pool has its share of a number of words.
    keep = more if more is None or there == candidates else math.ceil(more * candidates / there) + 1
    return f"mine more with: {mined.command(nearest=number, keep=str(keep) if keep else '')}"


def _typed(near: int | None, far: int | None, short: Iterable[str]) -> str:
    """Return the score as it was typed, with all words of the ends that have too few."""
    asked = {"near": near, "far": far} | dict.fromkeys(short)
    ends = [f"{name}={number or MINED}" for name, number in asked.items() if number != RELEASED]
    return f"clipscope:{','.join(ends)}"

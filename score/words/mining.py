"""Negative mining: which words are far from all classes.

NegLabel (Jiang et al., *Negative Label Guided OOD Detection with Pretrained Vision-Language
Models*, ICLR 2024) keeps the words of each list with the lowest "distance", a high percentile of
their cosines with the classes. Pure functions over words and `cosine`, float64 (n, K): n words
against K classes.
"""

from __future__ import annotations

import html
import string
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
PERCENTILE, KEEP = 95.0, "15%"
# Words of a conjugated pool (CSP, Chen et al., NeurIPS 2024) with a larger cosine are skipped.
TOO_NEAR = 0.95
DIGITS = 12
QUOTES = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class Candidates:
    """The places of a list's candidate words, and the numbers of duplicates and class names."""

    places: Places
    duplicates: int
    class_names: int


def cleaning(encoding: Mapping[str, Any]) -> Callable[[str], str]:
    """Return the text cleaning of a file's tokenizer, according to its `encoding`.

    For an unknown one, as after an import, it is CLIP's, which ignores case.
    """
    if encoding.get("tokenizer") == "SigLipTokenizer" or "canonical" in str(encoding.get("clean")):
        return canonical
    return spaced if encoding.get("clean") in ("_clean_whitespace", "whitespace") else lower


def spaced(text: str) -> str:
    """Return a text without HTML entities, curly quotes and extra spaces.

    >>> spaced(" R&amp;B  singer")
    'R&B singer'
    """
    text = unicodedata.normalize("NFC", html.unescape(html.unescape(text)))
    return " ".join(text.translate(QUOTES).split())


def lower(text: str) -> str:
    """Return a text as CLIP's tokenizer reads it: `spaced`, in lower case."""
    return spaced(text).lower()


def canonical(text: str) -> str:
    """Return a text as SigLIP's tokenizer reads it: in lower case, without punctuation.

    >>> canonical("Jack-o'-lantern_(lamp)")
    'jackolantern lamp'
    """
    text = spaced(text).replace("_", " ").translate(WITHOUT_PUNCTUATION)
    return " ".join(text.lower().split())


def candidates(
    lists: Sequence[Sequence[str]], class_names: Sequence[str], clean: Callable[[str], str]
) -> list[Candidates]:
    """Return the candidates of each list: all words except class names and duplicates.

    Words are compared after cleaning; one that is then empty counts as a duplicate. A word in
    several lists stays in the first.
    """
    classes, seen = {clean(name) for name in class_names}, {""}
    found = []
    for words in lists:
        places, duplicates, of_classes = [], 0, 0
        for place, word in enumerate(map(clean, words)):
            if word in seen:
                duplicates += 1
            elif word in classes:
                of_classes += 1
            else:
                places.append(place)
                seen.add(word)
        found.append(Candidates(np.array(places, np.intp), duplicates, of_classes))
    return found


def distance(cosine: Floats, percentile: float) -> Floats:
    """Return each word's distance (n,), equal to np.quantile(cosine, percentile / 100, axis=1).

    `cosine` is reordered.
    """
    at = (cosine.shape[1] - 1) * (percentile / 100)
    below = min(int(at), cosine.shape[1] - 1)
    above = min(below + 1, cosine.shape[1] - 1)
    cosine.partition((below, above), axis=1)
    low, high, weight = cosine[:, below], cosine[:, above], at - below
    # Interpolated from the nearer end, as in NumPy: otherwise the last digit may differ.
    far: Floats = high - (high - low) * (1 - weight)
    return far if weight >= 0.5 else low + (high - low) * weight


def kept(
    words: Sequence[Sequence[str]], distances: Sequence[Floats], keep: Fraction | int
) -> list[Places]:
    """Return the places of the words that each list keeps, by rising distance, ties by word.

    Distances equal to 12 digits tie, because those of equal vectors may differ in the last one.
    `keep` is as in `shares`.
    """
    counts, places = shares([len(one) for one in words], keep), []
    for some, far, count in zip(words, distances, counts, strict=True):
        keys = list(zip(far.round(DIGITS).tolist(), some, strict=True))
        order = sorted(range(len(keys)), key=keys.__getitem__)
        places.append(np.array(order[:count], np.intp))
    return places


def nearest(
    words: Sequence[Sequence[str]],
    distances: Sequence[Floats],
    farthest: Sequence[Places],
    number: int,
) -> list[Places]:
    """Return the places of each list's nearest words, by falling distance, ties by word.

    They are none of the `farthest`. `number` counts those of all lists, as in `shares` of the words
    that are left. Distances tie as in `kept`.
    """
    every = zip(words, farthest, strict=True)
    left = [np.setdiff1d(np.arange(len(some)), far) for some, far in every]
    counts, places = shares([len(one) for one in left], number), []
    for some, far, there, count in zip(words, distances, left, counts, strict=True):
        keys = dict(zip(there.tolist(), (-far[there].round(DIGITS)).tolist(), strict=True))
        order = sorted(keys, key=lambda place: (keys[place], some[place]))
        places.append(np.array(order[:count], np.intp))
    return places


def shares(lengths: Sequence[int], keep: Fraction | int) -> list[int]:
    """Return how many words each list keeps: a share of it, or its part of a total number.

    A share is rounded down, as in the paper's code. A number is split in proportion to the lengths
    and rounded down; the largest remainders get one more, ties the earlier list. Raises ValueError
    if it is larger than all lists.

    >>> shares([10, 20, 30], Fraction(15, 100)), shares([10, 20, 30], 10)
    ([1, 3, 4], [2, 3, 5])
    """
    if isinstance(keep, Fraction):
        return [int(keep * length) for length in lengths]
    total = sum(lengths)
    if keep > total:
        raise ValueError(f"there are {total:,} words to choose from, fewer than {keep:,}")
    counts = [keep * length // total for length in lengths]
    lost = [-(keep * length % total) for length in lengths]
    for place in sorted(range(len(lengths)), key=lost.__getitem__)[: keep - sum(counts)]:
        counts[place] += 1
    return counts

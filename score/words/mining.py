"""Negative mining: which words are far from all classes.

NegLabel (Jiang et al., *Negative Label Guided OOD Detection with Pretrained Vision-Language
Models*, ICLR 2024) takes those words of each list whose distance to the classes, a high percentile
of their cosines with them, is lowest. Pure functions over words and `cosine`, float64 (n, K): n
words against K classes.
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
# A word of a conjugated pool (CSP, Chen et al., NeurIPS 2024) with a larger cosine is no candidate.
TOO_NEAR = 0.95
DIGITS = 12
QUOTES = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class Candidates:
    """The words of a list that can be chosen, by their places, and how many cannot and why."""

    places: Places
    duplicates: int
    class_names: int


def cleaning(encoding: Mapping[str, Any]) -> Callable[[str], str]:
    """Return what the tokenizer of a text file does to a text first, going by its `encoding`.

    Of an unknown one, as after an import, it is CLIP's, which takes upper and lower case for one.
    """
    if encoding.get("tokenizer") == "SigLipTokenizer" or "canonical" in str(encoding.get("clean")):
        return canonical
    return spaced if encoding.get("clean") == "_clean_whitespace" else lower


def spaced(text: str) -> str:
    """Return a text without HTML's entities, curly quotes and needless blanks.

    >>> spaced(" R&amp;B  singer")
    'R&B singer'
    """
    text = unicodedata.normalize("NFC", html.unescape(html.unescape(text)))
    return " ".join(text.translate(QUOTES).split())


def lower(text: str) -> str:
    """Return what `spaced` does in lower case, as CLIP's tokenizer reads it."""
    return spaced(text).lower()


def canonical(text: str) -> str:
    """Return a text in lower case without punctuation, as SigLIP's tokenizer reads it.

    >>> canonical("Jack-o'-lantern_(lamp)")
    'jackolantern lamp'
    """
    text = spaced(text).replace("_", " ").translate(WITHOUT_PUNCTUATION)
    return " ".join(text.lower().split())


def candidates(
    lists: Sequence[Sequence[str]], class_names: Sequence[str], clean: Callable[[str], str]
) -> list[Candidates]:
    """Return what can be chosen of each list: no class's name, and no word that stood before.

    Words are compared as the tokenizer reads them; what it reads as nothing is a duplicate of the
    empty text. The first list given keeps a word that stands in several.
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
    """Return each word's distance (n,), np.quantile(cosine, percentile / 100, axis=1) to the bit.

    That is the linear method: between the two order statistics around it. `cosine` is reordered.
    """
    at = (cosine.shape[1] - 1) * (percentile / 100)
    below = min(int(at), cosine.shape[1] - 1)
    above = min(below + 1, cosine.shape[1] - 1)
    cosine.partition((below, above), axis=1)
    low, high, weight = cosine[:, below], cosine[:, above], at - below
    # From whichever end is nearer, as NumPy has it: the other way the last digit may differ.
    far: Floats = high - (high - low) * (1 - weight)
    return far if weight >= 0.5 else low + (high - low) * weight


def kept(
    words: Sequence[Sequence[str]], distances: Sequence[Floats], keep: Fraction | int
) -> list[Places]:
    """Return the places of the words that each list keeps, by rising distance, ties by word.

    Equal vectors may have distances that differ in the last digit, so those equal to 12 are tied.
    A share is of each list, rounded down: for 15 % it is int(0.15 · n), as in the paper's code. A
    number is of all lists together, shared out as `shares` says.
    """
    counts, places = shares([len(one) for one in words], keep), []
    for some, far, count in zip(words, distances, counts, strict=True):
        keys = list(zip(far.round(DIGITS).tolist(), some, strict=True))
        order = sorted(range(len(keys)), key=keys.__getitem__)
        places.append(np.array(order[:count], np.intp))
    return places


def shares(lengths: Sequence[int], keep: Fraction | int) -> list[int]:
    """Return how many words each list keeps: a share of it, or its part of a number.

    A number is parted in proportion to the lengths: each list gets its part rounded down, and one
    more those whose part lost most, of equal ones the earlier. Raises ValueError where it is larger
    than all lists.

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

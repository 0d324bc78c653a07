"""The class of each image, by id or name, or by number if the source has class numbers.

Folder names are class numbers only if they are exactly those of the vocabulary, and none of them
is an id or a name. Names that differ only in how Unicode composes a letter are the same: macOS
stores "é" as two characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]
UNLABELLED = -1
NUMBER = re.compile("0|[1-9][0-9]{0,8}")


def match(label_names: Sequence[str], ids: Sequence[str], names: Sequence[str]) -> Labels:
    """Return the class of each of a source's label names, -1 for none.

    Ids take precedence over names; a name that several classes share matches none.

    >>> match(["n2", "cat", "crane"], ["n1", "n2", "n3"], ["crane", "cat", "crane"])
    array([ 1,  1, -1])
    """
    by_id, by_name = _places(ids if any(ids) else ()), _places(names)
    found = (composed(name) for name in label_names)
    return np.array([by_id.get(one, by_name.get(one, UNLABELLED)) for one in found], np.int64)


def composed(name: str) -> str:
    """Return a name with every letter and its accents as one character (NFC)."""
    return unicodedata.normalize("NFC", name)


def _places(keys: Sequence[str]) -> dict[str, int]:
    """Return the place of each key, composed, that occurs once."""
    whole = [composed(key) for key in keys]
    times = Counter(whole)
    return {key: place for place, key in enumerate(whole) if times[key] == 1}


def are_numbers(label_names: Sequence[str], ids: Sequence[str], names: Sequence[str]) -> bool:
    """Return whether label names are the numbers of all classes and none is an id or a name.

    ImageNet-V2's folders are.

    >>> are_numbers(["0", "1"], ["", ""], ["cat", "dog"])
    True
    """
    numbers = {str(number) for number in range(len(names))}
    return set(label_names) == numbers and numbers.isdisjoint((*ids, *names))


def numbered(label_names: Sequence[str], classes: npt.NDArray[np.integer]) -> Labels:
    """Return the place among `classes` of each class number, -1 if that class is not scored.

    Numbers, like `classes`, are places in the whole vocabulary, from 0.

    >>> numbered(["0", "7", "2"], np.array([2, 0]))
    array([ 1, -1,  0])
    """
    places = {number: place for place, number in enumerate(classes.tolist())}
    found = [int(name) if NUMBER.fullmatch(name) else UNLABELLED for name in label_names]
    return np.array([places.get(number, UNLABELLED) for number in found], np.int64)


def targets(label: Labels, classes: Labels) -> Labels:
    """Return each image's class: `label` indexes label names, `classes` are their classes.

    >>> targets(np.array([1, -1, 0]), np.array([5, 7]))
    array([ 7, -1,  5])
    """
    return np.append(classes, UNLABELLED)[label]

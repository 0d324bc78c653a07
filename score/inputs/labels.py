"""The class of each image, by id or name, or by number if the source has class numbers.

Folder names are never class numbers, even if they are digits.
"""

from __future__ import annotations

import re
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
    times = Counter(names)
    by_name = {name: place for place, name in enumerate(names) if times[name] == 1}
    by_id = {one: place for place, one in enumerate(ids) if one}
    return np.array(
        [by_id.get(name, by_name.get(name, UNLABELLED)) for name in label_names], np.int64
    )


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

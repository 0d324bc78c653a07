"""Labels in lists, tables and tars: class numbers if all are numbers, otherwise names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.row_names import missing_among_numbers

NONE = ("", "-1")  # Texts for "no label".
INTEGER = re.compile(r"0|[1-9][0-9]{0,17}")
SIGNED = re.compile(r"-[0-9]+")
DIGITS = re.compile("[0-9]+")
FLOAT = re.compile(r"-?[0-9]+\.[0-9]*")


@dataclass(frozen=True)
class ImageLabels:
    """A label for each image, -1 or an index into `names`; `numbered` if those are numbers."""

    labels: npt.NDArray[np.int64]
    names: tuple[str, ...]
    numbered: bool = False


def from_texts(texts: Sequence[str], where: Callable[[int], str]) -> ImageLabels:
    """Return labels from texts; "" and "-1" are none.

    They are class numbers if every one is, names otherwise. `where` names a row in errors.

    >>> from_texts(["10", "-1", "9"], str)
    ImageLabels(labels=array([ 1, -1,  0]), names=('9', '10'), numbered=True)
    """
    distinct = {text for text in texts if text not in NONE}
    numbered = bool(distinct) and all(INTEGER.fullmatch(text) for text in distinct)
    for text in distinct if not numbered else ():
        if why := _why_invalid(text, distinct):
            raise InputError(f"{where(texts.index(text))}: label {text!r} {why}")
    if (padded := _padded(distinct)) is not None:
        what = f"label {padded!r} has a leading zero, but other class numbers do not"
        raise InputError(f"{where(texts.index(padded))}: {what}; write 7, not 07")
    if (mark := missing_among_numbers(distinct)) is not None:
        what = f"label {mark!r} is not a class number"
        raise InputError(f"{where(texts.index(mark))}: {what}; leave a missing label empty")
    names = tuple(sorted(distinct, key=int) if numbered else sorted(distinct))
    places = {name: place for place, name in enumerate(names)}
    labels = np.array([places.get(text, -1) for text in texts], np.int64)
    return ImageLabels(labels, names, numbered)


def from_classes(
    values: Sequence[int | None], classes: Sequence[str], where: Callable[[int], str]
) -> ImageLabels:
    """Return labels from numbers of `classes`; None and -1 are none.

    They are class numbers if the classes are called 0, 1, 2 …, names otherwise. `where` names a
    row in errors.

    >>> from_classes([1, None, 0], ("dog", "cat"), str)
    ImageLabels(labels=array([ 0, -1,  1]), names=('cat', 'dog'), numbered=False)
    """
    used = {-1 if value is None else value for value in values} - {-1}
    for value in sorted(used)[:1] + sorted(used)[-1:]:
        if not 0 <= value < len(classes):
            raise InputError(
                f"{where(values.index(value))}: label {value} is none of the {len(classes):,} "
                "classes in its metadata, which count from 0"
            )
    numbered = list(classes) == [str(number) for number in range(len(classes))]
    order = sorted(used) if numbered else sorted(used, key=lambda value: classes[value])
    places = {value: place for place, value in enumerate(order)}
    labels = np.array([places.get(-1 if one is None else one, -1) for one in values], np.int64)
    return ImageLabels(labels, tuple(classes[one] for one in order), numbered)


def _why_invalid(text: str, distinct: set[str]) -> str | None:
    if "\0" in text or any("\ud800" <= one <= "\udfff" for one in text):
        return "is not UTF-8 text"
    if SIGNED.fullmatch(text):
        return "is below -1, which means no label"
    if all(FLOAT.fullmatch(one) for one in distinct):
        return "is not an integer: write class numbers without a point"
    return None


def _padded(distinct: set[str]) -> str | None:
    """Return a number with leading zeros among numbers of another width, None if there is none."""
    if len({*map(len, distinct)}) < 2 or not all(map(DIGITS.fullmatch, distinct)):
        return None
    return min((text for text in distinct if text[0] == "0" and text != "0"), default=None)

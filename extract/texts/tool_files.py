"""Class names under a key in files of other tools: transformers, COCO and YOLO."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from oodcache.extract.texts import mappings
from oodcache.extract.texts.word_lists import Columns

OF_TRANSFORMERS, OF_COCO, OF_YOLO = "id2label", "categories", "names"
KEYS = (OF_TRANSFORMERS, OF_COCO)
UNNAMED = re.compile("LABEL_[0-9]+")  # What transformers writes if a model has no names.
NAMES_KEY = re.compile(r"names:\s*(?:#.*)?")
INLINE_NAMES = re.compile(r"names:\s*([\[{].*)")
OTHER_KEY = re.compile(r"[\w.]+:(\s.*)?")


def under_key(value: Any) -> tuple[str, Any] | None:
    """Return the key of JSON that has class names below it, and what is there; None without one."""
    found = [key for key in KEYS if isinstance(value, Mapping) and key in value]
    wanted = {OF_TRANSFORMERS: dict, OF_COCO: list}
    return next(((key, value[key]) for key in found if isinstance(value[key], wanted[key])), None)


def columns(key: str, inside: Any) -> Columns:
    """Return the ids and names below a key; raise ValueError, with the reason, if there are none.

    >>> columns("categories", [{"id": 7, "name": "train"}, {"id": 8, "name": "truck"}])
    (('7', '8'), ('train', 'truck'))
    """
    if key == OF_COCO:
        return _categories(inside)
    ids, names = mappings.columns(inside)
    if all(map(UNNAMED.fullmatch, names)):
        raise ValueError(f"its {key} has no names, only {names[0]}, …")
    return ids, names


def yolo(lines: Sequence[str]) -> tuple[tuple[int, ...], tuple[str, ...]] | None:
    """Return the lines with the names in a data.yaml, and their numbers from 1; None for others.

    They are what stands below `names:`, or in brackets behind it.
    """
    starts = [at for at, line in enumerate(lines) if NAMES_KEY.fullmatch(line.rstrip())]
    inline = [at for at, line in enumerate(lines) if INLINE_NAMES.fullmatch(line.rstrip())]
    if len(starts) + len(inline) != 1:
        return None
    if inline:
        return _in_brackets(lines, inline[0])
    below = []
    for at in range(starts[0] + 1, len(lines)):
        text = lines[at].split(" #")[0].strip()
        if OTHER_KEY.fullmatch(lines[at]) and not lines[at][0].isspace():
            break
        if text and not text.startswith("#"):
            below.append((at + 1, text))
    return tuple(at for at, _ in below), tuple(text for _, text in below)


def _in_brackets(lines: Sequence[str], first: int) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return a list in brackets on one line or several; words without quotes are put in some."""
    text = ""
    for line in (lines[first].partition(":")[2], *lines[first + 1 :]):
        text = f"{text} {line.split(' #')[0].strip()}".strip()
        if text.count("[") == text.count("]") and text.count("{") == text.count("}"):
            break
    if text.endswith("]") and not re.search("[\"'{]", text):
        words = [word.strip() for word in text.strip("[]").split(",")]
        text = str([word for word in words if word])
    return (first + 1,), (text,)


def _categories(inside: Sequence[Any]) -> Columns:
    for one in inside:
        if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
            raise ValueError(f"its {OF_COCO} have one without a name: {str(one)[:40]!r}")
    if not inside:
        raise ValueError(f"its {OF_COCO} are empty")
    return tuple(str(one.get("id", "")) for one in inside), tuple(one["name"] for one in inside)

"""Class names in JSON or in a Python literal: lists, and objects with numbers, ids and names."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

from oodcache.cache.json_text import DEEPEST, parse_json
from oodcache.extract.texts.word_lists import Columns

NUMBER = re.compile("0|[1-9][0-9]{0,8}")
FORMS = "a list of names, or an object of numbers or ids with names"


def parse(text: str) -> Any:
    """Return the value of JSON or of a Python literal; raise ValueError if it is neither."""
    try:
        return parse_json(text)
    except json.JSONDecodeError:
        return _literal(text)


def _literal(text: str) -> Any:
    """Return the value of a Python literal; no code is run."""
    if _deepest(text) > DEEPEST:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels")
    try:
        tree = ast.parse(text, mode="eval")
        value = ast.literal_eval(tree)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError("it is neither") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict) and len(node.keys) > len(ast.literal_eval(node)):
            raise ValueError("it has a duplicate key in one dictionary")
    return value


def columns(value: Any) -> Columns:
    """Return the ids and names in a value; raise ValueError, with the reason, if it has others.

    Numbered classes are sorted by number, and must be numbered from 0 without gaps.

    >>> columns({"1": ["n2", "dog"], "0": ["n1", "cat"]})
    (('n1', 'n2'), ('cat', 'dog'))
    >>> columns({"dog": 1, "cat": 0})
    (('', ''), ('cat', 'dog'))
    """
    if isinstance(value, Mapping):
        pairs = _of_object(value)
    elif isinstance(value, (list, tuple)):
        pairs = [_pair(one) for one in value]
    else:
        raise ValueError(f"it is {type(value).__name__}, not {FORMS}")
    if not pairs:
        raise ValueError("it is empty")
    ids, names = zip(*pairs, strict=True)
    return ids, names


def in_order(numbers: Sequence[int], what: str = "classes") -> list[int]:
    """Return the places that sort `numbers`; raise ValueError unless they count from 0 to K-1.

    >>> in_order([1, 0])
    [1, 0]
    """
    places = sorted(range(len(numbers)), key=numbers.__getitem__)
    found = [numbers[place] for place in places]
    if found != list(range(len(found))):
        raise ValueError(
            f"its {what} are numbered from {found[0]} to {found[-1]}, {len(found)} in all, but "
            "class numbers count from 0 without gaps"
        )
    return places


def _of_object(value: Mapping[Any, Any]) -> list[tuple[str, str]]:
    keys, values = list(value), list(value.values())
    if keys and all(_is_number(one) for one in keys):
        return [_pair(values[place]) for place in in_order([int(one) for one in keys])]
    if keys and all(_is_number(one) for one in values):
        return [_pair(keys[place]) for place in in_order([int(one) for one in values])]
    if all(isinstance(one, str) for one in (*keys, *values)):
        return list(zip(keys, values, strict=True))
    raise ValueError(f"it is not {FORMS}")


def _pair(one: Any) -> tuple[str, str]:
    """Return the id ("" if none) and the name of a class."""
    if isinstance(one, str):
        return "", one
    if isinstance(one, (list, tuple)) and len(one) == 2 and all(isinstance(x, str) for x in one):
        return one[0], one[1]
    raise ValueError(f"it holds {str(one)[:40]!r} for a name; expected {FORMS}")


def _is_number(one: Any) -> bool:
    if isinstance(one, str):
        return NUMBER.fullmatch(one) is not None
    return isinstance(one, Integral) and not isinstance(one, bool)


def _deepest(text: str) -> int:
    deepest = depth = 0
    for bracket in re.findall(r"[\[{(]|[\]})]", text):
        depth += 1 if bracket in "[{(" else -1
        deepest = max(deepest, depth)
    return deepest

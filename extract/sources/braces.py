"""Brace expansion as in a shell: `{00..12}` counts, `{a,b}` lists, several combine."""

from __future__ import annotations

import re
from itertools import product
from math import prod

from oodcache.cache.errors import InputError

MOST = 100_000
PART = re.compile(r"\{([^{}]*)\}")
COUNT = re.compile(r"([0-9]{1,18})\.\.([0-9]{1,18})")


def expand(pattern: str) -> list[str]:
    """Return every path that a pattern expands to, in order; the last brace varies fastest.

    A leading zero pads the whole range to that width. Raises InputError for braces that are
    neither a range nor a list, and for more than `MOST` paths.

    >>> expand("x/{08..10}.tar")
    ['x/08.tar', 'x/09.tar', 'x/10.tar']
    """
    pieces = PART.split(pattern)  # Every second one was in braces.
    if any("{" in piece or "}" in piece for piece in pieces[::2]):
        raise InputError(f"{pattern}: its braces do not match; expected {{000..127}} or {{a,b}}")
    choices = [_choices(pattern, one) if at % 2 else [one] for at, one in enumerate(pieces)]
    _check_few(pattern, prod(map(len, choices)))
    return ["".join(parts) for parts in product(*choices)]


def _choices(pattern: str, inside: str) -> list[str]:
    found = COUNT.fullmatch(inside)
    if found is None:
        if "," not in inside:
            wanted = "neither a range, such as {000..127}, nor a list, such as {a,b}"
            raise InputError(f"{pattern}: {{{inside}}} is {wanted}")
        return inside.split(",")
    ends = found.groups()
    first, last = (int(end) for end in ends)
    padded = any(end.startswith("0") and len(end) > 1 for end in ends)
    width = max(map(len, ends)) if padded else 0
    _check_few(pattern, abs(last - first) + 1)
    numbers = range(first, last + 1) if first <= last else range(first, last - 1, -1)
    return [f"{number:0{width}d}" for number in numbers]


def _check_few(pattern: str, count: int) -> None:
    if count > MOST:
        raise InputError(f"{pattern}: expands to {count:,} files; the limit is {MOST:,}")

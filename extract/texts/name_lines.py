"""The lines of a file of class names, with their numbers for errors, and names made from them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.extract.texts import mappings
from oodcache.extract.texts.word_lists import Columns

WANTED = "expected a class name per line, or an id, a tab and a name"
QUOTED = re.compile(r"""(["'])((?:(?!\1).|\1\1)+)\1,?""")


@dataclass(frozen=True)
class NameLines:
    """The lines of a file that are no comments: their numbers, from 1, and their texts."""

    path: Path
    numbers: tuple[int, ...]
    texts: tuple[str, ...]

    def all(self, pattern: re.Pattern[str]) -> list[re.Match[str]] | None:
        """Return each line's match, None unless all lines match."""
        found = [match for text in self.texts if (match := pattern.fullmatch(text))]
        return found if len(found) == len(self.texts) else None

    def error(self, reason: str, place: int = 0) -> InputError:
        """Return an error that names a line and the wanted forms."""
        return InputError(f"{self.path}: line {self.numbers[place]} {reason}; {WANTED}")

    def by_number(self, numbers: Sequence[int], names: Sequence[str]) -> Columns:
        """Return names sorted by number; raise InputError unless those count from 0 to K-1."""
        try:
            return unnamed([names[place] for place in mappings.in_order(numbers)])
        except ValueError as error:
            raise InputError(
                f"{self.path}: {error}; write a name per line, in the order of the numbers"
            ) from None


def unnamed(names: Sequence[str]) -> Columns:
    """Return names without ids."""
    return ("",) * len(names), tuple(names)


def unquoted(text: str) -> str:
    """Return a text without the quotes around it.

    >>> [unquoted(text) for text in ("'hood", "'cat',")]
    ["'hood", 'cat']
    """
    found = QUOTED.fullmatch(text)
    return text if found is None else found[2].replace(found[1] * 2, found[1])

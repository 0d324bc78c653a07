"""Names with numbers, ids or marks around them: read if the numbers are clear, or rejected."""

from __future__ import annotations

import re

from oodcache.extract.texts.imagenet import WORDNET_ID
from oodcache.extract.texts.mappings import NUMBER
from oodcache.extract.texts.name_lines import NameLines, unnamed, unquoted
from oodcache.extract.texts.word_lists import Columns

MOST = 0.9  # The share of lines with a mark from which it is no part of the names.
PLACES = re.compile(r"/[a-z]/(\S+)(?:\s+([0-9]{1,9}))?")
TRAILING = re.compile(r"(.*[^\s,])(?:\s+|,\s+)(0|[1-9][0-9]{0,8})")
LEADING = re.compile(r"(0|[1-9][0-9]{0,8})(?:([.):])\s+|[):]|\s+)(\S.*)")
MARKS = {
    r"(?:[*+]\s+|[•‣◦▪●·–—]\s*)\S.*": "a list with bullets: remove them",
    r"\([0-9]+\)\s*\S.*": "a list with numbers in brackets: remove them",
    r"[0-9]+\s*(?:\||=>?|->|→|-\s)\s*\S.*": "a number, a mark and a name: remove the first two",
    r"\|.*\|": "a Markdown table",
}
QUOTED_TWICE = re.compile(r"""(["'])(?:(?!\1).)+\1[\s,;:=]+(["'])(?:(?!\2).)+\2.*""")
COMMENT_LINE = re.compile(r"[;%]+\s*[^\W\d_].*")
COMMENT_BEHIND = re.compile(r".*\S\s+#\s+\D.*")
# "level 1" is a name, and "name" among other names is, too; but not in a file's first line.
HEADERS = ("name", "label", "class", "names", "labels", "classes", "category", "categories")


def marked(lines: NameLines) -> Columns | None:
    """Reject bullets, Markdown and comments, which would become parts of names."""
    for pattern, what in MARKS.items():
        found = [bool(re.fullmatch(pattern, text)) for text in lines.texts]
        if sum(found) >= MOST * len(found):
            raise lines.error(f"looks like {what}", found.index(True))
    for place, text in enumerate(lines.texts):
        if COMMENT_LINE.fullmatch(text) or COMMENT_BEHIND.fullmatch(text):
            raise lines.error("looks like a comment (only lines that start with # are)", place)
    return None


def quoted_twice(lines: NameLines) -> Columns | None:
    """Reject lines of several quoted names that are no CSV."""
    found = [bool(QUOTED_TWICE.fullmatch(text)) for text in lines.texts]
    if sum(found) >= MOST * len(found):
        raise lines.error("looks like several names in one line", found.index(True))
    return None


def places(lines: NameLines) -> Columns | None:
    """Read Places365's categories, `/a/apartment_building/outdoor 8`; the numbers may be absent."""
    if (found := lines.all(PLACES)) is None:
        return None
    names = [one[1].replace("/", "_") for one in found]
    numbers = [one[2] for one in found if one[2] is not None]
    if not numbers:
        return unnamed(names)
    if len(numbers) < len(names):
        at = next(place for place, one in enumerate(found) if one[2] is None)
        raise lines.error("has no number, but others have", at)
    return lines.by_number([int(one) for one in numbers], names)


def trailing(lines: NameLines) -> Columns | None:
    """Read a name and a number per line; None if the numbers seem parts of names ("Golf 2012")."""
    found = lines.all(TRAILING)
    if found is None:
        return None
    numbers, names = [int(one[2]) for one in found], [unquoted(one[1]) for one in found]
    return lines.by_number(numbers, names) if _count(numbers, names) else None


def leading(lines: NameLines) -> Columns | None:
    """Reject numbered names with gaps; None if the numbers seem parts of names ("7 up")."""
    found = lines.all(LEADING)
    if found is None or len(found) < 2:
        return None
    numbers, names = [int(one[1]) for one in found], [unquoted(one[3]) for one in found]
    is_list = all(one[2] for one in found) and len(set(names)) == len(names)
    return lines.by_number(numbers, names) if is_list or _count(numbers, names) else None


def _count(numbers: list[int], names: list[str]) -> bool:
    """Return whether numbers count the names, from 0 or 1 and perhaps with gaps."""
    if len(names) < 2 or len(set(names)) < len(names):
        return False  # "level 1" and "level 2" are names.
    return min(numbers) == 0 or (min(numbers) == 1 and max(numbers) < 3 * len(numbers))


def tabbed(lines: NameLines) -> Columns | None:
    """Read a name, a tab and a number or WordNet id per line, in that order."""
    cells = [[cell.strip() for cell in text.split("\t")] for text in lines.texts]
    if any(len(row) != 2 for row in cells):
        return None
    names, keys = [row[0] for row in cells], [row[1] for row in cells]
    if all(map(NUMBER.fullmatch, keys)) and not all(map(NUMBER.fullmatch, names)):
        return lines.by_number([int(key) for key in keys], names)
    if all(map(WORDNET_ID.fullmatch, keys)) and not any(map(WORDNET_ID.fullmatch, names)):
        return tuple(keys), tuple(names)
    return None


def is_lone_header(text: str) -> bool:
    """Return whether a first line is the header of a column of names."""
    return unquoted(text).casefold() in HEADERS

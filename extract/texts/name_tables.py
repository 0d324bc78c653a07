"""Class names in CSV: a column of names and perhaps one of ids or numbers, known by the header."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from oodcache.extract.texts.imagenet import WORDNET_ID
from oodcache.extract.texts.mappings import NUMBER
from oodcache.extract.texts.name_lines import NameLines, unnamed
from oodcache.extract.texts.word_lists import Columns

# What columns are called, by what they hold; those of OTHERS may be classes, too.
NAMES = ("class_name", "classname", "class_names", "classnames", "label_name", "category_name")
NUMBERS = ("class_id", "class_number", "class_index", "class_idx", "index", "idx", "number", "id")
IDS = ("wnid", "wordnet_id", "synset", "synset_id", "class_id", "label_id", "id", "code")
OTHERS = ("name", "names", "category", "class", "label", "labels", "words", "text", "")

KEY = re.compile(f"(?:{NUMBER.pattern})|{WORDNET_ID.pattern}")


def columns(lines: NameLines) -> Columns | None:
    """Return the ids and names in CSV; None if the lines are no CSV.

    Without a header there must be two columns, a number or a WordNet id and a name. Names with a
    comma and a blank are synonyms, as in "tench, Tinca tinca". Raises InputError for other CSV.
    """
    rows = _rows(lines)
    widths = {len(row) for row in rows}
    if widths <= {1}:
        return None
    if len(rows) == 1:
        raise lines.error("looks like several names in one line")
    if len(widths) > 1:
        if is_header(rows[0]):
            raise lines.error("looks like CSV, but its rows have different lengths")
        return None
    if is_header(rows[0]):
        return _with_header(lines, rows)
    keys, names = [row[0] for row in rows], [row[-1] for row in rows]
    if widths == {2} and all(map(NUMBER.fullmatch, keys)):
        return lines.by_number([int(key) for key in keys], names)
    if widths == {2} and all(map(WORDNET_ID.fullmatch, keys)):
        return tuple(keys), tuple(names)
    if any(", " in text for text in lines.texts):
        return None
    raise lines.error("looks like CSV without a header class_name or name")


def is_name_header(text: str) -> bool:
    """Return whether a text can only be the header of a column of class names."""
    return _header([text])[0] in NAMES


def _rows(lines: NameLines) -> list[list[str]]:
    """Return the cells of each line, none if a line is no CSV."""
    for delimiter in ",;":
        try:
            reader = csv.reader(
                lines.texts, delimiter=delimiter, strict=True, skipinitialspace=True
            )
            rows = [[cell.strip() for cell in row] for row in reader]
        except csv.Error:
            return []
        is_even = delimiter == "," or len({len(row) for row in rows}) == 1
        if len(rows) == len(lines.texts) and is_even and any(len(row) > 1 for row in rows):
            return rows
    return []


def _header(cells: Sequence[str]) -> list[str]:
    return [cell.casefold().replace(" ", "_") for cell in cells]


def is_header(cells: Sequence[str]) -> bool:
    """Return whether the cells of a first line name columns."""
    known = [cell for cell in _header(cells) if cell in (*NAMES, *NUMBERS, *IDS, *OTHERS)]
    is_strong = any(cell in (*NAMES, *NUMBERS, *IDS) for cell in known)
    return len(cells) > 1 and (is_strong or len(known) > 1)


def _with_header(lines: NameLines, rows: Sequence[Sequence[str]]) -> Columns:
    header = _header(rows[0])
    at_name = _name_column(lines, header, rows[1:])
    body = NameLines(lines.path, lines.numbers[1:], lines.texts[1:])
    names = tuple(row[at_name] for row in rows[1:])
    for one in (*IDS, *NUMBERS, *OTHERS):
        if one not in header or header.index(one) == at_name:
            continue
        keys = tuple(row[header.index(one)] for row in rows[1:])
        if all(map(NUMBER.fullmatch, keys)):
            return body.by_number([int(key) for key in keys], names)
        if one in IDS or all(map(WORDNET_ID.fullmatch, keys)):
            return keys, names
    return unnamed(names)


def _name_column(lines: NameLines, header: list[str], rows: Sequence[Sequence[str]]) -> int:
    """Return the first column that is called a name and holds more than numbers and WordNet ids."""
    known = [header.index(one) for one in (*NAMES, *OTHERS) if one and one in header]
    if not known:
        raise lines.error("looks like a header of CSV without a column class_name or name")
    for pattern in (KEY, NUMBER):
        for place in known:
            if not all(pattern.fullmatch(row[place]) for row in rows):
                return place
    raise lines.error(f"looks like a header of CSV, but its {header[known[0]]!r} are all numbers")

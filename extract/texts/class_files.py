"""A file of class names: its form recognised by the content, and read, or rejected with a reason.

The forms: a name per line; an id, a tab and a name; WordNet's; JSON and Python literals; CSV with
a header; numbered, quoted and YAML lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.text import counted, read_lines
from oodcache.cache.watch import Note
from oodcache.extract.texts import mappings, marked_lines, name_tables, tool_files, word_lists
from oodcache.extract.texts.imagenet import PREFIXED, WORDNET_ID
from oodcache.extract.texts.name_lines import QUOTED, WANTED, NameLines, unnamed, unquoted
from oodcache.extract.texts.word_lists import Columns

EXPECTED = "; expected a file of class names"
FOREIGN = {
    r"<[!?/a-zA-Z]": "HTML or XML",
    r"version https://git-lfs": "a Git LFS pointer (fetch it with: git lfs pull)",
    r"---|[\w.]+:\s*$": "YAML of another form",
    r"[\w.]+\s*[=:]?\s*[\[({]+\s*$|[\w.]+\s*=\s*[\[({]": "a program or a configuration",
    r"[\[{]": "JSON or a Python literal without its end",
    r"//": "a comment (comments start with #)",
}
SYNONYMS = re.compile(r"(n[0-9]{8}) +(.+)")
ID_COMMA = re.compile(r'(n[0-9]{8}),\s*((?:[^,"]|, )+)')
ID_BEHIND = re.compile(r"(\S.*?)(?:\s+|,\s*)(n[0-9]{8})")
NUMBERED_LEMMA = re.compile(r"(n[0-9]{8}) +([0-9]+) +(\S+)")
NUMBERED = re.compile(r"([0-9]+)(?:[.):]\s*|\s+)(\S.*)")
YAML_LIST, YAML_NUMBERS = re.compile(r"-\s+(\S.*)"), re.compile(r"(.*\S):\s+([0-9]{1,9})")
YAML_NAMES = re.compile(r"names:\s*([\[{].*)?")


Form = Callable[[NameLines], Columns | None]


def read(path: Path, note: Note = lambda text: None) -> Columns:
    """Return the ids and names of the classes in a file; ids are all empty if it has none.

    Any form but the first two is reported in a note. Raises InputError, with the line, for what is
    none of the forms.
    """
    found = read_lines(path, EXPECTED)
    if not found:
        raise InputError(f"{path}: is empty; expected a class name per line")
    if word_lists.is_wordnet(found):
        return word_lists.lemmas(path, found)
    lines = _under_names(path, found) or _uncommented(path, found, note)
    for words, form in FORMS:
        if (columns := form(lines)) is not None:
            _check(lines, columns)
            _tell_numbers(path, columns[0], note)
            if words:
                note(f"{path}: read as {words}, {counted(len(columns[0]), 'class')}")
            return columns
    raise AssertionError("the last form reads or rejects")


def _under_names(path: Path, found: Sequence[str]) -> NameLines | None:
    """Return the names in YOLO's data.yaml as lines of their own, None for another file."""
    inside = tool_files.yolo(found)
    if inside is None:
        return None
    if not inside[0]:
        raise InputError(f"{path}: has no names under {tool_files.OF_YOLO!r}; {WANTED}")
    return NameLines(path, *inside)


def _tell_numbers(path: Path, ids: Sequence[str], note: Note) -> None:
    """Note that ids are numbers, but other ones than the class numbers of lists and tables."""
    if all(map(mappings.NUMBER.fullmatch, ids)) and [*map(int, ids)] != [*range(len(ids))]:
        note(
            f"{path}: its ids are numbers, but not 0, 1, 2, …: class numbers in lists and tables "
            "count its lines from 0, whatever the ids are"
        )


def _uncommented(path: Path, found: Sequence[str], note: Note) -> NameLines:
    kept = [(at, line) for at, line in enumerate(found, 1) if not line.startswith("#")]
    if not kept:
        raise InputError(f"{path}: has only comments, lines that start with #; {WANTED}")
    if comments := len(found) - len(kept):
        first = next(line for line in found if line.startswith("#"))
        note(f"{path}: skipped {counted(comments, 'comment line')}, the first {first[:60]!r}")
    numbers, texts = zip(*kept, strict=True)
    for number, text in kept:
        if not text.strip():
            raise InputError(f"{path}: line {number} is blank; remove it")
    has_tabs = any("\t" in text for text in texts)
    return NameLines(path, numbers, texts if has_tabs else _stripped(texts))


def _stripped(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(text.strip() for text in texts)


def _check(lines: NameLines, columns: Columns) -> None:
    """Reject blank names, and names without ids or ids that repeat."""
    ids, names = columns
    keys = ids if any(ids) else names
    first: dict[str, int] = {}
    by_line = len(keys) == len(lines.numbers)
    for place, (key, name) in enumerate(zip(keys, names, strict=True)):
        where = f"line {lines.numbers[place]}" if by_line else f"class {place}"
        if not key.strip() or not name.strip() or "\0" in name:
            raise InputError(f"{lines.path}: {where} is blank or has no id; {WANTED}")
        if key in first:
            at = lines.numbers[first[key]] if by_line else first[key]
            raise InputError(
                f"{lines.path}: {where} repeats {where.split()[0]} {at}, {key!r}; remove one, or "
                "distinguish them by ids: an id, a tab, a name"
            )
        first[key] = place


def _literal(lines: NameLines) -> Columns | None:
    text = "\n".join(lines.texts).strip()
    if text[0] + text[-1] not in ("[]", "{}", "()"):
        return None
    try:
        value = mappings.parse(text)
        keyed = tool_files.under_key(value)
        return mappings.columns(value) if keyed is None else tool_files.columns(*keyed)
    except ValueError as error:
        raise lines.error(f"looks like JSON or a Python literal, but {error}") from None


def _foreign(lines: NameLines) -> Columns | None:
    for pattern, what in FOREIGN.items():
        if re.match(pattern, lines.texts[0]):
            raise lines.error(f"looks like {what}")
    return None


def _tabbed(lines: NameLines) -> Columns | None:
    """Read an id, a tab and a name per line; a first line that names the two is rejected."""
    cells = [text.split("\t") for text in lines.texts]
    if all(len(row) == 1 for row in cells):
        return None
    has_ids = len(cells[0]) > 1
    for place, row in enumerate(cells):
        if len(row) != 1 + has_ids or (has_ids and not row[0].strip()):
            wanted = "an id, a tab and a name, as in line 1" if has_ids else "a name without a tab"
            raise InputError(f"{lines.path}: line {lines.numbers[place]}: expected {wanted}")
    if len(cells) > 1 and name_tables.is_header(cells[0]):
        raise lines.error(f"looks like a header, {lines.texts[0]!r}: remove it")
    ids, names = (_stripped(column) for column in zip(*cells, strict=True))
    return ids, names


def _wordnet(lines: NameLines) -> Columns | None:
    """Read WordNet ids with lemmas, or alone: then they are the names, too."""
    there = [bool(WORDNET_ID.match(text)) for text in lines.texts]
    if (found := lines.all(ID_COMMA)) is not None:
        return tuple(one[1] for one in found), _first_synonyms(one[2] for one in found)
    if not any(there) and (found := lines.all(ID_BEHIND)) is not None:
        return tuple(one[2] for one in found), _first_synonyms(one[1] for one in found)
    if not any(there) or lines.all(PREFIXED) or any(text[9:10] == "," for text in lines.texts):
        return None
    if not all(there):
        raise lines.error("has no WordNet id, but others have", there.index(False))
    if lines.all(WORDNET_ID):
        return unnamed(lines.texts)
    if (found := lines.all(NUMBERED_LEMMA)) is not None:
        numbers = [int(one[2]) for one in found]
        if numbers[0] > 1 or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise lines.error("numbers its WordNet id, but the lines are not in that order")
        return tuple(one[1] for one in found), tuple(one[3] for one in found)
    if (found := lines.all(SYNONYMS)) is None:
        raise lines.error("has a WordNet id, but not every line has a name behind it")
    return tuple(one[1] for one in found), _first_synonyms(one[2] for one in found)


def _first_synonyms(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text.split(",")[0].strip() for text in texts)


def _yaml(lines: NameLines) -> Columns | None:
    if any(YAML_NAMES.fullmatch(text) for text in lines.texts):
        raise lines.error("looks like YAML of another form")
    if (found := lines.all(YAML_LIST)) is not None:
        return unnamed([unquoted(one[1]) for one in found])
    if (found := lines.all(YAML_NUMBERS)) is not None:
        return lines.by_number([int(one[2]) for one in found], [unquoted(one[1]) for one in found])
    return None


def _numbered(lines: NameLines) -> Columns | None:
    found = lines.all(NUMBERED)
    if found is None or len(found) < 2:
        return None
    numbers = [int(one[1]) for one in found]
    if sorted(numbers) not in (list(range(len(numbers))), list(range(1, len(numbers) + 1))):
        return None
    return lines.by_number(numbers, [unquoted(one[2].strip()) for one in found])


def _quoted(lines: NameLines) -> Columns | None:
    if (found := lines.all(QUOTED)) is None:
        return None
    _reject_header(lines)
    return unnamed([unquoted(one[0]) for one in found])


def _reject_header(lines: NameLines) -> None:
    """Reject a first line that names the column below it; a single class may have any name."""
    if len(lines.texts) > 1 and marked_lines.is_lone_header(lines.texts[0]):
        raise lines.error(
            f"looks like a header, {lines.texts[0]!r}: remove it, or if it is a class, move it down"
        )


def _plain(lines: NameLines) -> Columns:
    names = lines.texts
    is_pandas = names[0] == "0" and len(names) > 1 and not any(map(str.isdecimal, names[1:]))
    if is_pandas or name_tables.is_name_header(names[0]):
        raise lines.error(f"looks like a header, {names[0]!r}: remove it")
    _reject_header(lines)
    # As CSV quotes a name with a comma.
    return unnamed([unquoted(name) if name[0] == '"' else name for name in names])


FORMS: tuple[tuple[str, Form], ...] = (
    ("JSON or a Python literal", _literal),
    ("", _foreign),
    ("names with numbers or ids behind them", marked_lines.tabbed),
    ("", _tabbed),
    ("", marked_lines.marked),
    ("Places365's categories", marked_lines.places),
    ("WordNet ids and names", _wordnet),
    ("a YAML list", _yaml),
    ("numbered names", _numbered),
    ("numbered names", marked_lines.leading),
    ("names with numbers behind them", marked_lines.trailing),
    ("", _quoted),
    ("CSV", name_tables.columns),
    ("", marked_lines.quoted_twice),
    ("", _plain),
)

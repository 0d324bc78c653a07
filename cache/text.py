"""Text read from files, and text, counts and sizes formatted for people."""

from __future__ import annotations

import stat
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from oodcache.cache.errors import InputError

LARGEST = 2**28  # Bytes of a text that is read whole.
HEAD = 200  # Bytes that show an encoding.
LONGEST_LINE = 580  # Bytes of an error or a note, without the program's name.
MOST_NAMES, LONGEST_NAME = 6, 40


def read_text(path: Path, advice: str = "") -> str:
    """Return the text of a UTF-8 file; raise InputError if it cannot be read, with `advice`.

    Line ends are kept as they are.
    """
    try:
        read = text_bytes(path)
        return read.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}{advice}") from None


def text_bytes(path: Path) -> bytes:
    """Return the bytes of a text file without a byte order mark; its encoding is not checked.

    Raises InputError for a device, UTF-16 and a file above LARGEST; OSError if it cannot be read.
    """
    content = bounded(path, LARGEST, "a list")
    reject_utf16(path, content[:HEAD])
    return content.removeprefix(BOM_UTF8)


def bounded(path: Path, most: int, what: str) -> bytes:
    """Return a file's content.

    Raises InputError for a device and for a file of over `most` bytes, too large for `what`;
    OSError if it cannot be read.
    """
    check_stream(path)
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise InputError(f"{path}: larger than {most:,} bytes, too large for {what}")
    return content


def check_stream(path: Path) -> None:
    """Raise InputError if `path` is a device or a named pipe, which may never end.

    A pipe of the shell, such as `<(command)`, is read. Raises OSError if there is no such file.
    """
    mode = path.stat().st_mode
    # A named pipe lies in a folder; a link to the shell's names no file.
    is_named_pipe = stat.S_ISFIFO(mode) and path.resolve().exists()
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISSOCK(mode) or is_named_pipe:
        raise InputError(f"{path}: is a device or a named pipe; expected a file")


def reject_utf16(path: Path, head: bytes) -> None:
    """Raise InputError if a file's first bytes are UTF-16, by a byte order mark or without one.

    Without a mark, every second byte of Latin letters and digits is NUL, and no other.
    """
    few, many = sorted(half.count(0) for half in (head[::2], head[1::2]))
    is_bare = few == 0 and many > max(1, len(head) / 4)
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or is_bare:
        raise InputError(f"{path}: is UTF-16 text; save it as UTF-8")


def read_lines(path: Path, advice: str = "") -> list[str]:
    r"""Return the lines of a UTF-8 file, which end in \n or \r\n, without blank ones at the end.

    Raises InputError if the file cannot be read, with `advice`, and for a \r anywhere else.
    """
    return lines_of(path, read_text(path, advice))


def lines_of(path: Path, text: str) -> list[str]:
    """Return the lines of the text of a file at `path`, as `read_lines` does."""
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    lines = [line.removesuffix("\r") for line in lines]
    for number, line in enumerate(lines, 1):
        if "\r" in line:
            raise InputError(
                rf"{path}: line {number} contains \r without \n, as old Macs end lines; save the "
                r"file with \n or \r\n"
            )
    return lines


def cut(names: Sequence[str], most: int, between: str) -> str:
    """Return names joined, at most `most` of them, with the number of the others.

    >>> cut(["a", "b", "c"], 2, ", ")
    'a, b, … and 1 more'
    """
    more = [f"… and {len(names) - most:,} more"] * (len(names) > most)
    return between.join([*names[:most], *more])


def check_ending(path: Path, endings: Sequence[str], otherwise: str = ", or give --format") -> str:
    """Return a file's ending in lower case, the first of `endings` if it has none.

    Raises InputError, with what to give, or do `otherwise`, if the ending is another.
    """
    ending = path.suffix.lower() or endings[0]
    if ending not in endings:
        *most, last = endings
        known = f"{', '.join(most)} or {last}" if most else last
        raise InputError(f"{path}: ends in {path.suffix!r}; use {known}{otherwise}")
    return ending


def megabytes(size: int) -> str:
    """Return a number of bytes in MB, to one decimal, or to two digits below 1 MB.

    >>> [megabytes(size) for size in (0, 5561, 1_234_567_890)]
    ['0', '0.0056', '1,234.6']
    """
    return f"{size / 1e6:,.1f}" if size >= 10**6 else f"{size / 1e6:.2g}"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun in the singular or plural.

    >>> [counted(1, "class folder"), counted(2000, "class")]
    ['1 class folder', '2,000 classes']
    """
    plural = "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{plural * (count != 1)}"


def inert(cell: str) -> str:
    """Return a CSV cell that no spreadsheet runs as a formula: a quote stands before =, +, - and @.

    >>> [inert(cell) for cell in ("=1+1", "cat.jpg")]
    ["'=1+1", 'cat.jpg']
    """
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "'")) else cell


def readable(text: str) -> str:
    """Return `text` as UTF-8 can store it: other bytes of a file's name are escaped.

    >>> readable("caf" + chr(0xDCE9))
    'caf\\\\xe9'
    """
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


def printable(text: str) -> str:
    """Return `text` on one line with control and unprintable characters escaped.

    >>> printable("a" + chr(27) + "[2J" + chr(10))
    'a\\\\x1b[2J\\\\n'
    """
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape", "backslashreplace").decode()
        for one in text
    )


def shortened(text: str, most: int = LONGEST_LINE) -> str:
    """Return `text` in at most `most` bytes of UTF-8, cut in the middle: the end says what to do.

    >>> shortened("cannot read " + 40 * "a" + ": expected a number", 40)
    'cannot read aaaaaa … expected a number'
    """
    data = text.encode(errors="surrogateescape")
    if len(data) <= most:
        return text
    gap = " … "
    end = (most - len(gap.encode())) // 2
    start = most - len(gap.encode()) - end
    parts = (data[:start], data[-end:])
    return gap.join(part.decode(errors="ignore") for part in parts)


def listed(names: Iterable[object]) -> str:
    """Return names quoted and separated by commas: the first few, cut, and how many more.

    >>> listed(["a", 1, "b" * 50])
    "'a', 1, 'bbbbbbbbbbbbbbbbbb…bbbbbbbbbbbbbbbbbbb'"
    >>> listed(range(1006))
    '0, 1, 2, 3, 4, 5 and 1,000 more'
    """
    every = list(names)
    half = (LONGEST_NAME - 1) // 2
    texts = [repr(one) for one in every[:MOST_NAMES]]
    cut = [one if len(one) <= LONGEST_NAME else f"{one[:half]}…{one[-half - 1 :]}" for one in texts]
    more = len(every) - MOST_NAMES
    return ", ".join(cut) + (f" and {more:,} more" if more > 0 else "")


def meant(typed: str, names: Iterable[str]) -> str:
    """Return a question after the name that was nearly typed, "" if there is none.

    It is followed by what to do otherwise.

    >>> meant("pest", ["pets", "strays"])
    'did you mean pets? Otherwise '
    """
    folded = {one.casefold(): one for one in names}
    near = get_close_matches(typed.casefold(), folded, n=1)
    return f"did you mean {folded[near[0]]}? Otherwise " if near else ""

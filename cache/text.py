"""Text read from files, and text, counts and sizes formatted for people."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from oodcache.cache.errors import InputError

LONGEST_LINE = 580  # Bytes of an error or a note, without the program's name.
MOST_NAMES, LONGEST_NAME = 6, 40


def read_text(path: Path, advice: str = "") -> str:
    """Return the text of a UTF-8 file; raise InputError if it cannot be read, with `advice`."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}{advice}") from None


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

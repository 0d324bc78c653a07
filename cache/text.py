"""Text read from files, and text, counts and sizes formatted for people."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path

from oodcache.cache.errors import InputError


def read_text(path: Path, advice: str = "") -> str:
    """Return the text of a UTF-8 file; raise InputError if it cannot be read, with `advice`."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}{advice}") from None


def reject_utf16(path: Path, head: bytes) -> None:
    """Raise InputError if a file's first bytes are a UTF-16 byte order mark."""
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise InputError(f"{path}: is UTF-16 text; save it as UTF-8")


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

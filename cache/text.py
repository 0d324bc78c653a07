"""Text read from files, and text, counts and sizes formatted for people."""

from __future__ import annotations

import codecs
from pathlib import Path

from oodcache.cache.errors import InputError

WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path, advice: str = "") -> str:
    """Return the text of a UTF-8 file; raise InputError if it cannot be read, with `advice`.

    Line ends are kept as they are.
    """
    try:
        read = path.read_bytes()
        return read.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if read.startswith(WIDE):
            raise InputError(f"{path}: is UTF-16 text; save it as UTF-8") from None
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}{advice}") from None


def read_lines(path: Path, advice: str = "") -> list[str]:
    r"""Return the lines of a UTF-8 file, which end in \n or \r\n, without blank ones at the end.

    Raises InputError if the file cannot be read, with `advice`, and for a \r anywhere else.
    """
    lines = read_text(path, advice).split("\n")
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

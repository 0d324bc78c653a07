"""The standard streams, made safe to write, and the screen that standard output is."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys

from oodcache.cache.store.screen import Screen

MODES = {"stdin": "r", "stdout": "w", "stderr": "w"}
NARROWEST = 20  # Columns; below it, lines of a narrower screen are too long.


def prepare() -> None:
    """Open the streams that the shell closed (`>&-`), and write what they cannot encode as escapes.

    Without this Python has None for a closed stream, and the next file opened would get its number:
    messages of a C library would then be written into that file.
    """
    for number, (name, mode) in enumerate(MODES.items()):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # Gets the lowest free number, which is this one.
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            is_utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            # Bytes of a file's name that are not UTF-8 are written as they are.
            stream.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")


def screen() -> Screen:
    """Return the screen that standard output is, with bold text only on a terminal.

    A file or a pipe has as many columns as COLUMNS says, and no limit without it.
    """
    if not sys.stdout.isatty():
        columns = os.environ.get("COLUMNS", "")
        is_set = re.fullmatch(r"0*[1-9]\d{0,5}", columns, re.ASCII)
        return Screen(max(int(columns), NARROWEST) if is_set else None)
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Screen(max(shutil.get_terminal_size().columns, NARROWEST), styled=not is_plain)

"""The standard streams, made safe to write: closed ones lead nowhere, and no character fails."""

from __future__ import annotations

import io
import os
import sys

MODES = {"stdin": "r", "stdout": "w", "stderr": "w"}


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

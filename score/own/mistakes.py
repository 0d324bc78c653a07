"""Mistakes of a user's code, each described in part of one line."""

from __future__ import annotations

import traceback

from oodcache.cache.format.rules import one_line

LONGEST, PATH = 290, 120  # one_line cuts anywhere, after 300 characters.


def said(error: BaseException) -> str:
    """Return an error's type and message.

    >>> said(ValueError("too few"))
    'ValueError: too few'
    """
    text = message(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def message(error: BaseException) -> str:
    """Return an error's message on one line, cut after a sentence if it is long."""
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:
        return "its message cannot be read"
    return one_line(Exception(_cut(text)))


def place(error: BaseException, file: str) -> tuple[str, int]:
    """Return the file and line that raised an error: the last in `file`, otherwise the last."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if one.filename == file] or frames[-1:]
    return (own[-1].filename, own[-1].lineno or 0) if own else (file, 0)


def named(name: str, file: str, line: int) -> str:
    """Return a function's name with a file and line, unless there are none."""
    return f"{name} ({'…' * (len(file) > PATH)}{file[-PATH:]}, line {line})" if file else name


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    start = text[:LONGEST]
    sentences = start.rpartition(". ")[0]
    return f"{sentences}. …" if sentences else f"{start}…"

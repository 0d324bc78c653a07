"""Errors and notes in the words of Python: an argument's name instead of the option's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Hint, Note

FLAGS = ("lower-is-id", "compare", "overwrite", "retry-failed", "fast-decode", "exif")
ARGUMENTS = {
    "score": "scores",
    "name": "model_name",
    **{name: name.replace("-", "_") + "=True" for name in FLAGS},
    **{
        name: name.replace("-", "_")
        for name in (
            *("model", "classes", "id", "ood", "template", "select-on", "class-names", "negatives"),
            *("bank", "bank-labels", "bank-seed", "bootstrap", "seed", "data-root"),
            *("measure", "form", "parameter"),
            *("labels", "label-names", "paths", "weights", "logit-scale", "logit-bias"),
            *("alpha", "confidence", "select-id", "cache", "checkpoint", "model-config"),
            *("image-column", "label-column", "max-bad", "batch-size", "shard-rows", "workers"),
            *("device", "precision", "dtype"),
        )
    },
}
# What the notes below tables name: options of the command, and what Python has instead.
NOTES = (
    ("--format json and csv have", "to_pandas() has"),
    ("--format json has", "differences has"),
    ("--explain", "notes"),
)
REPEATED = re.compile(r"repeat the option[:,](?: --\S+ \S+)+")
NUMBER = r"[0-9][0-9.]*|b?float[0-9]+"  # What a value after an option is known by.
OPTION = re.compile(rf"(?<![\w-])--([a-z][a-z-]*)(?: ({NUMBER})(?![\w.-]*\w))?")
COMMAND = re.compile(r"\boodcache [a-z]+\b")  # From there on it is typed in a shell.


def in_python(text: str) -> str:
    """Return a message with the arguments of Python for the options that have one.

    >>> in_python("--score 'mcn': no score; see oodcache extract --score")
    "scores 'mcn': no score; see oodcache extract --score"
    >>> in_python("use --overwrite to replace it, or --max-bad 1")
    'use overwrite=True to replace it, or max_bad=1'
    """
    text = REPEATED.sub("give a list of them", text)
    typed = COMMAND.search(text)
    end = len(text) if typed is None else typed.start()
    return OPTION.sub(_argument, text[:end]) + text[end:]


def _argument(option: re.Match[str]) -> str:
    """Return an option with its value, if a number follows, as an argument."""
    if option[1] not in ARGUMENTS:
        return option[0]
    return ARGUMENTS[option[1]] + ("" if option[2] is None else f"={option[2]}")


def below_tables(note: str) -> str:
    """Return a note below a table with what Results have for the options that it names.

    >>> below_tables("Use --explain for 2 more notes.")
    'Use notes for 2 more notes.'
    """
    for typed, ours in NOTES:
        note = note.replace(typed, ours)
    return note


def noted(note: Note) -> Note:
    """Return a function that passes on each note in the words of Python."""

    def in_words(text: str) -> None:
        note(Hint(in_python(text)) if isinstance(text, Hint) else in_python(text))

    return in_words


@contextmanager
def python_words() -> Iterator[None]:
    """Raise an InputError from within in the words of Python."""
    try:
        yield
    except InputError as error:
        text = in_python(str(error))
        if text == str(error) or type(error) is not InputError:
            raise
        raise InputError(text) from error

"""Errors and notes in the words of Python: an argument's name instead of the option's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Hint, Note

ARGUMENTS = {
    "score": "scores",
    "lower-is-id": "lower_is_id=True",
    "compare": "compare=True",
    "overwrite": "overwrite=True",
    **{
        name: name.replace("-", "_")
        for name in (
            *("model", "classes", "id", "ood", "template", "select-on", "class-names", "negatives"),
            *("bank", "bank-labels", "bank-seed", "bootstrap", "seed", "data-root"),
            *("measure", "form", "parameter"),
            *("labels", "label-names", "paths", "weights", "logit-scale", "logit-bias"),
            *("alpha", "confidence", "select-id"),
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
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
COMMAND = re.compile(r"\boodcache [a-z]+\b")  # From there on it is typed in a shell.


def in_python(text: str) -> str:
    """Return a message with the arguments of Python for the options that have one.

    >>> in_python("--score 'mcn': no score; see oodcache extract --score")
    "scores 'mcn': no score; see oodcache extract --score"
    """
    text = REPEATED.sub("give a list of them", text)
    typed = COMMAND.search(text)
    end = len(text) if typed is None else typed.start()
    return OPTION.sub(lambda one: ARGUMENTS.get(one[1], one[0]), text[:end]) + text[end:]


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
        if text == str(error):
            raise
        raise InputError(text) from error

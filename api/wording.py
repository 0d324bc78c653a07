"""Errors and notes in the words of Python: an argument's name instead of the option's."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oodcache.cache.errors import FileError, InputError
from oodcache.cache.text import printable, shortened
from oodcache.cache.watch import Hint, Note
from oodcache.score.measures.result import Conventions

if TYPE_CHECKING:
    from oodcache.report.tables.grid import Grid

FLAGS = (
    *("lower-is-id", "compare", "selective", "overwrite", "retry-failed", "fast-decode", "exif"),
    "without-leaks",
)
ARGUMENTS = {
    "score": "scores",
    "name": "model_name",
    "label": "labels",
    "fpr-convention": "conventions",
    **{name: name.replace("-", "_") + "=True" for name in FLAGS},
    **{
        name: name.replace("-", "_")
        for name in (
            *("model", "classes", "id", "ood", "csid", "template", "select-on", "class-names"),
            *("negatives", "bank", "bank-labels", "bank-seed", "bank-draws"),
            *("bootstrap", "seed", "data-root", "stream", "stream-seed", "group"),
            *("leaks-of", "wordnet", "drop"),
            *("measure", "form", "parameter"),
            *("labels", "label-names", "paths", "weights", "logit-scale", "logit-bias"),
            *("alpha", "confidence", "select-id", "cache", "checkpoint", "model-config"),
            *("image-column", "label-column", "max-bad", "batch-size", "shard-rows", "workers"),
            *("device", "precision", "dtype", "image-mean", "image-std"),
        )
    },
}
# What notes and errors name that is no argument, and what Python has instead.
PHRASES = (
    ("--format json and csv have", "to_pandas() has"),
    ("--format json has", ".differences has"),
    ("Use --explain for", "See .notes for"),
    (", or give --format", ""),
    (
        "give --correct NAME, a column of the ID file with 1 for a correct one and 0 for another",
        "give correct, a list with 1 for a correct one and 0 for another",
    ),
    ("in the column path of --save-scores FILE.csv", "in cache.images(MODEL, DATASET).paths"),
    ("with --cache or --output", "or another path"),
    (", or print without --output", ""),
    (
        "score again, with --score oodd --stream shuffle --output FILE.json",
        'evaluate scores="oodd", stream="shuffle"',
    ),
    ("score again, with --output FILE.json", "score again, and save it as FILE.json"),
    ("score again with --save-scores", "score again"),
    ("remove --score", "omit scores"),
    ("results of oodcache score", "results of cache.evaluate"),
    (" (OTHER=PATH)", ""),
    ("this command", "this call"),
)
NAMED = r"(?:(?P<{0}>[^\s=;]+)=)?(?P<{1}>[^\s;]+)"
EXTRACT = re.compile(
    r"oodcache extract --model (?P<model>\S+)"
    rf"(?: --classes {NAMED.format('name', 'classes')})?(?: {NAMED.format('set', 'images')})?(?! )"
)
OWN_SCORE = re.compile(r"--score (FILE\.py:(\w+)) \(in Python: the function\)")
PLACE = re.compile(r"add --data-root FOLDER or (\S+)=FOLDER")
REPEATED = re.compile(r"repeat the option[:,](?: --\S+ \S+)+")
# Names to choose from, which Python writes in quotes; NAME and FILE stand for any.
NAMES = r"(?!NAME\b|FILE\b|too\b|--)[^\s,;]+"
CHOICE = re.compile(rf"\bgive --(bank|negatives|classes) ({NAMES}(?: or {NAMES})*)(?=[,;]|$)")
# What a value after an option is known by.
VALUE = r"[0-9][0-9.]*|b?float[0-9]+|[A-Z]{2,}(?:[.:][A-Za-z]+)*(?![\w={:])"
OPTION = re.compile(rf"(?<![\w-])--([a-z][a-z-]*)(?: ({VALUE})(?![\w.-]*\w))?")
COMMAND = re.compile(r"\boodcache [a-z]+\b")  # From there on it is typed in a shell.


def in_python(text: str) -> str:
    """Return a message with the arguments of Python for the options that have one.

    >>> in_python("--score 'mcn': no score; see oodcache extract --score")
    "scores 'mcn': no score; see oodcache extract --score"
    >>> in_python("use --overwrite to replace it, or --max-bad 1")
    'use overwrite=True to replace it, or max_bad=1'
    >>> in_python("make it with: oodcache extract --model tiny-clip --classes pets=FILE")
    "make it with: cache.extract('tiny-clip', classes=[…], name='pets')"
    """
    for phrase, ours in PHRASES:
        text = text.replace(phrase, ours)
    text = EXTRACT.sub(_extraction, text)
    text = OWN_SCORE.sub(r"scores=\2, the function, or scores='\1'", text)
    text = PLACE.sub(r"give data_root=FOLDER or images={'\1': FOLDER}", text)
    text = REPEATED.sub("give a list of them", text)
    text = CHOICE.sub(_choice, text)
    command = COMMAND.search(text)
    end = len(text) if command is None else command.start()
    return OPTION.sub(_argument, text[:end]) + text[end:]


def _argument(option: re.Match[str]) -> str:
    """Return an option with its value, if a number follows, as an argument."""
    if option[1] not in ARGUMENTS:
        return option[0]
    return ARGUMENTS[option[1]] + ("" if option[2] is None else f"={option[2]}")


def _choice(option: re.Match[str]) -> str:
    return f"give {option[1]}={' or '.join(map(repr, option[2].split(' or ')))}"


def _extraction(found: re.Match[str]) -> str:
    """Return the call of a command that makes images, or a vocabulary."""
    if not (found["classes"] or found["images"]):
        return found[0]
    name, images = found["name"] or found["set"], found["images"]
    classes = "classes=[…]" if found["name"] else f"classes={found['classes']!r}"
    parts = [repr(found["model"].strip("'"))]
    parts += [repr(images)] if images else []
    parts += [classes] if found["classes"] else []
    parts += [f"name={name!r}"] if name else []
    return f"cache.extract({', '.join(parts)})"


def typed(value: Any) -> str:
    """Return a value as it is typed in a call; functions by their names.

    >>> typed(["mcm", typed])
    "['mcm', typed]"
    """
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(typed, value))}]"
    if callable(value):
        return str(getattr(value, "__name__", type(value).__name__))
    if isinstance(value, Conventions):
        return f"oodcache.{value!r}"
    return repr(str(value) if isinstance(value, Path) else value)


def worded(grids: Sequence[Grid]) -> list[Grid]:
    """Return tables with their notes in the words of Python."""
    return [
        replace(one, notes=tuple(map(in_python, one.notes)), bold=in_python(one.bold))
        for one in grids
    ]


def to_stderr(text: str) -> None:
    """Print a note as one line on stderr."""
    print(shortened(printable(text)), file=sys.stderr)


def reporter(note: Note | bool | None) -> Note:
    """Return what each note is passed to: a function as it is, stderr for True, else nothing."""
    if callable(note):
        return note
    return to_stderr if note else lambda text: None


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
        if text == str(error) or isinstance(error, FileError):
            raise
        raise InputError(text) from error.__cause__

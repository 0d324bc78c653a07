"""CLIP_benchmark's layout of a data set: a folder a split, its tars counted, class names above.

ROOT/classnames.txt  ROOT/zeroshot_classification_templates.txt
ROOT/test/nshards.txt  ROOT/test/0.tar …
"""

from __future__ import annotations

from pathlib import Path

from oodcache.cache.errors import InputError

COUNT, SPLIT = "nshards.txt", "test"
CLASSES, TEMPLATES = "classnames.txt", "zeroshot_classification_templates.txt"
PLACE = "{c}"  # Where a template of theirs has the class name.
MOST = 100_000


def split(path: Path) -> Path | None:
    """Return the folder of tars that a path means, `test` where it is a whole data set's.

    None where the path is of another layout; raises InputError for a data set without that split.
    """
    for folder in (path, path / SPLIT):
        if (folder / COUNT).is_file():
            return folder
    others = sorted(one.parent for one in path.glob(f"*/{COUNT}"))
    if others:
        raise InputError(f"{path}: has no split {SPLIT}; give another: NAME={others[0]}")
    return None


def tars(folder: Path) -> list[Path]:
    """Return the tars of a split, as many as it says, whether they are there or not."""
    text = _read(folder / COUNT).strip()
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= MOST):
        raise InputError(f"{folder / COUNT}: is {text[:20]!r}, not a number of tars from 1")
    return [folder / f"{number}.tar" for number in range(int(text))]


def has_classes(path: Path) -> bool:
    """Return whether a folder holds a data set's class names."""
    return (path / CLASSES).is_file()


def class_names(root: Path) -> tuple[str, ...]:
    """Return a data set's class names, in the order of their numbers; names may repeat."""
    return _lines(root / CLASSES, "a class name")


def templates(root: Path) -> tuple[str, ...]:
    """Return a data set's templates with {} for the class name; none where it says none."""
    path = root / TEMPLATES
    if not path.is_file():
        return ()
    lines = _lines(path, f"a template with {PLACE}")
    for number, line in enumerate(lines, 1):
        if line.count(PLACE) != 1 or "{}" in line:
            raise InputError(f"{path}: line {number}: {line!r} wants {PLACE} once, for the class")
    return tuple(line.replace(PLACE, "{}") for line in lines)


def _lines(path: Path, wanted: str) -> tuple[str, ...]:
    """Return a file's lines without blanks around them; a blank one would shift all others."""
    lines = [line.strip() for line in _read(path).rstrip().split("\n")]
    for number, line in enumerate(lines, 1):
        if not line or "\0" in line:
            raise InputError(f"{path}: line {number} is blank; wanted is {wanted} a line")
    return tuple(lines)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None

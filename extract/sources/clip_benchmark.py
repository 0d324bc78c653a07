"""CLIP_benchmark's dataset layout: a folder per split with numbered tars, class names above.

ROOT/classnames.txt  ROOT/zeroshot_classification_templates.txt
ROOT/test/nshards.txt  ROOT/test/0.tar …
"""

from __future__ import annotations

from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.text import read_lines, read_text

COUNT, SPLIT = "nshards.txt", "test"
CLASSES, TEMPLATES = "classnames.txt", "zeroshot_classification_templates.txt"
PLACE = "{c}"  # The class name in their templates.
MOST = 100_000


def split(path: Path) -> Path | None:
    """Return the folder of tars that a path refers to: itself, or its split `test`.

    None if the path has another layout; raises InputError for a dataset without that split.
    """
    for folder in (path, path / SPLIT):
        if (folder / COUNT).is_file():
            return folder
    others = sorted(one.parent for one in path.glob(f"*/{COUNT}"))
    if others:
        raise InputError(f"{path}: has no split {SPLIT}; give another: NAME={others[0]}")
    return None


def tars(folder: Path) -> list[Path]:
    """Return the tars of a split, as many as it declares, whether they exist or not."""
    text = read_text(folder / COUNT).strip()
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= MOST):
        raise InputError(f"{folder / COUNT}: is {text[:20]!r}, not a number of tars from 1")
    return [folder / f"{number}.tar" for number in range(int(text))]


def has_classes(path: Path) -> bool:
    """Return whether a folder has a dataset's class names."""
    return (path / CLASSES).is_file()


def class_names(root: Path) -> tuple[str, ...]:
    """Return a dataset's class names in the order of their numbers; names may repeat."""
    return _lines(root / CLASSES, "a class name")


def templates(root: Path) -> tuple[str, ...]:
    """Return a dataset's templates with {} for the class name, none if it has none."""
    path = root / TEMPLATES
    if not path.is_file():
        return ()
    lines = _lines(path, f"a template with {PLACE}")
    for number, line in enumerate(lines, 1):
        if line.count(PLACE) != 1 or "{}" in line:
            raise InputError(
                f"{path}: line {number}: {line!r} must contain {PLACE} once, for the class"
            )
    return tuple(line.replace(PLACE, "{}") for line in lines)


def _lines(path: Path, wanted: str) -> tuple[str, ...]:
    """Return a file's lines, stripped; reject a blank one, which would shift all others."""
    lines = [line.strip() for line in read_lines(path) or [""]]
    for number, line in enumerate(lines, 1):
        if not line or "\0" in line:
            raise InputError(f"{path}: line {number} is blank; expected {wanted} per line")
    return tuple(lines)

"""Precision: files that were computed or stored in different arithmetic, told in words.

Rounding is a pattern of its own: a bank score such as `mahalanobis` weighs directions in which the
bank hardly varies, and there OOD images in float16 differ from ID images in float32 for no other
reason (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile, TextRows
from oodcache.cache.text import counted

AUTOCAST, DEVICE, STORED = "autocast", "device", "stored"
OPTIONS = {"channels_last": "--channels-last", "compile": "--compile"}
CONSEQUENCE = "rounding alone can set them apart, most of all in scores with a bank"
Vectors = ImageFile | TextFile | TextRows


def differences(files: Sequence[Vectors], others: Sequence[Vectors] = ()) -> list[str]:
    """Return a note for each way in which files were computed or stored unlike the first of all.

    `others` come before them; their own differences are not told. Devices may differ. Of imported
    files only the stored type is known.
    """
    every = [*others, *files]
    firsts = [*every[:1], *[one for one in every if not one.identity.is_imported][:1]]
    groups: dict[tuple[str, str], list[Vectors]] = {}
    for one in {file.path: file for file in files}.values():
        words = [(first, _words(one, first)) for first in firsts]
        for first, (ours, theirs) in [pair for pair in words if pair[1][0]][:1]:
            groups.setdefault((ours, f"{first.path} {theirs}"), []).append(one)
    return [
        f"{_named(some)}: {ours}, but {theirs}; {CONSEQUENCE}"
        for (ours, theirs), some in groups.items()
    ]


def _words(one: Vectors, other: Vectors) -> tuple[str, str]:
    """Return how two files differ, each in words; "" twice if they do not, as far as is known."""
    ours, theirs = _of(one), _of(other)
    keys = [*dict.fromkeys((*theirs, *ours))]
    if one.identity.is_imported or other.identity.is_imported:
        keys = [STORED]
    if None in (ours.get(STORED), theirs.get(STORED)):
        keys = [key for key in keys if key != STORED]
    differ = [key for key in keys if ours.get(key) != theirs.get(key)]
    first, second = (", ".join(_word(of, key) for key in differ) for of in (ours, theirs))
    return first, second


def _of(file: Vectors) -> Mapping[str, Any]:
    """Return a file's arithmetic, without the device, and the type of its stored vectors."""
    precision = {key: value for key, value in file.identity.precision.items() if key != DEVICE}
    if not file.identity.is_imported:  # An imported file has the type that it came in.
        precision[STORED] = _stored(file)
    return precision


def _stored(file: Vectors) -> str | None:
    if isinstance(file, TextRows):
        return None
    return str(file.dtype if isinstance(file, ImageFile) else file.stored.dtype)


def _word(precision: Mapping[str, Any], key: str) -> str:
    if key in OPTIONS:
        return f"{'with' if precision.get(key) else 'without'} {OPTIONS[key]}"
    before = {AUTOCAST: "computed in", STORED: "stored as"}.get(key, f"with {key}")
    return f"{before} {precision.get(key, 'unknown')}"


def _named(files: Sequence[Vectors]) -> str:
    more = f" and {counted(len(files) - 1, 'more file')}" if len(files) > 1 else ""
    return f"{files[0].path}{more}"

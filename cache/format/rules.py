"""The rules of docs/cache-format.md, and the checks of values: writer and reader run the same.

`structure` checks how a file is laid out. Each error names its rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import RuleError
from oodcache.cache.format.identity import Identity, from_json

FORMAT = "oodcache"
VERSION = 1
Name = TypeVar("Name", str, bytes)
RULES = {
    "F1": "a whole HDF5 file; root attributes format, version 1 and kind, one of this page's four",
    "F2": "exactly the datasets of its kind, each hard-linked at the root and stored in the file",
    "F3": "embeddings: little-endian float32 or float16, contiguous, whole, (N, D) or (T, K, D)",
    "F4": "the other datasets: types and lengths of this page, whole, each under a checksum",
    "F5": "a row that is ok has norm 1 to a thousandth; a row that is not ok is all zeros",
    "F6": "a label is -1 or an index into label_names",
    "F7": "errors holds one reason for each row that is not ok, in row order",
    "F8": "identity is one JSON object with the fields of this page",
    "F9": "root attributes logit_scale and logit_bias equal the identity's; absent is not 0",
    "F10": "identity.vectors is the SHA-256 of the bytes of embeddings",
    "F11": "names are UTF-8 without NUL; templates differ and hold {}; ids differ or are all empty",
    "F12": "a path is relative, stays below its root, and stands once",
    "F13": "a shard says its run and its place: run, first, total and shard_rows fit what it holds",
}
NORM_TOLERANCE = 1e-3
IDENTITY_LIMIT = 60_000
LONGEST = 4096  # Bytes of a value: each takes as much room as the longest of its column.
LINE = 300


def check_rows(
    path: Path, first: int, vectors: npt.NDArray[np.floating[Any]], ok: npt.NDArray[np.bool_]
) -> None:
    """Refuse rows, the first of which is row `first` of the file, that break F5."""
    with np.errstate(all="ignore"):
        norm = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float32))
        fine = np.abs(norm - 1) <= NORM_TOLERANCE
    # Not by its norm: the square of a tiny number is zero.
    fine[~ok] = ~vectors[~ok].any(axis=1)
    if fine.all():
        return
    row = int(np.argmin(fine))
    what = f"row {first + row} of 'embeddings' has norm {norm[row]:.4f}"
    if not np.isfinite(vectors[row]).all():
        what = f"row {first + row} of 'embeddings' holds a value that is not finite"
    wanted = "its norm is to be 1" if ok[row] else "it is not ok, and is to be all zeros"
    raise RuleError(path, "F5", f"{what}; {wanted}")


def check_labels(path: Path, labels: npt.NDArray[np.int64], names: int) -> None:
    """Refuse labels that are neither -1 nor an index into so many names (F6)."""
    if labels.min() < -1 or labels.max() >= names:
        raise RuleError(
            path, "F6", f"'label' runs from {labels.min()} to {labels.max()} with {names} names"
        )


def check_names(path: Path, column: str, stored: npt.NDArray[np.bytes_]) -> tuple[str, ...]:
    """Return a column of names as text; refuse what is not UTF-8 or holds a NUL (F11)."""
    names = tuple([name.decode(errors="surrogateescape") for name in stored.tolist()])
    check_texts(path, column, names)
    return names


def check_texts(path: Path, column: str, texts: Sequence[str]) -> None:
    """Refuse names that a column could not give back as they are (F11)."""
    if not _is_storable("\n".join(texts)):
        text = next(one for one in texts if not _is_storable(one))
        what = f"'{column}' holds {shown(text)}, which is not UTF-8 without NUL"
        raise RuleError(path, "F11", what)
    check_longest(path, column, max(map(len, map(str.encode, texts)), default=0))


def check_longest(path: Path, column: str, size: int) -> None:
    """Refuse a column whose values take so many bytes each (F4)."""
    if size > LONGEST:
        what = f"'{column}' holds a value of {size} bytes, and {LONGEST} are the most"
        raise RuleError(path, "F4", what)


def check_vocabulary(path: Path, ids: tuple[str, ...], templates: tuple[str, ...]) -> None:
    """Refuse templates that repeat or hold no {}, and ids that repeat or are partly there (F11)."""
    for template in templates:
        if "{}" not in template:
            raise RuleError(path, "F11", f"template {shown(template)} holds no {{}}")
    if (twice := repeated(templates)) is not None:
        raise RuleError(path, "F11", f"'templates' holds {shown(twice)} twice")
    if not any(ids):
        return
    if (twice := repeated(ids)) is not None or "" in ids:
        found = "an empty one among others" if "" in ids else f"{shown(twice)} twice"
        raise RuleError(path, "F11", f"'class_ids' holds {found}: all are to differ, or be empty")


def check_paths(path: Path, stored: Sequence[bytes]) -> None:
    """Refuse paths that are absolute, climb out of their root or stand twice (F12)."""
    if not _are_below(stored):
        name = next(one for one in stored if not _are_below([one]))
        raise RuleError(path, "F12", f"'path' holds {shown(name)}, which is not below its root")
    if (twice := repeated(stored)) is not None:
        raise RuleError(path, "F12", f"'path' holds {shown(twice)} twice")
    check_longest(path, "path", max(map(len, stored)))


def check_vectors(path: Path, found: str, expected: str) -> None:
    """Refuse vectors whose SHA-256 is not the one that was written with them (F10)."""
    if found != expected:
        what = f"the SHA-256 of 'embeddings' is {found[:8]}…, the identity says {expected[:8]!r}…"
        raise RuleError(path, "F10", what)


def parse_identity(path: Path, stored: bytes) -> Identity:
    """Return the identity that is stored as JSON; refuse what is none (F8)."""
    if len(stored) > IDENTITY_LIMIT:
        what = f"'identity' holds {len(stored)} bytes, and {IDENTITY_LIMIT} are the most"
        raise RuleError(path, "F8", what)
    try:
        return from_json(stored.decode())
    except ValueError as error:
        raise RuleError(path, "F8", f"'identity': {one_line(error)}") from None


def one_line(error: Exception) -> str:
    """Return what an error says, which may quote a stranger, in one line: escaped, and cut."""
    escaped = (one if one.isprintable() else shown(one)[1:-1] for one in str(error)[:LINE])
    return " ".join("".join(escaped).split()) + ("…" if len(str(error)) > LINE else "")


def shown(value: object) -> str:
    """Return a stranger's value as it can stand in one line: escaped, and cut where it is long."""
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "…"


def _is_storable(text: str) -> bool:
    """Say if HDF5 gives `text` back: it pads with NUL, and bytes that are not UTF-8 are none."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:  # Half of a surrogate pair stands for such a byte.
        return False


def _are_below(paths: Sequence[bytes]) -> bool:
    """Say if no path is empty, starts with '/', holds NUL or has '..' between slashes."""
    joined = b"\0/" + b"/\0/".join(paths) + b"/"
    return joined.count(b"\0") == len(paths) and b"\0//" not in joined and b"/../" not in joined


def repeated(values: Sequence[Name]) -> Name | None:
    """Return the first value that stands more than once, None where all differ."""
    if len(set(values)) == len(values):
        return None
    return next(one for one, count in Counter(values).items() if count > 1)

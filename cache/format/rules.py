"""The rules of docs/cache-format.md, and checks of values that writer and reader share.

`structure` checks the layout. Each error names its rule.
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
    "F12": "a path is relative, stays below its root, and is unique",
    "F13": "a shard names its run and place: run, first, total and shard_rows match its contents",
    "F14": "checksums holds an XXH3-64 of each block of rows, path_checksum that of path",
}
NORM_TOLERANCE = 1e-3
IDENTITY_LIMIT = 60_000
LONGEST = 4096  # Bytes of a value: each takes as much space as the longest of its column.
LINE = 300
CHANGED = "they changed after they were written"


def check_rows(
    path: Path, first: int, vectors: npt.NDArray[np.floating[Any]], ok: npt.NDArray[np.bool_]
) -> None:
    """Reject rows that break F5; the first one is row `first` of the file."""
    with np.errstate(all="ignore"):
        norm = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float32))
        fine = np.abs(norm - 1) <= NORM_TOLERANCE
    # Not by its norm: the square of a tiny number is 0.
    fine[~ok] = ~vectors[~ok].any(axis=1)
    if fine.all():
        return
    row = int(np.argmin(fine))
    what = f"row {first + row} of 'embeddings' has norm {norm[row]:.4f}"
    if not np.isfinite(vectors[row]).all():
        what = f"row {first + row} of 'embeddings' holds a value that is not finite"
    wanted = "expected norm 1" if ok[row] else "a row that is not ok must be zeros"
    raise RuleError(path, "F5", f"{what}; {wanted}")


def check_labels(path: Path, labels: npt.NDArray[np.int64], names: int) -> None:
    """Reject labels that are neither -1 nor an index into that many names (F6)."""
    if labels.min() < -1 or labels.max() >= names:
        raise RuleError(
            path, "F6", f"'label' is from {labels.min()} to {labels.max()}, for {names} names"
        )


def check_names(path: Path, column: str, stored: npt.NDArray[np.bytes_]) -> tuple[str, ...]:
    """Return a column of names as text; reject what is not UTF-8 or contains NUL (F11)."""
    names = tuple([name.decode(errors="surrogateescape") for name in stored.tolist()])
    check_texts(path, column, names)
    return names


def check_texts(path: Path, column: str, texts: Sequence[str]) -> None:
    """Reject names that a column cannot store unchanged (F11)."""
    if not _is_storable("\n".join(texts)):
        text = next(one for one in texts if not _is_storable(one))
        what = f"'{column}' holds {shown(text)}, which is not UTF-8 without NUL"
        raise RuleError(path, "F11", what)
    check_longest(path, column, max(map(len, map(str.encode, texts)), default=0))


def check_longest(path: Path, column: str, size: int) -> None:
    """Reject a column whose values take too many bytes each (F4)."""
    if size > LONGEST:
        what = f"'{column}' holds a value of {size} bytes; the limit is {LONGEST}"
        raise RuleError(path, "F4", what)


def check_vocabulary(path: Path, ids: tuple[str, ...], templates: tuple[str, ...]) -> None:
    """Reject templates without {} or repeated, and ids that repeat or are partly missing (F11)."""
    for template in templates:
        if "{}" not in template:
            raise RuleError(path, "F11", f"template {shown(template)} contains no {{}}")
    if (twice := repeated(templates)) is not None:
        raise RuleError(path, "F11", f"'templates' holds {shown(twice)} twice")
    if not any(ids):
        return
    if (twice := repeated(ids)) is not None or "" in ids:
        found = "an empty one among others" if "" in ids else f"{shown(twice)} twice"
        raise RuleError(path, "F11", f"'class_ids' holds {found}: ids must differ or all be empty")


def check_paths(path: Path, stored: Sequence[bytes]) -> None:
    """Reject paths that are absolute, leave their root or repeat (F12)."""
    if not _are_below(stored):
        name = next(one for one in stored if not _are_below([one]))
        raise RuleError(path, "F12", f"'path' holds {shown(name)}, which is not below its root")
    if (twice := repeated(stored)) is not None:
        raise RuleError(path, "F12", f"'path' holds {shown(twice)} twice")
    check_longest(path, "path", max(map(len, stored)))


def check_vectors(path: Path, found: str, expected: str) -> None:
    """Reject vectors whose SHA-256 is not the one in the identity (F10)."""
    if found != expected:
        what = f"the SHA-256 of 'embeddings' is {found[:8]}…, but identity says {expected[:8]!r}…: "
        what += CHANGED
        raise RuleError(path, "F10", what)


def parse_identity(path: Path, stored: bytes) -> Identity:
    """Return the identity that is stored as JSON; reject any other JSON (F8)."""
    if len(stored) > IDENTITY_LIMIT:
        what = f"'identity' has {len(stored)} bytes; the limit is {IDENTITY_LIMIT}"
        raise RuleError(path, "F8", what)
    try:
        return from_json(stored.decode())
    except ValueError as error:
        raise RuleError(path, "F8", f"'identity': {one_line(error)}") from None


def one_line(error: Exception) -> str:
    """Return an error's message, which may quote untrusted text, escaped and cut to one line."""
    escaped = (one if one.isprintable() else shown(one)[1:-1] for one in str(error)[:LINE])
    return " ".join("".join(escaped).split()) + ("…" if len(str(error)) > LINE else "")


def shown(value: object) -> str:
    """Return the repr of an untrusted value, cut to 200 characters."""
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "…"


def _is_storable(text: str) -> bool:
    """Return whether HDF5 stores `text` unchanged: it is UTF-8, without the NUL that pads it."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:  # Half of a surrogate pair stands for such a byte.
        return False


def _are_below(paths: Sequence[bytes]) -> bool:
    """Return whether no path is empty, starts with '/', has NUL or has '..' between slashes."""
    joined = b"\0/" + b"/\0/".join(paths) + b"/"
    return joined.count(b"\0") == len(paths) and b"\0//" not in joined and b"/../" not in joined


def repeated(values: Sequence[Name]) -> Name | None:
    """Return the first value that repeats, None if all differ."""
    if len(set(values)) == len(values):
        return None
    return next(one for one, count in Counter(values).items() if count > 1)

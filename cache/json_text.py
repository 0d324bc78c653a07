"""JSON from untrusted files: of limited size, shallow, without NaN, and with keys that differ."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

DEEPEST = 16


def read_limited(path: Path, most: int) -> bytes:
    """Return a file's content, one byte more than `most` of it if it is larger.

    Raises ValueError, in one line, for a folder or a pipe, and for what cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError("is not a file")
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


def parse_json(text: str) -> Any:
    """Return the value of a stranger's JSON, which holds no NaN, is shallow and can be printed."""
    too_deep = ValueError(f"it is nested deeper than {DEEPEST} levels")
    try:
        value = json.loads(text, parse_constant=_refuse, object_pairs_hook=_differing)
    except RecursionError:
        raise too_deep from None
    if _is_deeper(value, DEEPEST):
        raise too_deep
    # A lone surrogate raises ValueError, and so does 1e999, which is read as infinity.
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"it holds {constant}, which is not JSON")


def _differing(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object whose keys differ: of two equal ones each program takes another."""
    if len(fields := dict(pairs)) < len(pairs):
        raise ValueError("it holds a key twice in one object")
    return fields


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in inner)

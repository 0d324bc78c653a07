"""Untrusted JSON: limited in size and depth, without NaN and without duplicate keys."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEEPEST = 16


def read_limited(path: Path, most: int) -> bytes:
    """Return a file's content, or its first `most` + 1 bytes if it is larger.

    Raises ValueError, with a one-line reason, if it is not a regular file or cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError("is not a file")
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


def read_object(path: Path, most: int) -> dict[str, Any]:
    """Return the object in an untrusted JSON file of at most `most` bytes, with a mark or without.

    Raises ValueError, with a one-line reason, if there is none.
    """
    content = read_limited(path, most)
    if len(content) > most:
        raise ValueError(f"it has more than {most:,} bytes")
    found = parse_json(content.decode("utf-8-sig"))
    if not isinstance(found, dict):
        raise ValueError(f"it contains a {type(found).__name__}, expected an object")
    return found


def parse_json(text: str) -> Any:
    """Return the value of untrusted JSON; raise ValueError if it is deep, has NaN or no UTF-8."""
    too_deep = ValueError(f"it is nested deeper than {DEEPEST} levels")
    try:
        value = json.loads(text, parse_constant=_reject, object_pairs_hook=_distinct)
    except RecursionError:
        raise too_deep from None
    if _is_deeper(value, DEEPEST):
        raise too_deep
    # A lone surrogate raises ValueError, and so does 1e999, which is read as infinity.
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return value


def content_sum(fields: Mapping[str, Any]) -> str:
    """Return a SHA-256 over an object, whatever the order and spacing of its JSON."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _reject(constant: str) -> None:
    raise ValueError(f"it contains {constant}, which is not JSON")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object without duplicate keys: programs differ in which of two they take."""
    if len(fields := dict(pairs)) < len(pairs):
        raise ValueError("it has a duplicate key in one object")
    return fields


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in inner)

"""The file of a detector: JSON with arrays in base64, each with a SHA-256, and one over all.

docs/detecting.md has the fields. The file is untrusted: everything in it is checked.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.format.json_fields import Fields
from oodcache.cache.format.rules import one_line
from oodcache.cache.format.sibling import sibling
from oodcache.cache.json_text import parse_json, read_limited
from oodcache.detect import fields
from oodcache.detect.detector import SavedDetector
from oodcache.detect.fields import NO_CODE
from oodcache.detect.probe import check_probe
from oodcache.score.own.function import OwnScore

FORMAT, VERSION, ENDING = "oodcache detector", 1, ".json"
BEGINNING = re.compile(rb'\s*{\s*"format":\s*"oodcache detector"')
LIMIT = 2**30  # Bytes.
LARGEST = 2**26  # Numbers of one array: a quarter of a gigabyte.
SUM = "sha256"
NO_DETECTOR = "is not a detector; make one with: oodcache calibrate … -o FILE"
OF_ARRAY = ("base64", "dtype", "sha256", "shape")
TYPES = {"vectors": "<f4", "labels": "<i8", "scores": "<f8"}


def write_detector(path: Path, detector: SavedDetector) -> None:
    """Write the file at `path` atomically."""
    content, own = encoded(detector), detector.scorer.variant.own
    try:
        decoded(content, {own.name: own} if isinstance(own, OwnScore) else {})
    except (InputError, ValueError) as error:
        raise InputError(f"{path}: not written: {one_line(error)}") from None
    with sibling(path) as part:
        part.write_bytes(content)


def read_detector(path: Path, own: Mapping[str, OwnScore] = NO_CODE) -> SavedDetector:
    """Return the detector in the file at `path`; raise InputError, in one line, if invalid.

    `own` has the user's own scores, given again; a file never causes code to be imported.
    """
    try:
        found = decoded(_read(path), own)
    except (InputError, ValueError) as error:
        raise InputError(f"{path}: {one_line(error)}") from None
    try:
        check_probe(found)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return found


def is_detector(path: Path) -> bool:
    """Return whether a file begins like a detector of any version, valid or not."""
    with path.open("rb") as file:
        return BEGINNING.match(file.read(100)) is not None


def check_replaceable(path: Path, other: str) -> None:
    """Raise InputError if another kind of file is at `path`; `other` is what to use instead."""
    if path.exists() and not (path.is_file() and is_detector(path)):
        raise InputError(f"{path}: not a detector, so it is not replaced; use {other}")


def encoded(detector: SavedDetector) -> bytes:
    """Return the content of a detector's file; equal detectors give equal bytes."""
    whole = {"format": FORMAT, "version": VERSION, **fields.of(detector, _stored)}
    text = json.dumps({**whole, SUM: _sum(whole)}, indent=1, allow_nan=False)
    return text.encode() + b"\n"


def decoded(content: bytes, own: Mapping[str, OwnScore] = NO_CODE) -> SavedDetector:
    """Return the detector in a file's content; raise ValueError or InputError if invalid."""
    whole = _object(content)
    if whole.get("format") != FORMAT:
        raise ValueError(NO_DETECTOR)
    version = whole.get("version")
    if version != VERSION or isinstance(version, (bool, float)):
        raise ValueError(
            f"is a detector of version {json.dumps(version)[:20]}; this oodcache reads version "
            f"{VERSION}; use the oodcache that wrote it, or calibrate again"
        )
    stored = whole.pop(SUM, None)
    if stored != (found := _sum(whole)):
        raise ValueError(
            f"its SHA-256 is {found[:8]}…, not {str(stored)[:8]}…: it was changed or damaged since "
            "it was written; calibrate again"
        )
    inner = {name: value for name, value in whole.items() if name not in ("format", "version")}
    return fields.detector(Fields(inner, "", _array), own)


def _read(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise ValueError("is not a file; give one that oodcache calibrate wrote")
    content = read_limited(path, LIMIT)
    if len(content) > LIMIT:
        raise ValueError(f"is larger than {LIMIT:,} bytes, too large for a detector")
    return content


def _object(content: bytes) -> dict[str, Any]:
    try:
        whole = parse_json(content.decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"is not a detector: not UTF-8 text (byte {error.start})") from None
    except ValueError as error:
        raise ValueError(f"is not a detector: not JSON: {error}") from None
    if not isinstance(whole, dict):
        raise ValueError(NO_DETECTOR)
    return whole


def _sum(whole: Mapping[str, Any]) -> str:
    """Return a SHA-256 over all fields; an array's own SHA-256 replaces its content."""
    fields = _without_arrays(whole)
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _without_arrays(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    is_array = value.keys() == set(OF_ARRAY)
    return {
        name: _without_arrays(one)
        for name, one in value.items()
        if not (is_array and name == "base64")
    }


def _stored(name: str, values: npt.NDArray[Any]) -> dict[str, Any]:
    content = np.ascontiguousarray(values, TYPES[name]).tobytes()
    return {
        "dtype": TYPES[name],
        "shape": list(values.shape),
        "sha256": hashlib.sha256(content).hexdigest(),
        "base64": base64.b64encode(content).decode(),
    }


def _array(given: Any, name: str, what: str, axes: int) -> npt.NDArray[Any]:
    """Return an array that `_stored` made; raise ValueError, naming `what`, if it is not one."""
    if not isinstance(given, dict) or given.keys() != set(OF_ARRAY):
        raise ValueError(f"'{what}' is not an array with {', '.join(OF_ARRAY)}")
    shape = given["shape"]
    if given["dtype"] != TYPES[name]:
        raise ValueError(f"'{what}' has dtype {given['dtype']!r}, not {TYPES[name]!r}")
    sizes = isinstance(shape, list) and all(type(one) is int and one > 0 for one in shape)
    if not sizes or len(shape) != axes or math.prod(shape) > LARGEST:
        raise ValueError(
            f"'{what}' has shape {shape!r}, not {axes} numbers above 0 with a product of at most "
            f"{LARGEST:,}"
        )
    try:
        content = base64.b64decode(given["base64"], validate=True)
    except (TypeError, ValueError):
        raise ValueError(f"'{what}' is not in base64") from None
    size = math.prod(shape) * np.dtype(TYPES[name]).itemsize
    if len(content) != size:
        raise ValueError(f"'{what}' has {len(content):,} bytes, but its shape needs {size:,}")
    if hashlib.sha256(content).hexdigest() != given["sha256"]:
        raise ValueError(f"'{what}' does not match its SHA-256: it is damaged")
    # A copy in native byte order: the buffer is read-only.
    return np.frombuffer(content, TYPES[name]).reshape(shape).astype(TYPES[name][1:])

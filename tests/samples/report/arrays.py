"""Arrays of numbers read back from a page, number by number, by the rules of its format."""

from __future__ import annotations

import base64
import gzip
import json
import struct
from typing import Any

SIZES = {"u1": 1, "u2": 2, "u4": 4, "f4": 4, "f8": 8, "d1": 1, "d2": 2, "d4": 4, "q1": 1}
LETTERS = {"u1": "B", "u2": "H", "u4": "I", "f4": "f", "f8": "d"}


def data_of(page: str) -> Any:
    """Return the data of a page's script, its arrays unpacked."""
    data, numbers = (
        unzipped(page.split(f'id="{name}">', 1)[1].split("</script>", 1)[0])
        for name in ("data", "numbers")
    )
    return unpacked(json.loads(data), numbers)


def unzipped(packed: str) -> bytes:
    """Return the bytes of what a page has packed."""
    return gzip.decompress(base64.b64decode(packed))


def unpacked(value: Any, packed: bytes) -> Any:
    """Return JSON's values with a list for each array."""
    if isinstance(value, list):
        return [unpacked(one, packed) for one in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("type"), str) and isinstance(value.get("at"), int):
        return numbers(value, packed)
    return {key: unpacked(one, packed) for key, one in value.items()}


def numbers(told: dict[str, Any], packed: bytes) -> list[float | None]:
    """Return the numbers of one array."""
    kind, at, length = told["type"], told["at"], told["length"]
    size = SIZES[kind]
    letter = LETTERS.get(kind.replace("d", "u").replace("q", "u"))
    own = packed[at : at + size * length]
    raw = [struct.unpack(f"<{letter}", own[place::length])[0] for place in range(length)]
    if kind[0] == "d":
        return [sum(raw[: place + 1]) for place in range(length)]
    if kind[0] == "q":
        step = (told["high"] - told["low"]) / 254
        return [None if one == 255 else told["low"] + step * one for one in raw]
    return [None if one != one else one for one in raw]

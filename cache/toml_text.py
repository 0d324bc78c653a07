"""Untrusted TOML: limited in size and depth."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.text import bounded

LARGEST, DEEPEST = 2**20, 64
_PART = r"(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')"
DEEP = re.compile(rf"(?<![\w-])(?:{_PART}[ \t]*+\.[ \t]*+){{{DEEPEST}}}")


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Return a file's TOML; raise InputError, with the file, if it is none or too large for `what`.

    Its size and depth are limited: a deep key takes minutes to parse.
    """
    try:
        content = bounded(path, LARGEST, what)
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    try:
        text = content.decode()
        if DEEP.search(text):
            raise ValueError(f"a key has more than {DEEPEST} parts")
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not TOML: {str(error) or 'nested too deeply'}") from None

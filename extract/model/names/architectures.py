"""The names of open_clip's architectures, without importing it (and so torch)."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from oodcache.cache.names import sizes

CLOSE = 0.8


def known() -> frozenset[str]:
    """Return the names that open_clip lists; none if it is not installed."""
    if (loaded := sys.modules.get("open_clip")) is not None:
        return frozenset(loaded.list_models())  # With those that were added.
    spec = find_spec("open_clip")
    if spec is None or spec.origin is None:
        return frozenset()
    return frozenset(path.stem for path in (Path(spec.origin).parent / "model_configs").glob("*"))


def nearest(typed: str, names: Iterable[str], most: int = 3) -> list[str]:
    """Return names that `typed` may be a slip for, the nearest first; never one of another size.

    >>> nearest("VIT-B-23", ["ViT-B-32", "ViT-B-16", "ViT-L-32"])
    ['ViT-B-32']
    """
    folded = {one.casefold(): one for one in names if sizes(one) == sizes(typed)}
    return [folded[one] for one in get_close_matches(typed.casefold(), folded, most, CLOSE)]

"""Pools of images: csid sets, alone or with the ID set, as the one set of positives of a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from oodcache.cache.files.scores import ScoredImages
from oodcache.report.content import ImageRow


def pooled(name: str, parts: Sequence[ScoredImages]) -> ScoredImages:
    """Return the images of several sets as one set `name`, or of one under that name.

    Paths of several begin with their set. Scores that not all sets have are left out; so are names
    of images if a set has none.
    """
    first = parts[0]
    shared = [one for one in first.scores if all(one in part.scores for part in parts)]
    scores = {one: np.concatenate([part.scores[one] for part in parts]) for one in shared}
    names = (first.model, first.template, name)
    joined = (partial(_joined, [getattr(one, of) for one in parts]) for of in ("labels", "nearest"))
    return ScoredImages(*names, scores, partial(_paths, parts), *joined)


def _joined(columns: Sequence[Callable[[], Sequence[bytes]]]) -> Sequence[bytes]:
    found = [one() for one in columns]
    return [each for one in found for each in one] if all(map(len, found)) else ()


def _paths(parts: Sequence[ScoredImages]) -> Sequence[bytes]:
    found = [one.paths() for one in parts]
    if len(parts) == 1 or not all(map(len, found)):
        return found[0] if len(parts) == 1 else ()
    prefixes = [one.data_set.encode(errors="surrogatepass") + b"/" for one in parts]
    return [prefix + path for prefix, paths in zip(prefixes, found, strict=True) for path in paths]


def picture(row: ImageRow, path: str) -> tuple[str, str]:
    """Return the set of one of a row's positives, and the image's path there."""
    if not row.pooled:
        return row.id, path
    if len(row.pooled) == 1:
        return row.pooled[0], path
    found = [name for name in row.pooled if path.startswith(f"{name}/")]
    name = max(found, key=len)
    return name, path.removeprefix(f"{name}/")

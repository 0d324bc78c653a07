"""Zero-shot out-of-distribution detection from cached vision-language embeddings.

`oodcache.open("embeddings")` opens a cache; `metrics` and `compare` measure arrays of scores.
`Results` are rows, each a `Result`; `Conventions` sets how to measure, `InputError` is a user's
error. `Detector.load("detector.json")` classifies images. `@oodcache.score(whole=True)` marks a
function as a score of all images at once. Names are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oodcache import score
    from oodcache.cache.errors import InputError
    from oodcache.detector import Detector
    from oodcache.measuring import compare, metrics
    from oodcache.notebook import Cache, open
    from oodcache.results import Results
    from oodcache.score.measures.result import Conventions, Result

__all__ = [
    "Cache",
    "Conventions",
    "Detector",
    "InputError",
    "Result",
    "Results",
    "compare",
    "metrics",
    "open",
    "score",
]
WHERE = {
    "Cache": "oodcache.notebook",
    "Conventions": "oodcache.score.measures.result",
    "Detector": "oodcache.detector",
    "InputError": "oodcache.cache.errors",
    "Result": "oodcache.score.measures.result",
    "Results": "oodcache.results",
    "compare": "oodcache.measuring",
    "metrics": "oodcache.measuring",
    "open": "oodcache.notebook",
}


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name == "score":
        return import_module("oodcache.score")
    if name in WHERE:
        return getattr(import_module(WHERE[name]), name)
    raise AttributeError(f"module 'oodcache' has no attribute {name!r}")

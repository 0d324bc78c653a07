"""Stage 2: scores, metrics and their evaluation, from embeddings. Knows NumPy, never torch.

Called, the package marks a function as a score: `@oodcache.score(whole=True)`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


class _Marker(ModuleType):
    def __call__(
        self, function: Any = None, *, name: str | None = None, whole: bool = False
    ) -> Any:
        """Return a function marked as a score, or a decorator that marks one.

        `name` is the score's name, otherwise the function's own. A `whole` score is called once
        with all images of a set; without it, a score must not depend on other images.
        """

        def mark(one: Callable[..., Any]) -> Callable[..., Any]:
            one.whole = whole  # type: ignore[attr-defined]
            if name is not None:
                one.__name__ = name
            return one

        return mark if function is None else mark(function)


sys.modules[__name__].__class__ = _Marker

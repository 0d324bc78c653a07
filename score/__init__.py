"""Stage 2: scores, metrics and their evaluation, from embeddings. Knows NumPy, never torch.

Called, `oodcache.score` marks a function as a score: `@oodcache.score(name=None, whole=False)`.
`name` is the score's name, otherwise the function's own. A `whole` score is called once with all
images of a set; without it, a score must not depend on other images. See docs/own-score.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from oodcache.cache.errors import InputError

FORM = "write @oodcache.score(name='gap') above def, or oodcache.score(function, name='gap')"


class _Marker(ModuleType):
    def __call__(
        self, function: Any = None, *, name: str | None = None, whole: bool = False
    ) -> Any:
        """Return a function marked as a score, or a decorator that marks one.

        `name` is the score's name, otherwise the function's own. A `whole` score is called once
        with all images of a set; without it, a score must not depend on other images. Raises
        InputError for what is no function, or cannot be marked.
        """

        def mark(one: Callable[..., Any]) -> Callable[..., Any]:
            if not callable(one):
                raise _refused(f"takes a function, not {repr(one)[:60]}")
            try:
                one.whole = whole  # type: ignore[attr-defined]
                if name is not None:
                    one.__name__ = name
            except (AttributeError, TypeError) as error:
                raise _refused(f"cannot mark {repr(one)[:60]}: {error}") from None
            return one

        return mark if function is None else mark(function)


def _refused(what: str) -> InputError:
    from oodcache.cache.format.rules import one_line

    return InputError(f"oodcache.score {one_line(Exception(what))}; {FORM}")


sys.modules[__name__].__class__ = _Marker

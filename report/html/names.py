"""Names in the page: shortened if they are very long, so that names that differ still do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from oodcache.report.html.renaming import Named, renamed
from oodcache.report.tables.grid import key, model_names, names
from oodcache.score.measures.result import Result

MOST = 72  # Letters of a name that are shown: three lines of a cell.
# A line breaks behind these, so that a name stays readable.
_BREAKS = re.compile(r"(?<=[:=/,·|_@+)\]-])(?=[^\s:=/,·|_@+)\]-])")
_FRONTS = (0.5, 0.25, 0.75, 0.0, 1.0)


def wrapper(results: Sequence[Result], named: Named) -> Callable[[str], Any]:
    """Return what writes a name as HTML that wraps well; one that is cut has its whole in a title.

    The keyboard reaches a name that is cut. `named` has names to show instead of the results'.
    """
    from markupsafe import Markup

    called = names(map(key, results))
    kinds = (
        called.values(),
        (part for row in called for part in row if part is not None),
        model_names(called).values(),
        (one.ood for one in results),
    )
    short: dict[str, str] = {}
    for kind in kinds:
        short |= shortened(renamed(one, named) for one in kind)

    def wrapped(name: str) -> Any:
        shown = short.get(name, name)
        parts = [Markup("<wbr>").join(pieces(one)) for one in shown.split(" · ")]
        if len(parts) > 1:  # A line breaks between parts first.
            part = Markup('<span class="part">{}</span>')
            text = Markup(" · ").join(part.format(one) for one in parts)
        else:
            (text,) = parts
        if shown == name:
            return Markup("<span>{}</span>").format(text) if "<" in text else text
        cut = Markup('<span class="cut" tabindex="0" title="{}" data-whole="{}">{}</span>')
        return cut.format(name, name, text)

    return wrapped


def shortened(whole: Iterable[str], most: int = MOST) -> Mapping[str, str]:
    """Return each name, shortened in the middle if it is longer than `most` letters.

    Names that differ stay different: they are cut elsewhere, or numbered.

    >>> shortened(["mcm", "a-very-long-name"], 9)
    {'mcm': 'mcm', 'a-very-long-name': 'a-ve…name'}
    """
    unique = list(dict.fromkeys(whole))
    for front in _FRONTS:
        cut = {one: _cut(one, most, front) for one in unique}
        if len(set(cut.values())) == len(unique):
            return cut
    return {
        one: one if len(one) <= most else _cut(f"{number}: {one}", most, 0.75)
        for number, one in enumerate(unique, 1)
    }


def _cut(name: str, most: int, front: float) -> str:
    """Return a name without its middle; the share `front` of what is left is before the cut."""
    if len(name) <= most:
        return name
    before = round((most - 1) * front)
    after = most - 1 - before
    return f"{name[:before]}…{name[len(name) - after :]}"


def pieces(name: str) -> list[str]:
    """Return the parts of a name between which a line may break.

    >>> pieces("mcm:temperature=learned · ViT-B-32/openai")
    ['mcm:', 'temperature=', 'learned · ViT-', 'B-', '32/', 'openai']
    """
    return _BREAKS.split(name)

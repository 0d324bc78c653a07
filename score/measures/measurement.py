"""A measurement of scores that any program made: the results of each row of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oodcache.cache.watch import Watch
from oodcache.score.measures import bootstrap
from oodcache.score.measures.comparison import Comparison
from oodcache.score.measures.paired_orders import PairedRow
from oodcache.score.measures.result import Conventions, Result
from oodcache.score.measures.spectrum.kinds import PositiveKind, compare_kinds, name_of
from oodcache.score.measures.spectrum.positives import Positives
from oodcache.score.measures.spectrum.spectrum import FULL, Spectrum


def results(
    rows: Sequence[PairedRow],
    id_set: str,
    *,
    conventions: Conventions,
    watch: Watch,
    csid: Sequence[str] = (),
) -> list[Result]:
    """Return each row's results for each OOD set, then the averages if there are several sets.

    All sets of a row but `id_set` and those of `csid` are OOD. With `csid` all rows on the ID set
    come first, then those on each csid set and on the full spectrum. Raises InputError for scores
    that cannot be ranked.
    """
    found = []
    for row in rows:
        kinds = len(csid) + 2 if csid else 1
        resamples = conventions.bootstrap * (len(row.scores) - 1 - len(csid)) * kinds
        with bootstrap.watched(watch.progress, row.name[2], resamples) as advance:
            found += _of_row(row, [id_set, *csid], conventions, advance)
    ids = list(dict.fromkeys(one.id for one in found))
    return [one for name in ids for one in found if one.id == name]


def _of_row(
    row: PairedRow,
    inside: Sequence[str],
    conventions: Conventions,
    advance: Callable[[int], None],
) -> list[Result]:
    template = row.name[1]
    model, slash, pretrained = (row.name[0] or "").partition("/")
    outside = [name for name in row.scores if name not in inside]
    common: dict[str, Any] = {
        "model": model or None,
        "pretrained": pretrained if slash else None,
        "classes": None,
        "template": template,
        "templates": (template,) if template and "{}" in template else (),
        "score": row.name[2],
        "parameters": {},
        "fpr_convention": conventions.fpr_convention,
    }
    sizes = {name: len(row.scores[name]) for name in inside}
    how = Comparison(conventions, dict.fromkeys(outside), advance=advance)
    positives = Positives.independent(sizes)
    return compare_kinds(common, _kinds(sizes, outside), positives, row.scores, how)


def _kinds(sizes: Mapping[str, int], outside: Sequence[str]) -> list[PositiveKind]:
    """Return the kinds of positives; what the images show is unknown."""
    id_set, *csid = sizes
    shared = dict.fromkeys(outside, 0)

    def kind(name: str, images: Mapping[str, int]) -> PositiveKind:
        none = {one: 0 for one in images if one != id_set}
        return PositiveKind(name, None, shared, Spectrum(id_set, images, none, none))

    each = [kind(name_of(one), {one: sizes[one]}) for one in csid]
    return [PositiveKind(id_set, None, shared), *each, *([kind(FULL, sizes)] if csid else [])]

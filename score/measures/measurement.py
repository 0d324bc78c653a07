"""A measurement of scores that any program made: the results of each row of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from oodcache.cache.watch import Watch
from oodcache.score.measures import bootstrap
from oodcache.score.measures.comparison import Comparison
from oodcache.score.measures.orders.paired_orders import PairedRow
from oodcache.score.measures.result import Conventions, Result
from oodcache.score.measures.selective.answers import Outcomes
from oodcache.score.measures.spectrum.kinds import PositiveKind, compare_kinds, name_of
from oodcache.score.measures.spectrum.positives import Positives
from oodcache.score.measures.spectrum.spectrum import FULL, Spectrum

Key = tuple[str | None, str | None]
NONE_KNOWN: Mapping[Key, Outcomes] = {}


def results(
    rows: Sequence[PairedRow],
    id_set: str,
    *,
    conventions: Conventions,
    watch: Watch,
    csid: Sequence[str] = (),
    outcomes: Mapping[Key, Outcomes] = NONE_KNOWN,
) -> list[Result]:
    """Return each row's results for each OOD set, then the averages if there are several sets.

    All sets of a row but `id_set` and those of `csid` are OOD. With `csid` all rows on the ID set
    come first, then those on each csid set and on the full spectrum. `outcomes` tell, by model and
    template, which ID images are classified correctly. Raises InputError for scores that cannot be
    ranked.
    """
    found = []
    for row in rows:
        kinds = len(csid) + 2 if csid else 1
        resamples = conventions.bootstrap * (len(row.scores) - 1 - len(csid)) * kinds
        with bootstrap.watched(watch.progress, row.name[2], resamples) as advance:
            how = Comparison(conventions, {}, advance=advance)
            found += _of_row(row, [id_set, *csid], how, outcomes.get(row.name[:2]))
    ids = list(dict.fromkeys(one.id for one in found))
    return [one for name in ids for one in found if one.id == name]


def _of_row(
    row: PairedRow,
    inside: Sequence[str],
    how: Comparison,
    outcomes: Outcomes | None,
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
        "fpr_convention": how.conventions.fpr_convention,
    }
    sizes = {name: len(row.scores[name]) for name in inside}
    how = replace(how, groups=dict.fromkeys(outside))
    alone, *others = _kinds(sizes, outside)
    kinds = [replace(alone, outcomes=outcomes), *others]
    return compare_kinds(common, kinds, Positives.independent(sizes), row.scores, how)


def _kinds(sizes: Mapping[str, int], outside: Sequence[str]) -> list[PositiveKind]:
    """Return the kinds of positives; what the images show is unknown."""
    id_set, *csid = sizes
    shared = dict.fromkeys(outside, 0)

    def kind(name: str, images: Mapping[str, int]) -> PositiveKind:
        none = {one: 0 for one in images if one != id_set}
        return PositiveKind(name, None, shared, Spectrum(id_set, images, none, none))

    each = [kind(name_of(one), {one: sizes[one]}) for one in csid]
    return [PositiveKind(id_set, None, shared), *each, *([kind(FULL, sizes)] if csid else [])]

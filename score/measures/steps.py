"""What one change does: named pairs of rows tested on the same images, and on their average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from oodcache.cache.errors import InputError
from oodcache.score.measures import delong
from oodcache.score.measures.differences import Name, Row
from oodcache.score.measures.result import AVERAGE, Difference

Pair = tuple[Name, Name]


def steps(rows: Sequence[Row], pairs: Sequence[Pair], id_set: str) -> list[Difference]:
    """Return a paired test of each pair, first less second, for each OOD set.

    Where there are several sets the mean over them is tested too, as the set "average". Holm's
    family are the pairs of a set. Raises InputError where the rows of a pair have other images.
    """
    named = {row.name: row for row in rows}
    _check_images(named, pairs)
    sets = [name for name in rows[0].scores if name != id_set]

    @cache
    def placed(name: Name, ood_set: str) -> delong.Placements:
        scores = named[name].scores
        return delong.placements(scores[id_set], scores[ood_set])

    def tested(ood: str, over: Sequence[str]) -> list[Difference]:
        found = [
            delong.average_difference(*([placed(name, one) for one in over] for name in pair))
            for pair in pairs
        ]
        adjusted = delong.holm([one.p for one in found])
        return [
            Difference(id_set, ood, *pair, one.difference, one.ci, one.p, p_holm)
            for pair, one, p_holm in zip(pairs, found, adjusted, strict=True)
        ]

    by_set = [one for name in sets for one in tested(name, [name])]
    return [*by_set, *(tested(AVERAGE, sets) if len(sets) > 1 else ())]


def _check_images(named: Mapping[Name, Row], pairs: Sequence[Pair]) -> None:
    for first, second in pairs:
        one, other = named[first].images, named[second].images
        unlike = [name for name in one if one[name] != other[name]]
        if unlike:
            raise InputError(
                f"{', '.join(unlike)}: other images under {first[0]} than under {second[0]}: a "
                "change is measured on the same ones; extract both from one folder"
            )

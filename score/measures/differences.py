"""Differences between scores on the same images: all pairs of rows, or named pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache

from oodcache.cache.errors import InputError
from oodcache.cache.text import counted, megabytes
from oodcache.cache.watch import Note, Watch
from oodcache.score.measures import delong
from oodcache.score.measures.orders.paired_orders import Name, OrderPairs, PairedOrders, PairedRow
from oodcache.score.measures.result import AVERAGE, Difference

Pair = tuple[Name, Name]
SILENT = Watch()
MANY = 100_000  # Pairs; above it a run tells what they take, with these measured amounts of each.
SECONDS, IN_MEMORY, IN_JSON = 1e-4, 3700, 420


def differences(
    rows: Sequence[PairedRow],
    id_set: str,
    *,
    watch: Watch = SILENT,
) -> list[Difference]:
    """Return a paired test of every pair of rows for each OOD set, in the order of the rows.

    Rows with different images are not paired, with a note. Holm's family is all pairs of an OOD
    set. Rows of streams are paired with those of the same order, and with other scores. Raises
    InputError if there is only one row.
    """
    if len(rows) < 2:
        raise InputError("--compare needs at least two scores; add another")
    _tell_amount(rows, len(rows[0].images) - 1, watch.note)
    found = []
    for ood_set in rows[0].images:
        if ood_set != id_set:
            groups: dict[tuple[str, str], list[PairedRow]] = {}
            for row in (one for one in rows if ood_set in one.ood_sets):
                groups.setdefault((row.images[id_set], row.images[ood_set]), []).append(row)
            if len(groups) > 1:
                models = [dict.fromkeys(str(one.name[0]) for one in of) for of in groups.values()]
                watch.note(
                    f"{id_set} and {ood_set}: different images under "
                    f"{'; '.join(map(', '.join, models))}: only scores of the same images are "
                    "compared"
                )
            pairs: list[Pair] = []
            tests: list[PairedOrders] = []
            for of in groups.values():
                tested = _tested(of, id_set, ood_set, watch)
                pairs += [(of[one.first].name, of[one.second].name) for one in tested]
                tests += tested
            found += _adjusted(id_set, ood_set, pairs, tests)
    if not found:
        watch.note("--compare: no two rows have the same images in the same order")
    return found


def _tested(
    rows: Sequence[PairedRow], id_set: str, ood_set: str, watch: Watch
) -> list[PairedOrders]:
    """Return the tests of all comparable pairs of rows of the same images, in order."""
    plain = [place for place, one in enumerate(rows) if one.stream is None]
    each = [rows[place].scores for place in plain]
    placed = [delong.placements(one[id_set], one[ood_set]) for one in each]
    streams = OrderPairs(rows, id_set, ood_set)
    amount = len(plain) * (len(plain) - 1) // 2 + len(streams.comparable())
    with watch.progress(f"compare on {ood_set}", amount, "pairs") as advance:
        tested = delong.differences(placed, advance=advance)
        found = [PairedOrders(plain[one.first], plain[one.second], one) for one in tested]
        for one in streams.tests():
            found.append(one)
            advance(1)
    return sorted(found, key=lambda one: (one.first, one.second))


def _tell_amount(rows: Sequence[PairedRow], ood_sets: int, note: Note) -> None:
    """Note beforehand what many pairs will take; a pair was measured on one core of 2026."""
    pairs = ood_sets * len(rows) * (len(rows) - 1) // 2
    if pairs > MANY:
        minutes = counted(math.ceil(pairs * SECONDS / 60), "minute")
        memory, file = (megabytes(pairs * each) for each in (IN_MEMORY, IN_JSON))
        note(
            f"--compare: {pairs:,} pairs take about {minutes}, {memory} MB of memory and {file} MB "
            "as JSON; fewer scores take less"
        )


def _adjusted(
    id_set: str, ood: str, pairs: Sequence[Pair], tests: Sequence[PairedOrders]
) -> list[Difference]:
    adjusted = delong.holm([one.test.p for one in tests])
    return [
        Difference(
            *(id_set, ood, *pair, one.test.difference, one.test.ci, one.test.p, p_holm),
            orders=one.orders,
            deviation=one.deviation,
        )
        for pair, one, p_holm in zip(pairs, tests, adjusted, strict=True)
    ]


def steps(rows: Sequence[PairedRow], pairs: Sequence[Pair], id_set: str) -> list[Difference]:
    """Return a paired test of each pair, first minus second, for each OOD set.

    With several sets their mean is tested too, as the set "average". Holm's family is the pairs of
    a set. Raises InputError if the rows of a pair have different images.
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
        return _adjusted(id_set, ood, pairs, [PairedOrders(0, 1, one) for one in found])

    by_set = [one for name in sets for one in tested(name, [name])]
    return [*by_set, *(tested(AVERAGE, sets) if len(sets) > 1 else ())]


def _check_images(named: Mapping[Name, PairedRow], pairs: Sequence[Pair]) -> None:
    for first, second in pairs:
        one, other = named[first].images, named[second].images
        unlike = [name for name in one if one[name] != other[name]]
        if unlike:
            raise InputError(
                f"{', '.join(unlike)}: different images under {first[0]} and {second[0]}, but a "
                "change is measured on the same ones; extract both from one folder"
            )

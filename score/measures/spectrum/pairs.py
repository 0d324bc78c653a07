"""Rows of scores by kind of positives: scores are compared only on the same kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from oodcache.score.measures.orders.paired_orders import PairedRow
from oodcache.score.measures.spectrum.kinds import name_of
from oodcache.score.measures.spectrum.spectrum import FULL, KINDS


def by_kind(
    rows: Sequence[PairedRow], id_set: str, csid: Sequence[str]
) -> Iterator[tuple[str, list[PairedRow]]]:
    """Yield each kind's `id` with its rows, whose positives are the set of that name.

    Without csid sets it is the ID set alone. The positives of the full spectrum are the ID set's,
    then those of each csid set. Rows are named as in a table of several kinds.
    """
    kinds = {id_set: [id_set]}
    if csid:
        kinds |= {name_of(name): [name] for name in csid} | {FULL: [id_set, *csid]}
    for kind, sets in kinds.items():
        yield kind, [_of_kind(row, kind, sets, (id_set, *csid)) for row in rows]


def _of_kind(row: PairedRow, kind: str, sets: Sequence[str], positives: Sequence[str]) -> PairedRow:
    """Return a row with these `sets` as its positives, and no others of the `positives`."""
    if len(positives) == 1:
        return row
    scores = {name: one for name, one in row.scores.items() if name not in positives}
    images = {name: one for name, one in row.images.items() if name not in positives}
    pool = np.concatenate([row.scores[name] for name in sets])
    label = row.name[2] if kind == positives[0] else KINDS.format(row.name[2], kind)
    return replace(
        row,
        name=(*row.name[:2], label),
        scores={kind: pool, **scores},
        images={kind: "\n".join(row.images[name] for name in sets), **images},
    )

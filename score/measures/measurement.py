"""A measurement of scores that any program made: the results of each row of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from oodcache.cache.watch import Watch
from oodcache.score.measures import bootstrap
from oodcache.score.measures.comparison import compare
from oodcache.score.measures.paired_orders import PairedRow
from oodcache.score.measures.result import Conventions, Result


def results(
    rows: Sequence[PairedRow], id_set: str, *, conventions: Conventions, watch: Watch
) -> list[Result]:
    """Return each row's results for each OOD set, then the averages if there are several sets.

    All sets of a row but `id_set` are OOD. Raises InputError for scores that cannot be ranked.
    """
    found = []
    for row in rows:
        resamples = conventions.bootstrap * (len(row.scores) - 1)
        with bootstrap.watched(watch.progress, row.name[2], resamples) as advance:
            found += _of_row(row, id_set, conventions, advance)
    return found


def _of_row(
    row: PairedRow, id_set: str, conventions: Conventions, advance: Callable[[int], None]
) -> list[Result]:
    template = row.name[1]
    model, slash, pretrained = (row.name[0] or "").partition("/")
    ood_scores = {name: scores for name, scores in row.scores.items() if name != id_set}
    common: dict[str, Any] = {
        "model": model or None,
        "pretrained": pretrained if slash else None,
        "classes": None,
        "template": template,
        "templates": (template,) if template and "{}" in template else (),
        "id": id_set,
        "n_id": len(row.scores[id_set]),
        "id_accuracy": None,
        "score": row.name[2],
        "parameters": {},
        "fpr_convention": conventions.fpr_convention,
    }
    return compare(
        common,
        row.scores[id_set],
        ood_scores,
        conventions=conventions,
        groups=dict.fromkeys(ood_scores),
        shared_images=dict.fromkeys(ood_scores, 0),
        probability=None,
        advance=advance,
    )

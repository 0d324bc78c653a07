"""Results of a stream score over the orders of its images: means, and how far orders differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from oodcache.score.measures import bootstrap, delong
from oodcache.score.measures.comparison import Comparison
from oodcache.score.measures.groups import Averaged, averages
from oodcache.score.measures.orders.stream_path import stream_path
from oodcache.score.measures.result import (
    MEASURES,
    Conventions,
    Result,
    StreamMeasures,
)
from oodcache.score.measures.selective.answers import Outcomes
from oodcache.score.measures.selective.selective import mean_selective
from oodcache.score.streams.runs import StreamRun, same_images

Runs = Mapping[str, Sequence[StreamRun]]
MEANS_OF = ("fpr_at_tpr", "fpr95_by_convention")
SUMS = ("n_ood", "ties", "distinct")


def results_over_orders(
    common: Mapping[str, Any],
    order: str,
    runs: Runs,
    *,
    conventions: Conventions,
    groups: Mapping[str, str | None],
    shared_images: Mapping[str, int],
    halves: Mapping[str, Mapping[str, bootstrap.Samples]] | None = None,
    outcomes: Outcomes | None = None,
) -> list[Result]:
    """Return a result for each OOD set, then the averages if there are several.

    Each set of `runs` has as many, in the same orders; `order` is what was typed. The other
    arguments are as in `compare`. `halves` have the measures on random halves of the images, by
    set: the bootstrap's intervals are from them. An interval of the AUROC has DeLong's variance,
    the mean over the orders: it takes each stream's memory as given. A result on some of the ID
    images has no accuracy, which is that of all.
    """
    how = Comparison(replace(conventions, bootstrap=0, groups={}), groups)

    def of_order(place: int, names: Sequence[str]) -> dict[str, Result]:
        found = {}
        for name in names:
            run = runs[name][place]
            counted = {**common, "n_id": len(run.id_scores)}
            if counted["n_id"] < common["n_id"]:
                counted["id_accuracy"] = None
            (row,) = how.rows(
                *(counted, run.id_scores, {name: run.ood_scores}, shared_images),
                outcomes=None if outcomes is None else outcomes[run.id_rows],
            )
            found[name] = row.result
        return found

    count = min(map(len, runs.values()))
    every = [of_order(place, [*runs]) for place in range(count)]
    found = []
    of_each = {name: groups[name] for name in runs}
    rows = [Averaged(name, group, (name,)) for name, group in of_each.items()]
    for row in (*rows, *averages(of_each, conventions.groups)):
        one = _over_orders(row, runs, every, order)
        if row not in rows:
            one = replace(one, average_of=row.members)
        if halves:
            samples = bootstrap.averaged([dict(halves[name]) for name in row.members])
            one = replace(one, bootstrap=bootstrap.half_intervals(samples, measures_of_row(one)))
        found.append(one)
    return found


def _over_orders(
    row: Averaged, runs: Runs, every: Sequence[Mapping[str, Result]], order: str
) -> Result:
    """Return one row: the means over its OOD sets in each order, and then over the orders."""
    members = row.members
    orders = [mean_of([of_order[name] for name in members]) for of_order in every]
    names = [runs[members[0]][place].order for place in range(len(every))]
    measures = {name: measures_of_row(one) for name, one in zip(names, orders, strict=True)}
    whole = mean_of(orders)
    each = [[runs[name][place] for name in members] for place in range(len(every))]
    variances = [_variance(dict(zip(members, one, strict=True))) for one in each]
    counted = {name: round(np.mean([_total(one, name, members) for one in every])) for name in SUMS}
    single = runs[members[0]][0] if row.name in runs else None
    note = "" if single is None else single.note
    path = None if single is None else stream_path(single, whole.fpr_convention)
    deviations = _deviations(list(measures.values()))
    changes: dict[str, Any] = {
        **counted,
        "ood": row.name,
        "group": row.group,
        "n_id": len(set().union(*(runs[name][0].id_rows.tolist() for name in members))),
        "shared_images": sum(every[0][name].shared_images for name in members),
        "auroc_ci": delong.interval(whole.auroc, _mean_variance(variances)),
        "stream": StreamMeasures(order, _images(each[0]), measures, deviations, note, path),
    }
    return replace(whole, **changes)


def _images(runs: Sequence[StreamRun]) -> int:
    """Return the number of images of the streams: of one if the OOD sets are in one."""
    first, *_ = runs
    is_of_several = first.length > len(first.id_rows) + len(first.ood_rows)
    return first.length if is_of_several else sum(run.length for run in runs)


def _total(of_order: Mapping[str, Result], name: str, members: Sequence[str]) -> int:
    return sum(getattr(of_order[one], name) for one in members)


def mean_of(rows: Sequence[Result]) -> Result:
    """Return the first row with the means of all measures."""
    means: dict[str, Any] = {
        one.name: float(np.mean([getattr(row, one.name) for row in rows])) for one in MEASURES
    }
    for field in MEANS_OF:
        each = [getattr(row, field) for row in rows]
        means[field] = {key: float(np.mean([one[key] for one in each])) for key in each[0]}
    means["selective"] = mean_selective([row.selective for row in rows])
    return replace(rows[0], **means)


def measures_of_row(one: Result) -> dict[str, float]:
    """Return the measures of one order: the headline ones, and the FPR at other TPRs."""
    others = {name: rate for name, rate in one.fpr_at_tpr.items() if float(name) != 0.95}
    return {
        **{measure.name: getattr(one, measure.name) for measure in MEASURES},
        **{f"fpr_at_tpr_{name}": rate for name, rate in others.items()},
    }


def _deviations(orders: Sequence[Mapping[str, float]]) -> dict[str, float] | None:
    if len(orders) < 2:
        return None
    return {name: float(np.std([one[name] for one in orders], ddof=1)) for name in orders[0]}


def _variance(runs: Mapping[str, StreamRun]) -> float | None:
    """Return DeLong's variance of one order's mean AUROC over OOD sets, None if unknown.

    The sets must share their ID images, which `ratio` draws for each set.
    """
    if not same_images(runs):
        return None
    placed = [delong.placements(one.id_scores, one.ood_scores) for one in runs.values()]
    return delong.average_variance(placed)


def _mean_variance(variances: Sequence[float | None]) -> float | None:
    """Return the mean variance over orders; one that is None had no image that varies."""
    return math.fsum(one or 0.0 for one in variances) / len(variances) or None

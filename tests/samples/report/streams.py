"""Results of scores that learn from the stream, made up for tests of what shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from oodcache.report.saved.results import Saved
from oodcache.score.formulas.registry import SCORES
from oodcache.score.measures.result import MEASURES, Result, StreamMeasures, StreamPath

ORDERS = {"shuffle:2": ("shuffle 0", "shuffle 1"), "id-first": ("id-first",)}
SHARES = (None, 0.25, 0.75, 1.0)
MOMENTS = (64, 128, 192, 300)


def path(score: str, order: str) -> StreamPath:
    """Return a path with a gap in its middle; `oodd` has no ID memory, only `tanl` a threshold."""
    inside = (None, None) if score == "oodd" else ((0, 5, 8, 9), SHARES)
    return StreamPath(
        order,
        200,
        (200, 225, 250, 275, 300),
        {"auroc": (0.5, None, 0.625, 0.75, 0.875), "fpr95": (1.0, None, 0.75, 0.5, 0.25)},
        MOMENTS,
        *(*inside, (1, 2, 3, 0), SHARES[::-1]),
        (0.5, 0.25, 0.25, 0.5) if score == "tanl" else None,
    )


def learning(one: Result, score: str, order: str, number: int) -> Result:
    """Return a result as that of a stream score in an order, worse by `number` per cent."""
    measures = {measure.name: getattr(one, measure.name) for measure in MEASURES}
    each = {
        name: {what: value * (1 - (number + place) / 100) for what, value in measures.items()}
        for place, name in enumerate(ORDERS[order])
    }
    stream = StreamMeasures(
        order,
        300,
        each,
        measures if len(each) > 1 else None,
        path=None if one.is_average else path(score, ORDERS[order][0]),
    )
    parameters = SCORES[score].defaults
    return replace(one, score=score, parameters=parameters, stream=stream, calibration=None)


def streamed(saved: Saved, scores: Sequence[str] = ("oodd", "tanl")) -> Saved:
    """Return results with stream scores in two orders, on the sets of the first score, behind."""
    first = [one for one in saved.results if one.score == saved.results[0].score]
    sets = list({one.ood: one for one in reversed(first)}.values())[::-1]
    rows = [
        learning(one, score, order, 3 * number)
        for score in scores
        for number, order in enumerate(ORDERS)
        for one in sets
    ]
    return replace(saved, results=(*saved.results, *rows))

"""From scores to results: one score's ID images against each OOD set, and their averages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from oodcache.score.metrics import metrics
from oodcache.score.result import AVERAGE, Conventions, Result
from oodcache.score.rows import Scores


def compare(
    common: Mapping[str, Any],
    id_scores: Scores,
    ood_scores: Mapping[str, Scores],
    *,
    conventions: Conventions,
    groups: Mapping[str, str | None],
    shared_images: Mapping[str, int],
    probability: Callable[[Scores], Scores] | None,
) -> list[Result]:
    """Return a result for each OOD set, then the averages where there are several.

    `common` has the fields of Result that do not depend on the OOD set. `groups` says "near",
    "far" or None of each set. `probability` turns a score into the probability of being ID, None
    where the score is none.
    """
    rows = []
    for name, scores in ood_scores.items():
        measured = metrics(id_scores, scores)
        rows.append(
            Result(
                **common,
                ood=name,
                group=groups[name],
                n_ood=len(scores),
                auroc=measured.auroc,
                auroc_ci=None,
                aupr_in=measured.aupr_in,
                aupr_out=measured.aupr_out,
                fpr95=measured.fpr95,
                fpr_at_tpr={"0.95": measured.fpr95},
                fpr95_by_convention={"strict": measured.fpr95},
                ties=measured.ties,
                distinct=len(id_scores) + len(scores) - measured.ties,
                shared_images=shared_images[name],
                bootstrap=None,
                calibration=None,
            )
        )
    if len(rows) > 1:
        rows.append(_average(common, rows))
    return rows


def _average(common: Mapping[str, Any], rows: list[Result]) -> Result:
    means: dict[str, Any] = {
        name: float(np.mean([getattr(row, name) for row in rows]))
        for name in ("auroc", "aupr_in", "aupr_out", "fpr95")
    }
    sums: dict[str, Any] = {
        name: sum(getattr(row, name) for row in rows)
        for name in ("n_ood", "ties", "distinct", "shared_images")
    }
    return Result(
        **common,
        ood=AVERAGE,
        group=None,
        auroc_ci=None,
        fpr_at_tpr={"0.95": means["fpr95"]},
        fpr95_by_convention={"strict": means["fpr95"]},
        bootstrap=None,
        calibration=None,
        **means,
        **sums,
    )

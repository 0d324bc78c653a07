"""Time our metrics against scikit-learn's, on 50,000 ID and 10,000 OOD scores.

Ours are the same four and the DeLong interval too. A process that has freed a block of embeddings
keeps the memory of arrays of this size; one that has not fetches it page by page each time.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from bench.figure import Figure, alone, paired, told
from bench.timing import in_turns
from oodcache.score.measures.delong import interval, variance
from oodcache.score.measures.metrics import count

ID_IMAGES, OOD_IMAGES, RUNS = 50_000, 10_000, 51
MOST_MILLISECONDS = 8


def compare() -> tuple[Figure, Figure]:
    """Return the figures of the metrics, beside scikit-learn's and alone."""
    generator = np.random.default_rng(0)
    id_scores = generator.normal(1, 1, ID_IMAGES)
    ood_scores = generator.normal(0, 1, OOD_IMAGES)
    # scikit-learn's own input is made ready outside the clock.
    scores = np.concatenate([id_scores, ood_scores])
    is_id = np.repeat([1, 0], [ID_IMAGES, OOD_IMAGES])
    is_ood, negated = 1 - is_id, -scores

    def sklearn_four() -> None:
        roc_auc_score(is_id, scores)
        average_precision_score(is_id, scores)
        average_precision_score(is_ood, negated)
        fpr, tpr, _ = roc_curve(is_id, scores, drop_intermediate=False)
        fpr[np.argmax(tpr >= 0.95)]

    def ours() -> None:
        counts = count(id_scores, ood_scores)
        counts.aupr_in(), counts.aupr_out(), counts.fpr_at_tpr(0.95)
        interval(counts.auroc(), variance(counts))

    times = in_turns(ours, sklearn_four, runs=RUNS)
    what = f"AUROC, DeLong, AUPR and FPR95 of {ID_IMAGES + OOD_IMAGES:,} scores"
    return (
        paired(what, times, "scikit-learn's four, without DeLong"),
        alone("the same, in milliseconds", times[:, 0, 0] * 1e3, "ms", MOST_MILLISECONDS),
    )


def main() -> list[Figure]:
    """Print and return both figures."""
    return told(*compare())


if __name__ == "__main__":
    main()

"""Time our metrics against scikit-learn's, on 50,000 ID and 10,000 OOD scores.

Ours are the same four and the DeLong interval too. A process that has freed a block of embeddings
keeps the memory of arrays of this size; one that has not fetches it page by page each time.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from bench.timing import seconds
from oodcache.score.measures.delong import interval, variance
from oodcache.score.measures.metrics import count

ID_IMAGES, OOD_IMAGES, RUNS = 50_000, 10_000, 51


@dataclass(frozen=True)
class Comparison:
    """Median seconds of either side, and the median over the pairs of runs of ours / theirs."""

    ours_seconds: float
    sklearn_seconds: float
    ratio: float


def compare() -> Comparison:
    """Return the times of both, run in turns in this process so that they meet the same machine."""
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

    pairs = np.array([(seconds(ours), seconds(sklearn_four)) for _ in range(RUNS)])
    ours_seconds, sklearn_seconds = np.median(pairs, axis=0)
    return Comparison(ours_seconds, sklearn_seconds, float(np.median(pairs[:, 0] / pairs[:, 1])))


def main() -> None:
    result = compare()
    print(
        f"ours          {result.ours_seconds * 1e3:6.2f} ms   {result.ratio:.3f} of scikit-learn, "
        "with the DeLong interval"
    )
    print(f"scikit-learn  {result.sklearn_seconds * 1e3:6.2f} ms   AUROC, both AUPR and FPR95")


if __name__ == "__main__":
    main()

"""The registry's scores of a bank of training images: formulas, sources, and what to tell of them.

`z` is an image's unit vector, `c` its cosines with the classes, `x` the vectors of the bank.
"""

from __future__ import annotations

from oodcache.score.formulas import gaussian, neighbours, prototypes, subspace
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import AUTO, LEARNED, Score


def _itself(ranked: Scores, classes: int, **parameters: float) -> Scores:
    return ranked


BANK_SCORES: dict[str, Score] = {
    "knn": Score(
        rank=neighbours.rank_knn,
        fit=neighbours.fit_knn,
        shown=_itself,
        formula="-|z - x|, x the k-th nearest image of the bank",
        ranks_by="itself",
        source="Sun et al., ICML 2022",
        use="needs no labels and no classes; assumes nothing of the bank's shape",
        limits="costs a product with the whole bank; an image of the bank is its own nearest",
        defaults={"k": 50.0},
        needs="bank",
    ),
    "mahalanobis": Score(
        rank=gaussian.rank_mahalanobis,
        fit=gaussian.fit_mahalanobis,
        shown=_itself,
        formula="-min_k (z - mean_k)' S^-1 (z - mean_k), S the covariance about the class means",
        ranks_by="itself",
        source="Lee et al., NeurIPS 2018",
        use="weighs directions by how much the images of a class vary there",
        limits="needs labels; a covariance that is singular is shrunk, and with one image a class "
        "distances are Euclidean",
        needs="bank",
    ),
    "rmds": Score(
        rank=gaussian.rank_rmds,
        fit=gaussian.fit_rmds,
        shown=_itself,
        formula="-min_k (d_k - d_0), d_k of mahalanobis, d_0 from the mean and covariance of all",
        ranks_by="itself",
        source="Ren et al., 2021",
        use="mahalanobis less what is unusual for any class: for near OOD images",
        limits="needs labels, and shrinks as mahalanobis does; with one class all images tie",
        needs="bank",
    ),
    "vim": Score(
        rank=subspace.rank_vim,
        fit=subspace.fit_vim,
        shown=subspace.shown_vim,
        formula="logsumexp_k(c/temperature) - alpha*|r|, r the part of z outside the bank's first "
        "principal dimensions, alpha = mean max logit / mean |r| of the bank",
        ranks_by="temperature * (that less log K)",
        source="Wang et al., CVPR 2022",
        use="joins what the classes say and what the bank's subspace says; needs no labels",
        limits="blind to the bias, with which alpha could turn negative; half as many dimensions "
        "as images, where these are few",
        defaults={"temperature": LEARNED, "dimension": AUTO},
        needs="bank",
    ),
    "residual": Score(
        rank=subspace.rank_residual,
        fit=subspace.fit_residual,
        shown=_itself,
        formula="-|r|, r the part of z outside the bank's first principal dimensions",
        ranks_by="itself",
        source="Wang et al., CVPR 2022",
        use="vim without the classes",
        limits="sees no class; half as many dimensions as images, where these are few",
        defaults={"dimension": AUTO},
        needs="bank",
    ),
    "nnguide": Score(
        rank=neighbours.rank_nnguide,
        fit=neighbours.fit_nnguide,
        shown=neighbours.shown_nnguide,
        formula="E(z) * mean of the k largest of z'x*E(x) over the bank, "
        "E = logsumexp_k(c/temperature)",
        ranks_by="that, times the square of a temperature below 1",
        source="Park et al., ICCV 2023, whose code has k = 10; 100 is OpenOOD's",
        use="an energy that far from all training images counts for less",
        limits="costs a product with the whole bank; the energies of the bank must be above 0; "
        "nearly flat for a large temperature",
        defaults={"k": 100.0, "temperature": LEARNED},
        needs="bank",
    ),
    "klm": Score(
        rank=prototypes.rank_klm,
        fit=prototypes.fit_klm,
        shown=_itself,
        formula="-min_k KL(p | d_k), p = softmax(c/temperature), d_k the mean p of the bank's "
        "images predicted k",
        ranks_by="itself",
        source="Hendrycks et al., ICML 2022",
        use="compares whole softmaxes; needs no labels",
        limits="blind to the bias; classes never predicted have no d_k; images tie whose margin is "
        "beyond 36 temperatures, and all with one class",
        defaults={"temperature": LEARNED},
        needs="bank",
    ),
    "she": Score(
        rank=prototypes.rank_she,
        fit=prototypes.fit_she,
        shown=_itself,
        formula="z'm_k, k the predicted class, m_k the mean of the bank's images of k that are "
        "classified correctly",
        ranks_by="itself",
        source="Zhang et al., ICLR 2023",
        use="no parameter to choose; costs a product with one vector an image",
        limits="needs labels; sees the predicted class alone",
        needs="bank",
    ),
}

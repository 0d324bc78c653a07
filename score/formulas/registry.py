"""Zero-shot OOD scores: from cosine similarities to one score per image.

`cosine` is float, shape (N, K): N images against K in-distribution (ID) classes. A score is
float64, shape (N,). Higher always means more in-distribution.

A score has two forms. The one that is *shown* is the paper's formula; in floating point it
saturates, and thousands of images can share one value. The one that *ranks* is a strictly rising
function of it in exact arithmetic and does not saturate; every metric uses it. Either follows from
the other, so only the ranking form is computed from the cosines.
"""

from __future__ import annotations

import math

import numpy as np

from oodcache.score.formulas import ranking
from oodcache.score.formulas.bank_scores import BANK_SCORES
from oodcache.score.formulas.cosines import Floats, Rows, Scores
from oodcache.score.formulas.definition import LEARNED, Score
from oodcache.score.formulas.negative_scores import NEGATIVE_SCORES


def _sigmoid(logits: Scores) -> Scores:
    smaller = np.exp(-np.abs(logits))
    return np.where(logits < 0, smaller, 1.0) / (1.0 + smaller)


def _shown_mcm(ranked: Scores, classes: int, *, temperature: float) -> Scores:
    return _sigmoid(ranked / temperature - math.log(max(classes - 1, 1)))


def _shown_variance(ranked: Scores, classes: int, **parameters: float) -> Scores:
    return _sigmoid(ranked) * (1 - 1 / classes) / classes


CLASS_SCORES: dict[str, Score] = {
    "mcm": Score(
        rank=ranking.lead,
        shown=_shown_mcm,
        formula="max_k softmax(c/temperature)_k",
        ranks_by="max c - temperature * log mean of the others' exp(c/temperature)",
        source="Ming et al., NeurIPS 2022",
        use="the field's baseline; temperature=learned is 1/s, 'MSP on CLIP'",
        limits="blind to the bias; ranks as margin for a temperature near 0, as max c - mean c "
        "for a large one; with one class all images tie",
        defaults={"temperature": 1.0},
        probability=True,
    ),
    "sigmoid-mcm": Score(
        rank=ranking.nearest,
        shown=lambda ranked, classes, *, scale, bias: _sigmoid(scale * ranked + bias),
        formula="max_k sigmoid(scale*c_k + bias)",
        ranks_by="max c",
        source="SigLIP's own loss, Zhai et al., ICCV 2023",
        use="its absolute value is a probability for each class apart",
        limits="ranks exactly as max-logit, whatever its scale and bias",
        defaults={"scale": LEARNED, "bias": LEARNED},
        probability=True,
    ),
    "max-logit": Score(
        rank=ranking.nearest,
        shown=lambda ranked, classes: ranked,
        formula="max_k c_k",
        ranks_by="itself",
        source="Hendrycks et al., ICML 2022; also called MaxCosine",
        use="no parameter to choose; works with a single class",
        limits="sees one class",
    ),
    "energy": Score(
        rank=ranking.energy,
        shown=lambda ranked, classes, *, temperature: ranked + temperature * math.log(classes),
        formula="temperature*logsumexp_k(c/temperature)",
        ranks_by="temperature * log mean exp(c/temperature)",
        source="Liu et al., NeurIPS 2020",
        use="counts every class that fits, not the best alone",
        limits="a bias adds itself to every image; ranks as max-logit for a temperature near 0, "
        "as mean c for a large one",
        defaults={"temperature": LEARNED},
    ),
    "entropy": Score(
        rank=ranking.certainty,
        shown=lambda ranked, classes, *, temperature: -math.log(classes) * _sigmoid(-ranked),
        formula="sum_k p_k*log(p_k), p = softmax(c/temperature)",
        ranks_by="log((log K - H)/H), H the entropy",
        source="Hendrycks and Gimpel, ICLR 2017; in MCM's code",
        use="a softmax whose whole shape counts, not its top alone",
        limits="blind to the bias; ranks as mcm where one class has nearly all, as the variance of "
        "the cosines for a large temperature; with one class all images tie",
        defaults={"temperature": LEARNED},
    ),
    "variance": Score(
        rank=ranking.unevenness,
        shown=_shown_variance,
        formula="var_k p_k, p = softmax(c/temperature)",
        ranks_by="log(V/(V_max - V)), V the variance, V_max = (1 - 1/K)/K",
        source="Ming et al., NeurIPS 2022, their code",
        use="as entropy, with more weight on the nearest class",
        limits="blind to the bias; ranks as mcm where one class has nearly all, as the variance of "
        "the cosines for a large temperature; with one class all images tie",
        defaults={"temperature": LEARNED},
    ),
    "margin": Score(
        rank=ranking.margin,
        shown=lambda ranked, classes: ranked,
        formula="c_(1) - c_(2), the largest cosine less the second",
        ranks_by="itself",
        source="mcm's limit for a small temperature",
        use="no parameter to choose; blind to scale and bias",
        limits="two classes with the same text make it 0; with one class it is infinite",
    ),
    "gen": Score(
        rank=ranking.generalized_entropy,
        shown=lambda ranked, classes, **parameters: -np.exp(-ranked),
        formula="-sum over the `top` largest p_k of (p_k*(1 - p_k))^gamma, "
        "p = softmax(c/temperature)",
        ranks_by="minus the logarithm of that sum",
        source="Liu et al., CVPR 2023",
        use="an entropy that hears the small probabilities",
        limits="blind to the bias; counts at most K classes; nearly flat where it counts them "
        "all at a temperature that makes the softmax nearly uniform",
        defaults={"temperature": LEARNED, "gamma": 0.1, "top": 100.0},
    ),
    "joint-energy": Score(
        rank=ranking.joint_energy,
        shown=lambda ranked, classes, **parameters: np.exp(ranked),
        formula="sum_k softplus(scale*c_k + bias)",
        ranks_by="its logarithm",
        source="Wang et al., NeurIPS 2021",
        use="the energy of independent sigmoids: the bias says which classes count",
        limits="ranks as energy at 1/scale where all logits lie far below 0, and then no bias "
        "counts; as mean c where all lie far above",
        defaults={"scale": LEARNED, "bias": LEARNED},
    ),
    "sigmoid-sum": Score(
        rank=ranking.sigmoid_sum,
        shown=lambda ranked, classes, **parameters: classes * _sigmoid(ranked),
        formula="sum_k sigmoid(scale*c_k + bias)",
        ranks_by="log(S/(K - S)), S that sum",
        source="the expected number of classes that fit, by SigLIP's own probabilities",
        use="counts the classes that the model says fit",
        limits="ranks as energy at 1/scale where all logits lie far below 0, and then no bias "
        "counts; images tie where logits lie beyond 36 on both sides of 0; with one class it ranks "
        "as max-logit",
        defaults={"scale": LEARNED, "bias": LEARNED},
    ),
}
SCORES = {**CLASS_SCORES, **NEGATIVE_SCORES, **BANK_SCORES}


def ranked(score: str, cosine: Floats, **parameters: float) -> Scores:
    """Return the ranking form of a score of CLASS_SCORES: float64 (N,).

    >>> ranked("margin", np.array([[0.25, 0.5]]))
    array([0.25])
    """
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        return CLASS_SCORES[score].rank(Rows(_copy(cosine)), **parameters)


def shown(score: str, cosine: Floats, **parameters: float) -> Scores:
    """Return the paper's form of a score of CLASS_SCORES: float64 (N,).

    >>> shown("mcm", np.array([[0.0, 0.0]]), temperature=1.0)
    array([0.5])
    """
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        ranks = CLASS_SCORES[score].rank(Rows(_copy(cosine)), **parameters)
        return CLASS_SCORES[score].shown(ranks, cosine.shape[1], **parameters)


def _copy(cosine: Floats) -> Floats:
    return np.array(cosine, dtype=np.result_type(cosine, np.float32))

"""Single metrics of two score lists, as tests ask for them."""

from __future__ import annotations

from dataclasses import dataclass

from oodcache.score.measures.metrics import Floats, count


@dataclass(frozen=True)
class Metrics:
    """The metrics of one pair of score lists, and the ties of its ranking."""

    auroc: float
    aupr_in: float
    aupr_out: float
    fpr95: float
    ties: int


def metrics(id_scores: Floats, ood_scores: Floats) -> Metrics:
    """Return all metrics from one sort."""
    counts = count(id_scores, ood_scores)
    return Metrics(**{name: getattr(counts, name)() for name in Metrics.__dataclass_fields__})


def aupr_in(id_scores: Floats, ood_scores: Floats) -> float:
    """Return the average precision with ID as the positive class."""
    return count(id_scores, ood_scores).aupr_in()


def aupr_out(id_scores: Floats, ood_scores: Floats) -> float:
    """Return the average precision with OOD as the positive class."""
    return count(id_scores, ood_scores).aupr_out()


def fpr_at_tpr(
    id_scores: Floats, ood_scores: Floats, *, tpr: float = 0.95, convention: str = "strict"
) -> float:
    """Return the share of OOD images kept where `tpr` of the ID images are."""
    return count(id_scores, ood_scores).fpr_at_tpr(tpr, convention)

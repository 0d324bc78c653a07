"""The scores of what lies outside the principal subspace of a bank: `vim`, `residual`.

The principal axes are those of the vectors themselves, not of their differences from a mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.cosines import Scores, product
from oodcache.score.formulas.definition import AUTO, TEMPERATURE, Parameter, Score
from oodcache.score.formulas.tile import Tile

# A residual of this size is the rounding of a float32 vector.
NOTHING = 1e-6


@dataclass(frozen=True)
class Subspace:
    """The orthogonal complement of the principal subspace: columns of (D, D - dimension)."""

    complement: Scores

    def residual(self, vectors: Scores) -> Scores:
        """Return the norm of what lies in the complement, of float64 vectors (N, D): (N,)."""
        inside = product(vectors, self.complement)
        norm: Scores = np.sqrt(np.einsum("ij,ij->i", inside, inside, dtype=np.float64))
        return norm


@dataclass(frozen=True)
class VirtualLogit:
    """The bank of `vim`: `weight` makes the bank's mean residual as large as its mean cosine."""

    subspace: Subspace
    weight: float


def fit_residual(bank: Bank, *, dimension: float) -> Subspace:
    """Return the complement of the first `dimension` principal axes, 0 being that for the bank.

    Raises InputError if that leaves no dimension.
    """
    return bank.computed(_subspace, "residual", int(dimension))


def rank_residual(tile: Tile, fitted: Subspace, *, dimension: float) -> Scores:
    """Return minus the norm of the residual."""
    return -fitted.residual(tile.precise)


def fit_vim(bank: Bank, *, temperature: float, dimension: float) -> VirtualLogit:
    """Return the subspace, and the weight of a residual.

    Raises InputError if that is not above 0, or the bank has no residual.
    """
    return bank.computed(_virtual_logit, int(dimension))


def rank_vim(tile: Tile, fitted: VirtualLogit, *, temperature: float, dimension: float) -> Scores:
    """Return the energy less the weighted residual, times the temperature and less a constant.

    logsumexp(c / τ) - α · residual with α = weight / τ, times τ: nothing overflows. τ · log K is
    left out, as it is by `energy`.
    """
    return tile.rows.energy(temperature) - fitted.weight * fitted.subspace.residual(tile.precise)


def shown_vim(ranked: Scores, classes: int, *, temperature: float, dimension: float) -> Scores:
    """Return logsumexp(c / τ) - α · residual, from the ranking form."""
    return ranked / temperature + math.log(classes)


def usual_dimension(dimension: int) -> int:
    """Return the principal dimension of the paper for vectors of `dimension`."""
    return 1000 if dimension >= 2048 else 512 if dimension >= 768 else dimension // 2


def _subspace(bank: Bank, score: str, dimension: int) -> Subspace:
    dimension = dimension or bank.computed(_dimension)
    available = bank.vectors.shape[1]
    if dimension >= available:
        raise InputError(
            f"{score}: dimension = {dimension:,}, but the vectors of bank {bank.name} have "
            f"{available:,}: give {score}:dimension={available - 1} or fewer"
        )
    return Subspace(bank.computed(_axes)[:, : available - dimension])


def _dimension(bank: Bank) -> int:
    """Return the dimension of the paper, or half as many as there are images, which is said."""
    usual, images = usual_dimension(bank.vectors.shape[1]), len(bank.vectors)
    if images >= 2 * usual:
        return usual
    half = max(images // 2, 1)
    bank.note(
        f"bank {bank.name}: {images:,} images are few for {usual:,} principal dimensions: "
        f"{half:,} are taken"
    )
    return half


def _axes(bank: Bank) -> Scores:
    """Return the principal axes as columns, the least first."""
    dimension = bank.vectors.shape[1]
    scatter = np.zeros((dimension, dimension))
    for _, block in bank.blocks():
        scatter += product(block.T, block)
    axes: Scores = np.linalg.eigh(scatter / len(bank.vectors))[1]
    return axes


def _virtual_logit(bank: Bank, dimension: int) -> VirtualLogit:
    subspace = _subspace(bank, "vim", dimension)
    residual = sum(float(subspace.residual(block).sum()) for _, block in bank.blocks())
    residual /= len(bank.vectors)
    cosine = float(bank.readout(1 / bank.logit_scale).top.mean())
    if residual < NOTHING:
        available, rest = subspace.complement.shape
        principal = available - rest
        raise InputError(
            f"bank {bank.name}: all its images lie in {principal:,} of {available:,} dimensions, "
            f"and vim needs a rest: give vim:dimension=N with N below {principal}, or a bank of "
            "more images"
        )
    if cosine <= 0:
        raise InputError(
            f"bank {bank.name}: its images' largest cosines with a class have the mean "
            f"{cosine:.4g}, and vim needs one above 0 to weigh residuals: give residual, or "
            "another bank"
        )
    return VirtualLogit(subspace, cosine / residual)


_DIMENSION = Parameter(AUTO, least=1, whole=True, words={AUTO: 0.0})
SUBSPACE_SCORES: dict[str, Score] = {
    "vim": Score(
        rank=rank_vim,
        fit=fit_vim,
        shown=shown_vim,
        formula="logsumexp_k(c/temperature) - alpha*|r|, r the part of z outside the bank's first "
        "principal dimensions, alpha = mean max logit / mean |r| of the bank",
        ranks_by="temperature * (that less log K)",
        source="Wang et al., CVPR 2022",
        use="joins what the classes say and what the bank's subspace says; needs no labels",
        limits="blind to the bias, with which alpha could turn negative; half as many dimensions "
        "as images, where these are few",
        parameters={"temperature": TEMPERATURE, "dimension": _DIMENSION},
        needs="bank",
    ),
    "residual": Score(
        rank=rank_residual,
        fit=fit_residual,
        formula="-|r|, r the part of z outside the bank's first principal dimensions",
        ranks_by="itself",
        source="Wang et al., CVPR 2022",
        use="vim without the classes",
        limits="sees no class; half as many dimensions as images, where these are few",
        parameters={"dimension": _DIMENSION},
        needs="bank",
    ),
}

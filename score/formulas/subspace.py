"""Scores of the residual outside the principal subspace of a bank: `vim`, `residual`.

The principal axes are those of the uncentred vectors.
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

# A residual of this size is float32 rounding.
NOTHING = 1e-6


@dataclass(frozen=True)
class Subspace:
    """The orthogonal complement of the principal subspace: columns of (D, D - dimension)."""

    complement: Scores

    def residual(self, vectors: Scores) -> Scores:
        """Return the norm of the part in the complement, of float64 vectors (N, D): (N,)."""
        inside = product(vectors, self.complement)
        norm: Scores = np.sqrt(np.einsum("ij,ij->i", inside, inside, dtype=np.float64))
        return norm


@dataclass(frozen=True)
class VirtualLogit:
    """The fitted state of `vim`: `weight` scales the bank's mean residual to its mean cosine."""

    subspace: Subspace
    weight: float


def fit_residual(bank: Bank, *, dimension: float) -> Subspace:
    """Return the complement of the first `dimension` principal axes; 0 chooses the dimension.

    Raises InputError if that leaves no dimension.
    """
    return bank.computed(_subspace, "residual", int(dimension))


def rank_residual(tile: Tile, fitted: Subspace, *, dimension: float) -> Scores:
    """Return minus the norm of the residual."""
    return -fitted.residual(tile.precise)


def fit_vim(bank: Bank, *, temperature: float, dimension: float) -> VirtualLogit:
    """Return the subspace and the weight of a residual.

    Raises InputError if the weight is not positive, or the bank has no residual.
    """
    return bank.computed(_virtual_logit, int(dimension))


def rank_vim(tile: Tile, fitted: VirtualLogit, *, temperature: float, dimension: float) -> Scores:
    """Return τ · (logsumexp(c / τ) - α · residual) - τ · log K, with α = weight / τ.

    The factor τ avoids overflow; the constant is subtracted as in `energy`.
    """
    return tile.rows.energy(temperature) - fitted.weight * fitted.subspace.residual(tile.precise)


def shown_vim(ranked: Scores, classes: int, *, temperature: float, dimension: float) -> Scores:
    """Return logsumexp(c / τ) - α · residual, from the ranking form."""
    return ranked / temperature + math.log(classes)


def usual_dimension(dimension: int) -> int:
    """Return the paper's principal dimension for vectors of `dimension`."""
    return 1000 if dimension >= 2048 else 512 if dimension >= 768 else dimension // 2


def _subspace(bank: Bank, score: str, dimension: int) -> Subspace:
    dimension = dimension or bank.computed(_dimension)
    available = bank.vectors.shape[1]
    if dimension >= available:
        raise InputError(
            f"{score}: dimension = {dimension:,}, but the vectors of bank {bank.name} have "
            f"{available:,}; use {score}:dimension={available - 1} or fewer"
        )
    return Subspace(bank.computed(_axes)[:, : available - dimension])


def _dimension(bank: Bank) -> int:
    """Return the paper's dimension, or half the number of images if these are few."""
    usual, images = usual_dimension(bank.vectors.shape[1]), len(bank.vectors)
    if images >= 2 * usual:
        return usual
    half = max(images // 2, 1)
    bank.note(
        f"bank {bank.name}: {images:,} images are too few for {usual:,} principal dimensions: "
        f"{half:,} are used"
    )
    return half


def _axes(bank: Bank) -> Scores:
    """Return the principal axes as columns, the smallest first."""
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
            f"but vim needs a residual; use vim:dimension=N with N below {principal}, or a larger "
            "bank"
        )
    if cosine <= 0:
        raise InputError(
            f"bank {bank.name}: the mean of its images' largest cosines is {cosine:.4g}, but vim "
            "needs a positive one to weight residuals; use residual, or another bank"
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
        use="combines the classes with the bank's subspace; needs no labels",
        limits="ignores the bias, which could make alpha negative; with few images the dimension "
        "is half their number",
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
        limits="ignores the classes; with few images the dimension is half their number",
        parameters={"dimension": _DIMENSION},
        needs="bank",
        ignores_classes=True,
    ),
}

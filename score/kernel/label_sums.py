"""The terms of labels, exp(c/τ) or σ(s·c + b), and their sums over groups of labels, for N images.

Sums are float64. Terms keep within its range at usual temperatures and scales; those that are
`cold` are added as logarithms instead, which takes many times as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from oodcache.score.kernel.choice import kernel
from oodcache.score.kernel.definition import MOST_EXPONENT, Floats, Places, Scores


@dataclass(frozen=True)
class Exponential:
    """The term exp(c / τ). If `cold`, terms may leave float64's range."""

    temperature: float

    @property
    def cold(self) -> bool:
        return self.temperature * MOST_EXPONENT < 1

    def add(self, cosine: Floats, order: Places, groups: Places, sums: Scores) -> None:
        """Add the terms of row order[i] of cosines (M, N) to row groups[i] of `sums`."""
        kernel().add_exponentials(cosine, 1 / self.temperature, order, groups, sums)

    def logarithm(self, cosine: Floats) -> Scores:
        """Return c / τ."""
        return cosine / np.float64(self.temperature)


@dataclass(frozen=True)
class Sigmoid:
    """The term σ(s·c + b), or with `sign` -1 its complement σ(-s·c - b), as `Exponential`."""

    scale: float
    bias: float
    sign: int = 1

    @property
    def cold(self) -> bool:
        return self.scale + abs(self.bias) > MOST_EXPONENT

    def add(self, cosine: Floats, order: Places, groups: Places, sums: Scores) -> None:
        """Add the terms of row order[i] of cosines (M, N) to row groups[i] of `sums`."""
        scale, bias = self.sign * self.scale, self.sign * self.bias
        kernel().add_sigmoids(cosine, scale, bias, order, groups, sums)

    def logarithm(self, cosine: Floats) -> Scores:
        """Return log σ(±(s·c + b))."""
        # float64 throughout: float32 might overflow.
        logits = self.sign * (cosine * np.float64(self.scale) + self.bias)
        found: Scores = np.minimum(logits, 0) - np.log1p(np.exp(-np.abs(logits)))
        return found


Term = Exponential | Sigmoid


class LabelSums(Protocol):
    """Sums of terms over groups of labels, for N images."""

    def add(self, cosine: Floats, order: Places, groups: Places) -> None:
        """Add the terms of row order[i] of cosines (M, N) to group groups[i]."""
        ...

    def logarithms(self) -> Scores:
        """Return the logarithms of the sums, (groups, N)."""
        ...


def sums_of(term: Term, groups: int, count: int) -> LabelSums:
    """Return sums over so many groups for `count` images, all 0."""
    return (_LogSums if term.cold else _PlainSums)(term, groups, count)


class _PlainSums:
    """Sums of terms within float64's range."""

    def __init__(self, term: Term, groups: int, count: int) -> None:
        self._term, self._sums = term, np.zeros((groups, count))

    def add(self, cosine: Floats, order: Places, groups: Places) -> None:
        self._term.add(cosine, order, groups, self._sums)

    def logarithms(self) -> Scores:
        with np.errstate(divide="ignore"):
            return np.log(self._sums)


class _LogSums:
    """Sums of terms given as logarithms."""

    def __init__(self, term: Term, groups: int, count: int) -> None:
        self._term, self._logarithms = term, np.full((groups, count), -np.inf)

    def add(self, cosine: Floats, order: Places, groups: Places) -> None:
        for group, one in zip(groups.tolist(), self._term.logarithm(cosine[order]), strict=True):
            np.logaddexp(self._logarithms[group], one, out=self._logarithms[group])

    def logarithms(self) -> Scores:
        return self._logarithms

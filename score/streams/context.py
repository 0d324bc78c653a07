"""The context of a stream method: the model's classes, and what else its parameters name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Tile, Vectors

if TYPE_CHECKING:
    from oodcache.cache.files.images import ImageFile
    from oodcache.cache.files.texts import TextRows
    from oodcache.score.formulas.negative_sums import NegativeSums

BothForms = Callable[[Tile], tuple[Scores, Scores]]


@dataclass(frozen=True)
class NamedRows:
    """What a parameter names: unit `vectors` float32 (N, D), and `told`, what the name hides.

    `words` are a vocabulary's, with those whose vectors are left out.
    """

    vectors: Vectors
    told: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class NamedVectors:
    """The vectors that parameters name, by what they are and their name, and the files behind them.

    "mined" is the word lists that the negatives were mined from.
    """

    vectors: dict[tuple[str, str], NamedRows] = field(default_factory=dict)
    files: tuple[TextRows | ImageFile, ...] = ()


@dataclass(frozen=True)
class StreamContext:
    """What a stream method may read besides the images, for one model and one list of classes.

    `classes` are unit vectors float32 (K, D). `negatives` are None without --negatives; a method
    that asks them for sums does so when it is made. `corpus` (C, D) and `noise` (N, D) are what
    the parameters of these names name, None without such a parameter; `corpus_told` is which words
    they are, "" if the name says so. `base` takes a score as
    typed, such as "mcm:temperature=learned", and returns a function of a tile: its form that
    ranks and its form that is shown, each float64 (N,).
    """

    classes: Vectors
    logit_scale: float
    logit_bias: float | None
    negatives: NegativeSums | None
    corpus: Vectors | None
    noise: Vectors | None
    base: Callable[[str], BothForms]
    corpus_told: str = ""

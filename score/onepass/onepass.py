"""One pass over cached images: every variant is computed on a tile before the next is read.

No N × K array is ever held. With tiles of T rows, row i is always row i mod T of tile i // T, and
the last one is padded, so scores are bit-identical for any read block and number of threads. Equal
images get equal scores: those of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock, local
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.format.identity import ModelIdentity
from oodcache.cache.watch import Note
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import ANY, DATASET, GIVE, VOCABULARY, Parameter
from oodcache.score.formulas.tile import (
    Digests,
    Tile,
    Vectors,
    digests,
    over_tiles,
    tile_rows,
    tiles,
)
from oodcache.score.inputs.views import repeated, shared
from oodcache.score.kernel.definition import RowSums
from oodcache.score.onepass.variants import Variant, parse

if TYPE_CHECKING:
    from oodcache.score.formulas.bank import Bank
    from oodcache.score.formulas.negative_sums import NegativeSums
    from oodcache.score.streams.context import BothForms, NamedRows

NOTHING: Mapping[tuple[str, str], NamedRows] = {}


@dataclass(frozen=True)
class Classes:
    """The classes that images are compared with, (K, D), and the model's scale and bias.

    `are_means` tells that they are those of a bank: the model has no texts, and no scale, so the
    one here is none that a score may use. `wanted` collects the sums that scores ask of every tile.
    """

    vectors: Vectors
    logit_scale: float
    logit_bias: float | None
    are_means: bool = False
    wanted: list[RowSums] = field(default_factory=list, compare=False, repr=False)

    @cached_property
    def columns(self) -> Vectors:
        """Return the contiguous transpose of the vectors, (D, K)."""
        return np.ascontiguousarray(self.vectors.T)

    @classmethod
    def of(cls, vectors: Vectors, model: ModelIdentity) -> Classes:
        """Return a model's classes; without a scale they are a bank's means."""
        scale = model.logit_scale
        return cls(vectors, 1.0 if scale is None else scale, model.logit_bias, scale is None)

    def numbers(self, variant: Variant) -> dict[str, Any]:
        """Return the variant's parameters, with learned values filled in."""
        return variant.numbers(logit_scale=self.logit_scale, logit_bias=self.logit_bias)

    def shown(self, variant: Variant, ranked: Scores) -> Scores:
        """Return the paper's form of a score, from its ranking form."""
        return variant.shown(ranked, len(self.vectors), self.numbers(variant))


@dataclass(frozen=True)
class Scored:
    """N scored images: `scores` float64 (V, N), one row per variant; `best` (N,) nearest class.

    `digests` (N,) are 64-bit hashes of the vectors. `alone` has the rows of the scores that do
    not depend on other images, None if none does. A score that learns from the stream has NaN, and
    in `ahead`, by its row, what its method computed ahead of all orders, (Q, N).
    """

    scores: Scores
    best: npt.NDArray[np.intp]
    digests: Digests
    alone: npt.NDArray[np.intp] | None = None
    ahead: dict[int, Scores] = field(default_factory=dict)

    def tie(self, first: Scored) -> None:
        """Give each image the scores of the first image of `first` with the same vector.

        On some processors (Haswell, Zen) OpenBLAS rounds a row's product depending on its position,
        so equal rows get different products. A score that depends on other images may differ.
        """
        if not (repeated(self.digests) if first is self else shared(first.digests, self.digests)):
            return
        found, places = np.unique(first.digests, return_index=True)
        at = np.minimum(np.searchsorted(found, self.digests), len(found) - 1)
        equal = np.flatnonzero(found[at] == self.digests)
        source = places[at[equal]]
        if self.alone is None:
            self.scores[:, equal] = first.scores[:, source]
        else:
            rows = self.alone[:, None]
            self.scores[rows, equal] = first.scores[rows, source]
        self.best[equal] = first.best[source]
        for place, values in self.ahead.items():
            values[:, equal] = first.ahead[place][:, source]


def fit_all(
    variants: Sequence[Variant],
    classes: Classes,
    negatives: NegativeSums | None = None,
    bank: Bank | None = None,
    advance: Callable[[int], None] = lambda done: None,
    give: Mapping[str, str] = GIVE,
    named: Mapping[tuple[str, str], NamedRows] = NOTHING,
) -> list[Any]:
    """Return the fitted state of each variant's score, None without a fit.

    `give` has what to type for a reference that a user's score reads, and that is None. `named` has
    what parameters name, by what it is and its name.
    """
    from oodcache.score.own.batch import BatchContext
    from oodcache.score.streams.context import StreamContext

    context = BatchContext(
        *(classes.vectors, classes.logit_scale, classes.logit_bias, negatives, bank, give),
        has_texts=not classes.are_means,
    )
    given = {"": classes.vectors, "negatives": negatives, "bank": bank, ANY: context}

    def fitted(variant: Variant) -> Any:
        score = variant.definition
        assert given[variant.needs] is not None, f"{variant.score} without {variant.needs}"
        numbers = classes.numbers(variant)
        if score.stream is not None:
            own = context if score.needs == ANY else streaming(numbers, score.parameters)
            return score.stream(own, **numbers)
        return score.fit(given[score.needs], **numbers) if score.fit else None

    def base(label: str) -> BothForms:
        variant = parse(label)[0]
        fit = fitted(variant)

        def forms(tile: Tile) -> tuple[Scores, Scores]:
            ranked = variant.rank(tile, classes.numbers(variant), fit)
            return ranked, classes.shown(variant, ranked)

        return forms

    def streaming(numbers: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> StreamContext:
        keys = {one.names: (one.names, numbers[name]) for name, one in parameters.items()}
        found = {what: named[key] for what, key in keys.items() if key in named}
        vectors = {what: one.vectors for what, one in found.items()}
        return StreamContext(
            *(classes.vectors, classes.logit_scale, classes.logit_bias, negatives),
            corpus=vectors.get(VOCABULARY),
            noise=vectors.get(DATASET),
            base=base,
            corpus_told=found[VOCABULARY].told if VOCABULARY in found else "",
        )

    fits: list[Any] = []
    for variant in variants:
        fits.append(fitted(variant))
        advance(1)
    if negatives is not None and any(one.needs == "negatives" for one in variants):
        negatives.prepare()
    return fits


def score_images(
    blocks: Iterable[Vectors],
    rows: int,
    classes: Classes,
    variants: Sequence[Variant],
    *,
    fits: Sequence[Any] | None = None,
    threads: int | None = None,
    keep: Vectors | None = None,
) -> Scored:
    """Return the ranking form of every variant for `rows` images, read from `blocks` in order.

    `blocks` are float32 (n, D) with any n; `fits` is as `fit_all` returns it. Memory grows by 8
    bytes per variant and image; all vectors are kept for a score that needs them at once, and
    written to `keep` (rows, D) if it is given.
    """
    fits = fits or [None] * len(variants)
    order, of_sets, of_streams = _in_turn(variants)
    scored = Scored(
        *(np.full((len(variants), rows), np.nan), np.empty(rows, np.intp)),
        np.empty(rows, np.uint64),
        alone=np.array(order, np.intp) if of_sets else None,
    )
    lock, rooms = Lock(), local()
    numbers = [classes.numbers(variant) for variant in variants]
    size = tile_rows(len(classes.vectors))
    columns = classes.columns  # Made here, once, not by several threads.
    kept_vectors = np.zeros((-(-rows // size) * size if of_sets else 0, len(columns)), np.float32)

    def score_tile(given: tuple[int, Vectors]) -> None:
        first, vectors = given
        kept = slice(first, min(first + size, rows))
        count = kept.stop - first
        tile = Tile(
            *(vectors, classes.vectors, columns),
            first=first,
            real=count,
            wanted=classes.wanted,
            room=room_for(len(vectors)),
        )
        for place in order:
            scored.scores[place, kept] = rank(place, tile)[:count]
        for place in of_streams:
            found = fits[place].ahead(tile)[:, :count]
            with lock:
                own = scored.ahead.setdefault(place, np.empty((0, rows)))
                if len(own) < len(found):
                    own = scored.ahead[place] = np.empty((len(found), rows))
            own[:, kept] = found
        if keep is not None:
            keep[kept] = vectors[:count]
        scored.best[kept] = tile.rows.best[:count]
        scored.digests[kept] = digests(vectors[:count])
        if of_sets:
            kept_vectors[first : first + size] = vectors

    def room_for(count: int) -> Vectors:
        """Return the thread's room for cosines: the system would have to clear new memory."""
        if not hasattr(rooms, "cosines"):
            rooms.cosines = np.empty((count, len(classes.vectors)), np.float32)
        room: Vectors = rooms.cosines
        return room

    def rank(place: int, tile: Tile) -> Scores:
        return variants[place].rank(tile, numbers[place], fits[place])

    for _ in over_tiles(score_tile, tiles(blocks, size), threads=threads):
        pass
    if of_sets:
        whole = Tile(kept_vectors, classes.vectors, columns, real=rows, best=scored.best)
        for place in of_sets:
            scored.scores[place] = rank(place, whole)
    _check_unchanged(variants, fits)
    scored.tie(scored)
    return scored


def tell_constant(variants: Sequence[Variant], scored: Sequence[Scored], note: Note) -> None:
    """Note each variant that gives one number to every image of every set."""
    for place, variant in enumerate(variants):
        first = scored[0].scores[place, 0]
        if all((one.scores[place] == first).all() for one in scored):
            note(f"{variant.label}: every image scores {first:.6g}; an AUROC of 50 means nothing")


def _check_unchanged(variants: Sequence[Variant], fits: Sequence[Any]) -> None:
    """Raise InputError if a user's score has changed what all of them read."""
    if not any(variant.needs == ANY for variant in variants):
        return
    from oodcache.score.own.batch import BatchContext

    own = {
        variant.score: fit
        for variant, fit in zip(variants, fits, strict=True)
        if isinstance(fit, BatchContext)
    }
    for fit in [*own.values()][:1]:
        fit.shared.check(" or ".join(own))


def _in_turn(variants: Sequence[Variant]) -> tuple[list[int], list[int], list[int]]:
    """Return the places of the variants of single images, in their turn, of sets and of streams.

    A user's come first, because the built-in ones overwrite the cosines.
    """
    places = range(len(variants))
    of_sets = [place for place in places if variants[place].definition.whole]
    of_streams = [place for place in places if variants[place].definition.stream]
    alone = (place for place in places if place not in (*of_sets, *of_streams))
    in_turn = sorted(alone, key=lambda place: variants[place].definition.needs != ANY)
    return in_turn, of_sets, of_streams

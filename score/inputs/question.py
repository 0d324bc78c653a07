"""A question: which scores separate ID from OOD images, for which models, measured how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.score.measures.result import STANDARD, Conventions
from oodcache.score.onepass.ablation import read
from oodcache.score.onepass.variants import Variant, default, parse_all
from oodcache.score.own.function import Function
from oodcache.score.own.loading import typed_scores
from oodcache.score.streams.methods import STREAM_SCORES
from oodcache.score.streams.order import read_all

OWN, PREDICTED = "own", "predicted"
SOURCE, OPEN_CLIP = "source", "open_clip"
# A tuple is the average of these templates or, if COSINE_MEAN is its first item, their mean.
Template = str | tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """A question about the embeddings below `cache`; every model is scored alike.

    A set is NAME, NAME:SUBSET or NAME:@FILE; `select_on` is another OOD set, on which the best
    variant of each score is picked. `classes` may be None if a model has one vocabulary.
    `class_names` chooses the names of a subset's classes: the vocabulary's, or those of a
    vocabulary named like the subset. `templates` are as in `prompted`. `negatives` names mined
    words; `bank` names training images, NAME or NAME:N, with `bank_labels` own or predicted; the N
    per class are drawn with `bank_seed`, which is independent of the conventions' seed. `streams`
    are the orders of scores that learn from the stream, as typed; their draws begin with
    `stream_seed`. `csid` are sets of covariate-shifted ID images, which count as ID in rows of
    their own and of the full spectrum. `drop` is a list of images without which everything is
    measured again.
    """

    cache: Path
    models: Sequence[str]
    id_set: str
    ood_sets: Sequence[str] = ()
    variants: Sequence[Variant] = ()
    classes: str | None = None
    templates: Sequence[Template] = ()
    select_on: str | None = None
    class_names: str = OPEN_CLIP
    negatives: str | None = None
    bank: str | None = None
    bank_labels: str = OWN
    bank_seed: int = 0
    streams: Sequence[str] = ()
    stream_seed: int = 0
    conventions: Conventions = STANDARD
    csid: Sequence[str] = ()
    drop: Path | None = None

    def asking(self, scores: Sequence[str | Function], ablation: Path | None = None) -> Question:
        """Return the question with the given scores and an ablation file's scores and templates.

        Without either it has the default scores. A function is a score of the user's own.
        """
        return self._with_scores(scores, ablation)._checked()

    def _with_scores(self, scores: Sequence[str | Function], ablation: Path | None) -> Question:
        if ablation is None and not scores:
            return replace(self, variants=parse_all(default(self.negatives, self.bank)))
        given = typed_scores(scores)
        variants = parse_all(given.specifications, given.own)
        if ablation is None:
            return replace(self, variants=variants)
        file = read(ablation)
        together = {one.label: one for one in (*variants, *file.variants)}
        templates = (*self.templates, *file.templates)
        return replace(self, variants=list(together.values()), templates=templates)

    def _checked(self) -> Question:
        """Return the question; raise InputError for orders that are none, or of no score."""
        orders = read_all(self.streams)
        learns = any(one.definition.stream for one in self.variants)
        if self.streams and not learns:
            raise InputError(
                f"--stream {orders[0].label[:60]}: no requested score learns from the stream; "
                f"add one, such as --score {next(iter(STREAM_SCORES), 'NAME')}, or omit --stream"
            )
        if self.stream_seed and not learns:
            raise InputError("--stream-seed has no effect: no requested score learns from a stream")
        if self.csid and learns:
            label = next(one.label for one in self.variants if one.definition.stream)
            raise InputError(
                f"--csid: {label[:120]} learns from a stream, and streams have no csid images; "
                "score it in another run, without --csid"
            )
        together = [one for one in self.variants if one.definition.stream or one.definition.whole]
        if self.drop is not None and together:
            raise InputError(
                f"--drop: {together[0].label[:120]} scores an image by other images, so its "
                "numbers without some need scores of their own; score it in another run, without "
                "--drop"
            )
        return self


def bank_label(name: str, labels: str | None) -> str:
    """Return the bank's name for display, which tells if its labels are predicted."""
    return f"{name} (labels predicted)" if labels == PREDICTED else name

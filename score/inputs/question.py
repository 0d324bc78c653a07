"""A question: which scores separate ID from OOD images, for which models, measured how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from oodcache.cache.errors import InputError
from oodcache.score.formulas.definition import ANY, BANK
from oodcache.score.measures.result import STANDARD, Conventions
from oodcache.score.onepass.default_scores import default
from oodcache.score.onepass.variants import Variant, is_built_in, parse_all
from oodcache.score.words.leak_search import NO_SEARCH, LeakSearch

if TYPE_CHECKING:
    from oodcache.score.onepass.shot_axis import ShotAxis
    from oodcache.score.own.function import Function

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
    words; `bank` names training images, NAME, NAME:N or NAME:N|N, with `bank_labels` own or
    predicted; the N per class are drawn `bank_draws` times, with seeds from `bank_seed`, which is
    independent of the conventions' seed. `streams`
    are the orders of scores that learn from the stream, as typed; their draws begin with
    `stream_seed`. `csid` are sets of covariate-shifted ID images, which count as ID in rows of
    their own and of the full spectrum. `drop` is a list of images without which everything is
    measured again. `leaks` is how negatives that name OOD classes are found.
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
    leaks: LeakSearch = NO_SEARCH
    bank_draws: int = 1

    @property
    def axis(self) -> ShotAxis | None:
        """Return the axis of shots, None with a single bank."""
        if self.bank is None and self.bank_draws == 1:
            return None
        from oodcache.score.onepass.shot_axis import axis

        return axis(self.bank, self.bank_draws)

    def asking(self, scores: Sequence[str | Function], ablation: Path | None = None) -> Question:
        """Return the question with the given scores and an ablation file's scores and templates.

        Without either it has the default scores. A function is a score of the user's own.
        """
        return self._with_scores(scores, ablation)._checked()

    def _with_scores(self, scores: Sequence[str | Function], ablation: Path | None) -> Question:
        if ablation is None and not scores:
            return replace(self, variants=parse_all(default(self.negatives, self.bank)))
        variants = _typed(scores)
        if ablation is None:
            return replace(self, variants=variants)
        from oodcache.score.onepass import ablation as grids

        file = grids.read(ablation)
        together = {one.label: one for one in (*variants, *file.variants)}
        templates = (*self.templates, *file.templates)
        return replace(self, variants=list(together.values()), templates=templates)

    def _checked(self) -> Question:
        """Return the question; raise InputError for what does not go together."""
        if self.axis is not None:
            self._check_axis(self.axis)
        learns = any(one.definition.stream for one in self.variants)
        if self.streams:
            self._check_streams(learns)
        if self.stream_seed and not learns:
            raise InputError("--stream-seed has no effect: no requested score learns from a stream")
        self.leaks.check(self.ood_sets)
        words = [one for one in self.variants if one.has_words]
        if self.negatives is None:  # A score of the user's own then has none.
            words = [one for one in words if one.needs != ANY]
        if (given := self.leaks.option) and not words:
            raise InputError(
                f"{given} has no effect: no requested score compares with words; add --negatives "
                "NAME, or omit it"
            )
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

    def _check_streams(self, learns: bool) -> None:
        """Raise InputError for no order of a stream, or if no score learns from one."""
        from oodcache.score.streams.methods import STREAM_SCORES
        from oodcache.score.streams.order import read_all

        orders = read_all(self.streams)
        if not learns:
            raise InputError(
                f"--stream {orders[0].label[:60]}: no requested score learns from the stream; "
                f"add one, such as --score {next(iter(STREAM_SCORES), 'NAME')}, or omit --stream"
            )

    def _check_axis(self, shots: ShotAxis) -> None:
        """Raise InputError for what has no number over several banks or draws."""
        for one in self.variants:
            if one.definition.stream and one.needs in (BANK, ANY):
                raise InputError(
                    f"--bank {self.bank}: {one.label[:120]} learns from the stream with a bank, "
                    f"which may be one only; give --bank {shots.name}:{shots.numbers[0]}"
                )
        given = {
            "--bootstrap": self.conventions.bootstrap,
            "--reliability": self.conventions.calibration,
            "--select-on": self.select_on,
            "--csid": self.csid,
            "--drop": self.drop,
            "--selective": self.conventions.selective,
        }
        for option in (name for name, one in given.items() if one and shots.draws > 1):
            raise InputError(
                f"--bank-draws {shots.draws}: rows are means over draws, which {option} is not "
                f"defined for; omit {option}, or give one draw"
            )


def _typed(scores: Sequence[str | Function]) -> list[Variant]:
    """Return the variants of scores, some of which may be the user's own."""
    names = [one for one in scores if isinstance(one, str) and is_built_in(one)]
    if len(names) == len(scores):
        return parse_all(names)
    from oodcache.score.own.loading import typed_scores

    given = typed_scores(scores)
    return parse_all(given.specifications, given.own)


def bank_label(name: str, labels: str | None) -> str:
    """Return the bank's name for display, which tells if its labels are predicted."""
    return f"{name} (labels predicted)" if labels == PREDICTED else name

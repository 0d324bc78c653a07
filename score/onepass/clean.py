"""Clean numbers: the rows of one pass without the images that --drop lists, beside those of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oodcache.cache.errors import InputError
from oodcache.cache.text import counted
from oodcache.cache.watch import Note, Watch
from oodcache.score.files.drop_list import DropList
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Digests
from oodcache.score.inputs.question import Question
from oodcache.score.inputs.selection import Selection
from oodcache.score.inputs.views import View, shared
from oodcache.score.measures.comparison import Comparison
from oodcache.score.measures.result import Result
from oodcache.score.measures.spectrum.kinds import PositiveKind, compare_kinds
from oodcache.score.measures.spectrum.positives import Positives
from oodcache.score.onepass.csid import kinds
from oodcache.score.onepass.onepass import Classes, Scored

Kept = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CleanPass:
    """The images of one pass that are left: `kept` (n,) of each set, and who counts as ID.

    `in_bank` counts, by set, the images that are also in the bank, of sets that have any.
    """

    kept: Mapping[str, Kept]
    positives: tuple[Sequence[PositiveKind], Positives]
    in_bank: Mapping[str, int]

    def beside(
        self,
        rows: Sequence[Result],
        common: Mapping[str, Any],
        scores: Mapping[str, Scores],
        how: Comparison,
    ) -> list[Result]:
        """Return the rows of all images, each with the clean one, which has no bootstrap."""
        left = {name: scores[name][kept] for name, kept in self.kept.items()}
        how = replace(how, conventions=replace(how.conventions, bootstrap=0))
        if common["bank_shared_images"] is not None:
            common = {**common, "bank_shared_images": self.in_bank}
        clean = compare_kinds(common, *self.positives, left, how)
        return [replace(one, clean=own) for one, own in zip(rows, clean, strict=True)]


@dataclass(frozen=True, eq=False)
class CleanSets:
    """The measured sets without the dropped images: `kept` (n,) has, by set, which are left."""

    selection: Selection
    kept: Mapping[str, Kept]

    def of_pass(
        self, classes: Classes, scored: Mapping[str, Scored], of_bank: Digests | None
    ) -> CleanPass:
        """Return the images of a pass that are left, from what was computed of every set."""
        left = {name: _left(scored[name], kept) for name, kept in self.kept.items()}
        positives = kinds(self.selection, classes, left, Watch().note)
        bank = np.empty(0, np.uint64) if of_bank is None else of_bank
        both = {name: shared(bank, one.digests) for name, one in left.items()}
        return CleanPass(self.kept, positives, {name: one for name, one in both.items() if one})


def _left(one: Scored, kept: Kept) -> Scored:
    return Scored(one.scores[:, kept], one.best[kept], one.digests[kept])


def clean_sets(question: Question, selection: Selection, note: Note) -> CleanSets | None:
    """Return the sets without the images that a question drops, None if it drops none.

    Raises InputError for a line that no set has, and if all images of a set are dropped, or none.
    """
    if question.drop is None:
        return None
    views = selection.measured
    files = {view.file.path.stem: view.file for view in views}
    drops = DropList.read(question.drop)
    rows = drops.rows({name: file.paths() for name, file in files.items()})
    kept = {view.name: ~np.isin(view.rows, [*rows[view.file.path.stem]]) for view in views}
    dropped = {name: int(np.count_nonzero(~one)) for name, one in kept.items()}
    for name, one in kept.items():
        if not one.any():
            raise InputError(
                f"--drop {drops.path}: lists all {counted(len(one), 'image')} of {name}; "
                "shorten the list, or omit the set"
            )
    if not any(dropped.values()):
        raise InputError(
            f"--drop {drops.path}: lists no image that is scored: all of them are outside the "
            "subset, or could not be decoded"
        )
    scored: dict[str, set[int]] = {name: set() for name in files}
    for view in views:  # Subsets of one dataset may share images.
        scored[view.file.path.stem].update(view.rows.tolist())
    if others := sum(len(rows[name] - scored[name]) for name in files):
        note(f"--drop {drops.path}: {counted(others, 'listed image')} would not be scored anyway")
    left = {view.name: replace(view, only=view.rows[kept[view.name]]) for view in views}

    def of(some: Sequence[View]) -> tuple[View, ...]:
        return tuple(left[view.name] for view in some)

    clean = replace(selection, views=of(selection.views), csid=of(selection.csid))
    return CleanSets(clean, kept)

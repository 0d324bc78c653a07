"""The csid sets of one pass: their accuracies, their sources, and every kind of positives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from oodcache.cache.watch import Note
from oodcache.score.formulas.tile import Digests
from oodcache.score.inputs.accuracy import accuracy, targets
from oodcache.score.inputs.labels import UNLABELLED, Labels
from oodcache.score.inputs.selection import Selection
from oodcache.score.inputs.views import View, shared, tell_shared
from oodcache.score.measures.selective.answers import outcomes
from oodcache.score.measures.spectrum.kinds import PositiveKind, name_of, pooled_accuracy
from oodcache.score.measures.spectrum.positives import Positives
from oodcache.score.measures.spectrum.spectrum import FULL, Spectrum
from oodcache.score.onepass.onepass import Classes, Scored, score_images

if TYPE_CHECKING:
    from oodcache.score.measures.spectrum.sources import NamedImages


@dataclass(frozen=True)
class _Accuracy:
    """A set's accuracy over all classes and over its own, both None if no image has a class."""

    whole: float | None
    own: float | None
    labelled: int
    classes: int


def kinds(
    selection: Selection, classes: Classes, scored: Mapping[str, Scored], note: Note
) -> tuple[list[PositiveKind], Positives]:
    """Return the kinds of positives of a selection, and the images of all of them.

    `scored` has what was computed of every set. Without csid sets the only kind is the ID set.
    Notes tell of images that two sets share, and of images without a class.
    """
    views = (selection.views[0], *selection.csid)
    outside = {view.name: scored[view.name].digests for view in selection.views[1:]}
    inside = {view.name: scored[view.name].digests for view in views}
    both = {name: tell_shared(outside, one, name, note) for name, one in inside.items()}
    _tell_repeated(inside, note)
    sizes = {view.name: len(view.rows) for view in views}
    first, *others = views
    nearest = scored[first.name].best
    found = {first.name: _of_id(selection, nearest, note)}
    answers = {
        view.name: outcomes(_targets(selection, view), scored[view.name].best) for view in views
    }
    whole, of_first = found[first.name].whole, answers[first.name]
    alone = PositiveKind(first.name, whole, both[first.name], outcomes=of_first)
    if not others:
        return [alone], Positives.independent(sizes)
    from oodcache.score.measures.spectrum.sources import grouped

    found |= {one.name: _of_csid(selection, one, classes, scored[one.name], note) for one in others}
    positives, sources = grouped({one.name: _named(selection, one) for one in views})
    spectra = {
        one.name: Spectrum(
            first.name,
            {one.name: sizes[one.name]},
            {one.name: sources[one.name]},
            {one.name: found[one.name].classes},
            found[one.name].own,
        )
        for one in others
    }
    csid = [
        PositiveKind(name_of(name), found[name].whole, both[name], one, answers[name])
        for name, one in spectra.items()
    ]
    every = np.concatenate([*inside.values()])
    full = Spectrum(
        *(first.name, sizes, sources, {name: found[name].classes for name in spectra}),
        pooled_accuracy([(one.own, one.labelled) for one in found.values()]),
    )
    pooled = pooled_accuracy([(one.whole, one.labelled) for one in found.values()])
    shared_images = {name: shared(every, one) for name, one in outside.items()}
    pool = PositiveKind(FULL, pooled, shared_images, full, np.concatenate([*answers.values()]))
    return [alone, *csid, pool], positives


def _tell_repeated(inside: Mapping[str, Digests], note: Note) -> None:
    """Note images that two sets of positives share: the full spectrum counts them twice."""
    names = [*inside]
    for place, name in enumerate(names[1:], 1):
        for other in names[:place]:
            what = f"{other}: the full spectrum counts them twice"
            tell_shared({name: inside[name]}, inside[other], what, note)


def _of_id(selection: Selection, nearest: Labels, note: Note) -> _Accuracy:
    view = selection.views[0]
    whole = accuracy(selection, view, nearest, note)
    target = _targets(selection, view)
    return _Accuracy(whole, whole, _count(target), len(selection.classes))


def _of_csid(
    selection: Selection, view: View, classes: Classes, scored: Scored, note: Note
) -> _Accuracy:
    """Return a csid set's accuracy; over its own classes, others are no candidates."""
    whole = accuracy(selection, view, scored.best, note)
    target = _targets(selection, view)
    labelled = target != UNLABELLED
    present = np.unique(target[labelled])
    if whole is None or len(present) == len(classes.vectors):
        return _Accuracy(whole, whole, _count(target), len(present))
    among = replace(classes, vectors=classes.vectors[present])
    nearest = present[score_images(view.blocks(), len(view.rows), among, ()).best]
    own = float(np.mean(nearest[labelled] == target[labelled]))
    return _Accuracy(whole, own, _count(target), len(present))


def _count(target: Labels) -> int:
    return int(np.count_nonzero(target != UNLABELLED))


def _targets(selection: Selection, view: View) -> Labels:
    found = targets(selection, view)
    return np.full(len(view.rows), UNLABELLED) if found is None else found


def _named(selection: Selection, view: View) -> NamedImages:
    from oodcache.score.measures.spectrum.sources import NamedImages

    return NamedImages(view.paths(), _targets(selection, view))

"""Scores in memory: arrays, by score and by dataset, measured as other programs' files are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import memory
from oodcache.cache.files.scores import ScoredImages
from oodcache.cache.format.rules import shown
from oodcache.cache.names import RESERVED
from oodcache.cache.watch import Watch
from oodcache.score.files.other_scores import measured
from oodcache.score.files.reading import UNNAMED, check_list, ranked
from oodcache.score.formulas.cosines import Scores
from oodcache.score.measures.orders.paired_orders import PairedRow
from oodcache.score.measures.result import Conventions
from oodcache.score.measures.selective.answers import Outcomes, outcomes_of
from oodcache.score.measures.spectrum.positives import check_id
from oodcache.score.scoring import Measured

OOD = "ood"  # The only OOD set, if it has no name.
SHAPES = (
    "ood_scores: give an array; {set: array}; or, for several scores, {score: array} or "
    "{set: {score: array}} with the scores of id_scores"
)


@dataclass(frozen=True)
class Arrays:
    """Scores of every image: float64 (n,) by score, then by dataset, of which `id_set` is ID.

    The sets of `csid` are covariate-shifted ID images. `outcomes` tell which ID images are
    classified correctly, None if that is unknown.
    """

    id_set: str
    rows: Mapping[str, Mapping[str, Scores]]
    csid: tuple[str, ...] = ()
    outcomes: Outcomes | None = None

    def answered(self, correct: object) -> Arrays:
        """Return the scores with what `correct` tells of the ID images: 1 or 0, True or False.

        Raises InputError for other values, and if there are more or fewer than ID images.
        """
        given = memory.array(correct, "correct")
        found = numbers(given.astype(np.int8) if given.dtype == bool else given, "correct")
        for name, row in self.rows.items():
            if len(row[self.id_set]) != len(found):
                raise InputError(
                    f"correct has {len(found):,} values, but id_scores has "
                    f"{len(row[self.id_set]):,} of {shown(name)}; give one for each ID image"
                )
        return replace(self, outcomes=outcomes_of(found, "correct"))

    def parts(self) -> list[ScoredImages]:
        """Return the scores by dataset; the images have no names."""
        sets = next(iter(self.rows.values()))
        return [
            ScoredImages(
                *("", "", name, {score: row[name] for score, row in self.rows.items()}),
                *([tuple[bytes, ...]] * 3),
            )
            for name in sets
        ]


def arrays(
    id_scores: object,
    ood_scores: object,
    id_set: str,
    *,
    lower_is_id: bool,
    csid_scores: object = None,
) -> Arrays:
    """Return scores as they are given: arrays, or mappings of them.

    `id_scores` is an array or {score: array}; `ood_scores` is an array or {set: array}, or, for
    several scores, {score: array}, {set: {score: array}} or {score: {set: array}}. `csid_scores`
    is {set: array} or {set: {score: array}}. `lower_is_id` negates all. Raises InputError, which
    names the argument, for anything else.
    """
    inside = id_scores if isinstance(id_scores, Mapping) else {UNNAMED: id_scores}
    outside = _by_set(id_scores, ood_scores)
    if not inside or not outside:
        raise InputError(f"{'ood_scores' if inside else 'id_scores'} is empty; {SHAPES}")
    shifted = {} if csid_scores is None else _shifted(id_scores, csid_scores)
    _check_names([*inside], [*outside, *shifted], id_set)
    check_id(id_set, [*shifted])
    if both := [name for name in shifted if name in outside]:
        raise InputError(f"{both[0]!r} is in ood_scores and in csid_scores; name it otherwise")
    sign, rows = -1 if lower_is_id else 1, {}
    for score in map(str, inside):  # NumPy's texts are a subclass.
        place = f"[{score!r}]" if isinstance(id_scores, Mapping) else ""
        row = {id_set: sign * numbers(inside[score], f"id_scores{place}")}
        for name in map(str, outside):
            own = f"[{name!r}]" if _is_named(id_scores, ood_scores) else ""
            row[name] = sign * numbers(outside[name][score], f"ood_scores{own}{place}")
        for name in map(str, shifted):
            row[name] = sign * numbers(shifted[name][score], f"csid_scores[{name!r}]{place}")
        rows[score] = row
    return Arrays(id_set, rows, tuple(map(str, shifted)))


def _shifted(id_scores: object, csid_scores: object) -> Mapping[Any, Mapping[Any, Any]]:
    """Return the csid scores by set, then by score."""
    if not isinstance(csid_scores, Mapping) or not _is_named(id_scores, csid_scores):
        raise InputError(
            f"csid_scores is {type(csid_scores).__name__}; give {{set: array}} or, for several "
            "scores, {set: {score: array}}"
        )
    try:
        return _by_set(id_scores, csid_scores)
    except InputError as error:
        raise InputError(str(error).replace("ood_scores", "csid_scores")) from None


def measure(
    given: Arrays,
    *,
    lower_is_id: bool,
    conventions: Conventions,
    compare_scores: bool,
    command: str,
    watch: Watch,
) -> Measured:
    """Return the results of scores in memory; `command` is what was typed.

    With `compare_scores` all scores must have as many images of each set, in the same order.
    """
    rows = [
        PairedRow((None, None, name), row, dict.fromkeys(row, ""))
        for name, row in given.rows.items()
    ]
    if compare_scores:
        _check_lengths(given)
    return measured(
        *(rows, given.id_set),
        csid=given.csid,
        outcomes={} if given.outcomes is None else {(None, None): given.outcomes},
        conventions=conventions,
        compare_scores=compare_scores,
        provenance={"command": command, "lower_is_id": lower_is_id, "files": []},
        watch=watch,
    )


def numbers(given: object, name: str) -> Scores:
    """Return one number per image as float64 (n,), from a list, an array or a tensor.

    Raises InputError, which begins with `name`, for anything else, NaN, or no number at all.
    """
    if isinstance(given, list | tuple) and given and getattr(given[0], "ndim", False):
        what = f"is a list of {len(given):,} arrays, not of numbers"
        raise InputError(f"{name}: {what}; {SHAPES}")
    array = memory.array(given, name)
    check_list(array.shape, array.dtype, name)
    return ranked(array, name)


def _is_named(id_scores: object, ood_scores: object) -> bool:
    """Return whether the OOD sets have names: not if there is one, given as the ID set is."""
    if not isinstance(ood_scores, Mapping):
        return False
    return not isinstance(id_scores, Mapping) or any(
        isinstance(one, Mapping) for one in ood_scores.values()
    )


def _by_set(id_scores: object, ood_scores: object) -> Mapping[Any, Mapping[Any, Any]]:
    """Return the OOD scores by set, then by score."""
    is_named = _is_named(id_scores, ood_scores)
    by_set: Any = ood_scores if is_named else {OOD: ood_scores}
    if not isinstance(id_scores, Mapping):
        return {name: {UNNAMED: one} for name, one in by_set.items()}
    for name, one in by_set.items():
        if not isinstance(one, Mapping):
            raise InputError(f"{_place(name, is_named)} is {type(one).__name__}; {SHAPES}")
    turned: Mapping[Any, Mapping[Any, Any]] = _by_score(by_set, {*id_scores})
    for name, one in turned.items():
        if {*one} != {*id_scores}:
            raise InputError(
                f"{_place(name, is_named)} has {_listed(one)}, but id_scores has "
                f"{_listed(id_scores)}; {SHAPES}"
            )
    return turned


def _place(ood_set: object, is_named: bool) -> str:
    return f"ood_scores[{shown(ood_set)}]" if is_named else "ood_scores"


def _by_score(given: Mapping[Any, Mapping[Any, Any]], scores: set[Any]) -> Any:
    """Return mappings by score, then by set, the other way round; others as they are."""
    sets = [*next(iter(given.values()), {})]
    if {*given} != scores or {*sets} == scores or any({*one} != {*sets} for one in given.values()):
        return given
    return {name: {score: one[name] for score, one in given.items()} for name in sets}


def _listed(names: Mapping[Any, Any]) -> str:
    return ", ".join(map(shown, [*names][:5])) + ", …" * (len(names) > 5) or "none"


def _check_names(scores: Sequence[object], ood_sets: Sequence[object], id_set: object) -> None:
    for what, names in (("score", scores), ("OOD set", ood_sets), ("id", [id_set])):
        for name in names:
            if not isinstance(name, str) or not name:
                raise InputError(f"{what} {shown(name)} is no name; give text, such as 'mine'")
    for name in (id_set, *ood_sets):
        if name in RESERVED:
            raise InputError(f"{name!r} is reserved for averages in results; give another name")
    if id_set in ood_sets:
        raise InputError(f"{id_set!r} is both the ID set and an OOD set; give another: id='pets'")


def _check_lengths(given: Arrays) -> None:
    """Raise InputError if two scores have other numbers of images: they cannot be paired."""
    first, row = next(iter(given.rows.items()))
    for other, own in [*given.rows.items()][1:]:
        for name, scores in row.items():
            if len(own[name]) != len(scores):
                raise InputError(
                    f"{shown(name)} has {len(scores):,} images with {shown(first)}, but "
                    f"{len(own[name]):,} with {shown(other)}; a comparison needs the same images "
                    "in the same order"
                )

"""The sets of --id, --ood, --csid and --select-on: datasets or subsets that share no images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oodcache.cache.errors import InputError
from oodcache.cache.subsets import Subset, split
from oodcache.score.measures.spectrum.positives import check_id


@dataclass(frozen=True)
class TypedSet:
    """A set as typed, and its dataset and subset; `subset` is None for the whole dataset."""

    option: str
    typed: str
    data_set: str
    subset: Subset | None

    def __str__(self) -> str:
        return f"{self.option} {self.typed}"


def typed_sets(
    id_set: str, ood_sets: Sequence[str], select_on: str | None, csid: Sequence[str] = ()
) -> list[TypedSet]:
    """Return the ID set, each OOD set, each csid set and, if given, the set that picks settings.

    Raises InputError if their names show that two share images, or that ID and OOD share classes.
    """
    inside = _parsed("--id", id_set)
    outside = [_parsed("--ood", typed) for typed in ood_sets]
    for place, one in enumerate(outside):
        _check_outside(inside, one)
        if one.typed in ood_sets[:place]:
            raise InputError(f"--ood {one.typed!r} is given twice")
    shifted = _shifted(inside, outside, csid)
    if select_on is None:
        return [inside, *outside, *shifted]
    tuning = _parsed("--select-on", select_on)
    _check_outside(inside, tuning)
    for one in outside:
        if one.typed == tuning.typed:
            raise InputError(
                f"{one.typed!r} is both --ood and --select-on: a set that picks a setting cannot "
                f"measure it; omit --ood {one.typed}, or pick on another set"
            )
        _check_images(one, tuning)
    for one in shifted:
        _check_outside(one, tuning)
    return [inside, *outside, *shifted, tuning]


def _shifted(inside: TypedSet, outside: Sequence[TypedSet], csid: Sequence[str]) -> list[TypedSet]:
    """Return the csid sets, which share classes with the ID set but no images."""
    check_id(inside.typed, csid)
    shifted = [_parsed("--csid", typed) for typed in csid]
    for place, one in enumerate(shifted):
        if one.typed == inside.typed:
            raise InputError(f"{one.typed!r} is both --id and --csid; give two sets")
        for other in outside:
            _check_outside(one, other)
        if one.typed in csid[:place]:
            raise InputError(f"--csid {one.typed!r} is given twice")
        for other in (inside, *shifted[:place]):
            _check_images(other, one)
    return shifted


def _parsed(option: str, typed: str) -> TypedSet:
    if "," in typed.partition(":")[0]:  # No dataset has a comma in its name.
        each = [one.strip() for one in typed.split(",")]
        how = f"repeat the option: {' '.join(f'{option} {one}' for one in each)}"
        is_several = option in ("--ood", "--csid")
        raise InputError(f"{option} {typed!r}: {how if is_several else 'give one dataset'}")
    return TypedSet(option, typed, *split(typed))


def _check_outside(inside: TypedSet, outside: TypedSet) -> None:
    if outside.typed == inside.typed:
        raise InputError(
            f"{inside.typed!r} is both {inside.option} and {outside.option}; give two sets"
        )
    _check_images(inside, outside)
    _check_classes(inside, outside)


def _check_images(one: TypedSet, other: TypedSet) -> None:
    if one.data_set != other.data_set:
        return
    if one.subset is None or other.subset is None:
        raise InputError(f"{one} and {other} share images: one contains the other")
    _check_classes(one, other)


def _check_classes(one: TypedSet, other: TypedSet) -> None:
    if one.subset is None or other.subset is None:
        return
    if both := [each for each in other.subset.ids if each in one.subset.ids]:
        raise InputError(
            f"{one} and {other} share classes: {', '.join(both[:5])}{', …' * (len(both) > 5)}; "
            "remove them from one, with a list of ids: NAME:@FILE"
        )

"""Clean numbers in tables: all images, those that --drop leaves, and the difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oodcache.report.tables.grid import (
    NONE,
    Cell,
    Grid,
    asked_tprs,
    fpr_name,
    in_words,
    laid,
    percent,
    whose,
)
from oodcache.score.measures.result import Result
from oodcache.score.measures.spectrum.spectrum import FULL


def clean_grid(results: Sequence[Result]) -> Grid | None:
    """Return each measure of all images, of the clean ones, and their difference, side by side.

    None if no image was dropped.
    """
    known = [one for one in results if one.clean is not None]
    if not known:
        return None
    tprs = asked_tprs(known)

    def cell(one: Result) -> Cell:
        assert one.clean is not None
        both: list[tuple[float | None, float | None]] = [(one.auroc, one.clean.auroc)]
        both += [(one.fpr_at_tpr.get(tpr), one.clean.fpr_at_tpr.get(tpr)) for tpr in tprs]
        return tuple(_side_by_side(whole, clean) for whole, clean in both)

    lines = ["AUROC", *map(fpr_name, tprs)]
    return laid(
        known,
        ("all", "clean", "change"),
        cell,
        title="All images, and without those of --drop",
        notes=[
            f"From top to bottom: {in_words(lines)}, in %.",
            *_accuracies(known),
            *_dropped(known),
        ],
    )


def _side_by_side(whole: float | None, clean: float | None) -> tuple[str, str, str]:
    change = NONE if whole is None or clean is None else f"{100 * (clean - whole):+z.2f}"
    return percent(whole), percent(clean), change


def _accuracies(known: Sequence[Result]) -> Iterator[str]:
    """Yield the accuracies, one for all scores and OOD sets of a model's prompt."""
    found = dict[str, None]()
    for one in known:
        if one.clean is not None and one.id_accuracy is not None:
            numbers = _side_by_side(one.id_accuracy, one.clean.id_accuracy)
            told = f"accuracy of {one.id}{whose(one, known)}: all {{}}, clean {{}}, change {{}}."
            found[told.format(*numbers)] = None
    for told in found:
        yield told[0].upper() + told[1:]


def _dropped(known: Sequence[Result]) -> Iterator[str]:
    """Yield how many images of each set are dropped."""
    counts: dict[str, tuple[int, int]] = {}
    for one in known:
        if one.clean is not None and not one.is_average and one.id != FULL:
            counts[one.id] = one.n_id - one.clean.n_id, one.n_id
            counts[one.ood] = one.n_ood - one.clean.n_ood, one.n_ood
    some = {name: both for name, both in counts.items() if both[0]}
    named = [f"{gone:,} of {whole:,} images of {name}" for name, (gone, whole) in some.items()]
    if named:  # In a file of results there may be none.
        yield f"Dropped: {in_words(named)}."

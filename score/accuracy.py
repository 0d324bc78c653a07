"""ID accuracy: how many images are nearest to their own class."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from oodcache.score import labels
from oodcache.score.labels import Labels
from oodcache.score.selection import Selection


def id_accuracy(selection: Selection, nearest: Labels, note: Callable[[str], None]) -> float | None:
    """Return the share of ID images that `nearest`, (n,), puts into their own class.

    Of those that have one: the others are told to `note`. None where no image has one.
    """
    inside = selection.views[0]
    label_names, known = inside.file.label_names, selection.match(inside.file)
    target = labels.targets(inside.labels, known)
    labelled = target >= 0
    missing = int(np.count_nonzero(~labelled))
    if missing:
        unknown = [name for name, place in zip(label_names, known, strict=True) if place < 0]
        what = "class numbers" if inside.file.identity.has_class_numbers else "labels"
        which = f" ({what} {', '.join(unknown[:5])}{', …' * (len(unknown) > 5)})"
        note(
            f"{inside.name}: {missing:,} of {len(target):,} images have no label "
            f"among the classes of {selection.texts.path.stem}{which if unknown else ''}; "
            "they count as ID, but not towards accuracy"
        )
    if not labelled.any():
        return None
    return float(np.mean(nearest[labelled] == target[labelled]))

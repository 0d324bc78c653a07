"""ID accuracy: the share of images whose nearest class is their own."""

from __future__ import annotations

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Note
from oodcache.score.inputs import labels
from oodcache.score.inputs.bank_classes import EVERY_IMAGE
from oodcache.score.inputs.labels import Labels
from oodcache.score.inputs.selection import Selection
from oodcache.score.inputs.views import View
from oodcache.score.measures.result import Conventions


def id_accuracy(selection: Selection, nearest: Labels, note: Note) -> float | None:
    """Return the share of labelled ID images whose `nearest` class, (n,), is their own.

    A note reports images without a label. None if no image has one.
    """
    return accuracy(selection, selection.views[0], nearest, note)


def accuracy(selection: Selection, inside: View, nearest: Labels, note: Note) -> float | None:
    """Return the accuracy of any set of ID images, csid sets among them, as `id_accuracy` does."""
    target = targets(selection, inside)
    if target is None:
        return None
    label_names, known = inside.file.label_names, selection.match(inside.file)
    labelled = target >= 0
    missing = int(np.count_nonzero(~labelled))
    if missing:
        unknown = [name for name, place in zip(label_names, known, strict=True) if place < 0]
        what = "class numbers" if inside.file.identity.has_class_numbers else "labels"
        which = f" ({what} {', '.join(unknown[:5])}{', …' * (len(unknown) > 5)})"
        from_one = (
            "; class numbers run from 1 to "
            f"{len(selection.vocabulary.names)}: they start at 0 here; subtract 1"
        )
        note(
            f"{inside.name}: {missing:,} of {len(target):,} images have no label "
            f"among the classes of {selection.reference.path.stem}{which if unknown else ''}; they "
            f"count as ID, but not in the accuracy{from_one * _count_from_one(selection, inside)}"
        )
    if not labelled.any():
        return None
    return float(np.mean(nearest[labelled] == target[labelled]))


def targets(selection: Selection, view: View) -> Labels | None:
    """Return the class of each image of a set, (n,), -1 for none; None if there are no classes."""
    if selection.texts is None and EVERY_IMAGE in selection.class_names:
        return None
    return labels.targets(view.labels, selection.match(view.file))


def check_known(accuracy: float | None, inside: View, conventions: Conventions) -> None:
    """Raise InputError if the errors on the ID set are asked for, and its accuracy is unknown."""
    if conventions.selective and accuracy is None:
        raise InputError(
            f"--selective: no image of {inside.name} has a label among the classes, so which are "
            "errors is unknown; use an ID set with labels, or omit --selective"
        )


def _count_from_one(selection: Selection, view: View) -> bool:
    """Return whether no ID class number is 0 and the largest is the number of classes."""
    inside = view.file
    if not inside.identity.has_class_numbers:
        return False
    numbers = [int(name) for name in inside.label_names if labels.NUMBER.fullmatch(name)]
    classes = len(selection.vocabulary.names)
    return 0 not in numbers and max(numbers, default=0) == classes


def interval(accuracy: float | None, images: int) -> tuple[float, float] | None:
    """Return the 95 % Wilson confidence interval (JASA 1927) of an accuracy over `images`.

    >>> [round(bound, 4) for bound in interval(0.5, 4) or ()]
    [0.15, 0.85]
    """
    if accuracy is None:
        return None
    # Imported here: SciPy takes half a second, and most tables need no such interval.
    from scipy.stats import binomtest

    found = binomtest(round(accuracy * images), images).proportion_ci(method="wilson")
    return float(found.low), float(found.high)

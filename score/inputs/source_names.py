"""Class names of a subset's own source, instead of the vocabulary's: --class-names source."""

from __future__ import annotations

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.subsets import Subset
from oodcache.score.inputs.question import SOURCE


def check_named(images: ImageFile, subset: Subset | None) -> None:
    """Raise InputError if labels are numbers in the whole vocabulary, not in the subset's own."""
    if subset is not None and images.identity.has_class_numbers:
        raise InputError(
            f"{images.path}: its labels are class numbers in the whole vocabulary, but "
            f"--class-names {SOURCE} uses another; omit it"
        )


def names_of_source(classes: str | None, subset: Subset | None) -> str:
    """Return the vocabulary that has the source's names for the classes of the ID subset."""
    if subset is None or not all(subset.names):
        what = subset.name if subset else "a whole dataset"
        raise InputError(
            f"--class-names source: {what} has no class names of its own; only "
            "--id NAME:imagenet10 and NAME:imagenet20 have"
        )
    if classes not in (None, "imagenet", subset.name):
        raise InputError(
            f"--class-names source needs the names of {subset.name}, but --classes {classes} has "
            "others: give one of the two"
        )
    return subset.name

"""Choice of the columns of a Hugging Face dataset that hold images and labels: one rule for all.

A dataset on the disk and the same one in memory have the same labels, whoever reads it.
"""

from __future__ import annotations

from collections.abc import Sequence

IMAGE_COLUMN = "image"
LABEL_COLUMNS = ("label", "labels", "class")


def image_choice(images: Sequence[str]) -> list[str]:
    """Return which columns of images could be meant: `image` alone if it is one of them.

    >>> image_choice(["mask", "image"])
    ['image']
    """
    return [IMAGE_COLUMN] if IMAGE_COLUMN in images else list(images)


def label_choice(names: Sequence[str], classed: Sequence[str]) -> list[str]:
    """Return which columns could be the label: one, none, or several, of which none is chosen.

    `classed` are the columns with the names of classes. The only one of them is the label; of
    several, the one with a usual name. Without any, the first usual name is the label, as in
    tables.

    >>> label_choice(["image", "label", "species"], ["species"])
    ['species']
    >>> label_choice(["image", "label", "fine", "coarse"], ["fine", "coarse"])
    ['fine', 'coarse']
    """
    if len(classed) == 1:
        return list(classed)
    usual = [one for one in LABEL_COLUMNS if one in (classed or names)]
    return usual[:1] or list(classed)

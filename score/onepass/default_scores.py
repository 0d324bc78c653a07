"""The default scores: those without `--score`, with parameters that a small bank allows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from oodcache.cache.text import counted
from oodcache.cache.watch import Hint, Note
from oodcache.score.onepass.variants import Variant

if TYPE_CHECKING:
    from oodcache.score.formulas.bank import Integers

DEFAULT = ("mcm", "mcm:temperature=learned", "sigmoid-mcm", "max-logit", "energy")
WITH_NEGATIVES = ("neglabel", "neglabel-sigmoid")
WITH_BANK = ("knn", "mahalanobis", "vim")
WITH_SHOTS = ("probe", "probe-zero-shot", "tip")
DRAWN = re.compile(r".+:[0-9|]+")


def default(negatives: str | None, bank: str | None) -> tuple[str, ...]:
    """Return the default scores, given the negatives and the bank.

    A bank of N images per class has those that learn from few; the others need more images.

    >>> default(None, "train:4")[-3:]
    ('probe', 'probe-zero-shot', 'tip')
    """
    of_bank = WITH_SHOTS if bank and DRAWN.fullmatch(bank) else WITH_BANK if bank else ()
    return (*DEFAULT, *(WITH_NEGATIVES if negatives else ()), *of_bank)


def fitting(
    variants: Sequence[Variant], bank: str, labels: Integers, note: Note
) -> tuple[Variant, ...]:
    """Return default scores with a k that a bank with these labels, -1 for none, has images for.

    It is the size of the smallest class, beyond which a neighbour lies outside; a note tells it.
    """
    sizes = np.unique_counts(labels).counts
    found = []
    for one in variants:
        k = one.parameters.get("k")
        if isinstance(k, float) and k > len(labels):
            one = replace(one, parameters={**one.parameters, "k": float(sizes.min())})
            has = f"bank {bank} has {counted(len(labels), 'image')}, fewer than {k:g}"
            note(Hint(f"{has}: {one.label}, the size of its smallest class"))
        found.append(one)
    return tuple(found)

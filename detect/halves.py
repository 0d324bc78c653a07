"""Images cut in two at random: some choose a score, the others calibrate it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from oodcache.score.formulas.tile import Digests


def half(of_images: Digests, seed: int) -> npt.NDArray[np.bool_]:
    """Return which images are in a random half; equal ones are in it, or out of it, together.

    `of_images` (n,) is equal for images with equal vectors. The half is as large as it can be
    without more than n / 2.

    >>> half(np.array([7, 7, 7, 7], np.uint64), 0).sum()
    np.int64(0)
    """
    groups, group, sizes = np.unique(of_images, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(groups))
    fits = np.zeros(len(groups), bool)
    fits[order] = np.cumsum(sizes[order]) <= len(of_images) // 2
    inside: npt.NDArray[np.bool_] = fits[group]
    return inside

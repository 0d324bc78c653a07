"""The words that a score compares images with: the negatives it selects, or all of its corpus."""

from __future__ import annotations

from collections.abc import Sequence

from oodcache.score.formulas.definition import MINED, VOCABULARY
from oodcache.score.onepass.variants import Variant
from oodcache.score.streams.context import NamedVectors
from oodcache.score.words.ends import ends
from oodcache.score.words.negatives import Mined

WITH_POOL = "csp"


def used_words(variant: Variant, mined: Mined | None, named: NamedVectors) -> Sequence[str]:
    """Return the words of a variant, or of the score that it builds on; none without negatives.

    They include those that are left out. A corpus is whole: which of its words are negatives
    depends on the stream.
    """
    if variant.corpus is not None:
        return named.vectors[VOCABULARY, variant.corpus].words
    if mined is None:
        return ()
    one = variant.base or variant
    if one.definition.ends:
        both = ends(mined, _number(one, "near"), _number(one, "far"))
        return [word for lists in both for words in lists.values() for word in words]
    percentile = one.parameters.get("percentile", MINED)
    return mined.words(
        percentile=None if isinstance(percentile, str) else percentile,
        number=_number(one, "number"),
        csp=one.score == WITH_POOL,
    )


def _number(variant: Variant, name: str) -> int | None:
    """Return a whole number of words, None for as many as were mined."""
    value = variant.parameters.get(name, MINED)
    return None if isinstance(value, str) else int(value)

"""Scores that learn from the stream, by their names: each one's method and description."""

from __future__ import annotations

from oodcache.score.formulas.definition import Score
from oodcache.score.streams.activated.tanl import TANL_SCORES
from oodcache.score.streams.oodd import OODD_SCORES
from oodcache.score.streams.with_negatives.adaneg import ADANEG_SCORES
from oodcache.score.streams.with_negatives.clipscope import CLIPSCOPE_SCORES

STREAM_SCORES: dict[str, Score] = {
    **OODD_SCORES,
    **ADANEG_SCORES,
    **TANL_SCORES,
    **CLIPSCOPE_SCORES,
}

"""Scores that learn from the stream, by their names: each one's method and description."""

from __future__ import annotations

from oodcache.score.formulas.definition import Score

STREAM_SCORES: dict[str, Score] = {}

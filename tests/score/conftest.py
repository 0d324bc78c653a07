"""Fixtures of a small cache to score."""

from samples.score.files import lists, mined, score, write_images, write_texts
from samples.score.streams import tally

__all__ = ["lists", "mined", "score", "tally", "write_images", "write_texts"]

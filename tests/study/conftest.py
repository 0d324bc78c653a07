"""Fixtures of a small cache to score."""

from samples.score.files import lists, mined, score, write_images, write_texts

__all__ = ["lists", "mined", "score", "write_images", "write_texts"]

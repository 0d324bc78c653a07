"""Fixtures of a small cache."""

from samples.cache.pets import cut, cut_texts, write_names, write_pets
from samples.score.files import write_images, write_texts

__all__ = ["cut", "cut_texts", "write_images", "write_names", "write_pets", "write_texts"]

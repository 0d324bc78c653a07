"""Fixtures of a small cache."""

from samples.cache.pets import cut, cut_texts, write_names, write_pets

__all__ = ["cut", "cut_texts", "write_names", "write_pets"]

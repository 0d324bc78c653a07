"""Negative labels: mined from word lists in the cache."""

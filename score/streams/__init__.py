"""Scores that learn from the stream of images, replayed from the cache in a stated order."""

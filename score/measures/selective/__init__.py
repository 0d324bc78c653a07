"""Selective classification: the errors among the images that a score accepts."""

"""Extraction from Python: images, class names and models in memory."""

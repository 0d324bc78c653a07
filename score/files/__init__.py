"""Scores of images, written to files and read back."""

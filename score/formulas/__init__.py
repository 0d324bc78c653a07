"""The scores: pure functions from arrays to one number per image."""

"""Thresholds: made from calibration images, saved, applied."""

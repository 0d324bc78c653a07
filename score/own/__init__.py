"""Scores of the user's own: functions of a batch of images."""

"""Shards made by actors on a Ray cluster."""

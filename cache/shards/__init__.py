"""Shards: read as one file, summarised and merged."""

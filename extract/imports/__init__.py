"""Embeddings of other tools, read as the cache's own."""

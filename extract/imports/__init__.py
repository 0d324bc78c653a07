"""Import of other tools' embeddings into the cache, and export."""

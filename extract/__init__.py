"""Stage 1: images and texts to unit embeddings. The only room that knows torch."""

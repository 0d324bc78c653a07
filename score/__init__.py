"""Stage 2: scores, metrics and their evaluation, from embeddings. Knows NumPy, never torch."""

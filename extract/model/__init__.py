"""Models: a request resolved, weights loaded, an encoder."""

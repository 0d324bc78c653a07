"""Results turned into something to look at. Computes no score."""

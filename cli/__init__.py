"""Find the score that tells in-distribution images from the others, without inference."""

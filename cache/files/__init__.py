"""The kinds of file in the cache: images, texts, scores, negatives."""
